"""`relay recipes`, `relay recipes show` and `relay recipes use`: ready flows."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import msgspec

from relay.engine import publish, recipes
from relay.engine.recipes import Wanted
from relay.errors import RelayError
from relay.flows.listed import listed
from relay.management import finding
from relay.management.command import RelayCommand
from relay.recipes import shelf
from relay.recipes.shelf import Recipe


class Command(RelayCommand):
    help = "List ready flows, show one, or make a flow of it."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        verbs = parser.add_subparsers(dest="verb", metavar="show|use")
        showing = verbs.add_parser("show", help="print one: its steps, and what its samples come to")
        showing.add_argument("--json", action="store_true", help="print all of it as JSON")
        using = verbs.add_parser("use", help="make a flow of one, and print its id and URL")
        for verb in (showing, using):
            verb.add_argument("recipe", metavar="RECIPE", help="`relay recipes` lists them")
        using.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a constant of it")
        using.add_argument(
            "--connection",
            action="append",
            default=[],
            metavar="NAME=NAME",
            help="what it calls Slack, say, and which connection to take",
        )
        using.add_argument("--inbox", action="store_true", help="post to the built-in inbox where one is missing")
        using.add_argument("--publish", action="store_true", help="make it live")
        using.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        match options["verb"]:
            case "show":
                self._show(shelf.find(options["recipe"]), as_json=options["json"])
            case "use":
                self._use(shelf.find(options["recipe"]), options)
            case _:
                self._list(as_json=options["json"])

    def _list(self, *, as_json: bool) -> None:
        found = shelf.all()
        if as_json:
            self.say_json(
                [{"recipe": one.slug, "title": one.title, "job": one.job, "summary": one.summary} for one in found]
            )
        else:
            self.say_table(("RECIPE", "FOR", "DOES"), [(one.slug, shelf.JOBS[one.job], one.title) for one in found])

    def _show(self, recipe: Recipe, *, as_json: bool) -> None:
        if as_json:
            self.say_json(msgspec.to_builtins(recipe))
            return
        self.say(f"{recipe.title}\n\n{recipe.summary}\n{recipe.setup}\n")
        for step in listed(recipe.document).values():
            self.say(f"  {step.number}  {step.name} ({step.own['kind']})")
        for need in recipe.needs:
            self.say(f"\nNeeds {need.constant}: {need.label}. {need.help}".rstrip())
        for sample in recipe.samples:
            found = recipes.tried(recipe, sample)
            self.say(f"\nSample “{sample.name}”: {found['state']}. {found.get('reason', '')}".rstrip())
            for one in found.get("requests", []):
                body = one["body"] if isinstance(one["body"], str) else msgspec.json.encode(one["body"]).decode()
                self.say(f"  {one['step']}: {one['method']} {one['url']}\n    {body}")

    def _use(self, recipe: Recipe, options: dict[str, Any]) -> None:
        """Make it a draft, then publish: what is missing is told, and the draft stays."""
        workspace = finding.workspace(options["workspace"])
        constants, connections = _pairs(options["set"]), _pairs(options["connection"])
        flow = recipes.use(recipe, workspace, Wanted(constants, connections, takes_inbox=options["inbox"]))
        missing = recipes.missing(recipe, flow)
        if options["publish"] and not missing:
            publish.publish(flow)
        live = flow.live_version_id is not None
        self.say_json({"flow": flow.pk, "name": flow.name, "url": flow.trigger.url, "live": live, "missing": missing})
        for one in missing:
            self.stderr.write(f"relay: the flow is a draft: {one}")
        if options["publish"] and not live:
            sys.exit(1)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise RelayError(f"Write a name, = and a value, not {name}")
    return {name: value for name, _, value in pairs}
