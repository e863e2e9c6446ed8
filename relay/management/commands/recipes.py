"""`relay recipes` lists ready-made flows, shows one, or creates a flow from one."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

import msgspec

from relay.engine.configuration import flow_lifecycle, recipes
from relay.engine.configuration.recipes import RecipeAnswers
from relay.errors import RelayError
from relay.flows.flatten import number_steps
from relay.management import lookups
from relay.management.flow_creation import FlowCreationCommand
from relay.recipes import loader
from relay.recipes.loader import Recipe


class Command(FlowCreationCommand):
    help = "List ready-made flows, show one, or create a flow from one."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON")
        verbs = parser.add_subparsers(dest="verb", metavar="show|use")
        showing = verbs.add_parser("show", help="print one with its steps and the results of its samples")
        showing.add_argument("--json", action="store_true", help="print all of it as JSON")
        using = verbs.add_parser("use", help="create a flow from one, and print its id and URL")
        for verb in (showing, using):
            verb.add_argument("recipe", metavar="RECIPE", help="`relay recipes` lists them")
        using.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="the value of a constant")
        using.add_argument(
            "--connection",
            action="append",
            default=[],
            metavar="NAME=NAME",
            help="the recipe's name of a connection, and the connection to use",
        )
        using.add_argument(
            "--inbox", action="store_true", help="post to the built-in inbox where a connection is missing"
        )
        using.add_argument("--publish", action="store_true", help="make it live")
        using.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        match options["verb"]:
            case "show":
                self._show(loader.find(options["recipe"]), as_json=options["json"])
            case "use":
                self._use(loader.find(options["recipe"]), options)
            case _:
                self._list(as_json=options["json"])

    def _list(self, *, as_json: bool) -> None:
        ready = loader.list_recipes()
        if as_json:
            self.say_json(
                [
                    {"recipe": recipe.slug, "title": recipe.title, "job": recipe.job, "summary": recipe.summary}
                    for recipe in ready
                ]
            )
        else:
            self.say_table(
                ("RECIPE", "FOR", "DOES"), [(recipe.slug, loader.JOBS[recipe.job], recipe.title) for recipe in ready]
            )

    def _show(self, recipe: Recipe, *, as_json: bool) -> None:
        if as_json:
            self.say_json(msgspec.to_builtins(recipe))
            return
        self.say(f"{recipe.title}\n\n{recipe.summary}\n{recipe.setup}\n")
        for step in number_steps(recipe.document).values():
            self.say(f"  {step.number}  {step.name} ({step.own['kind']})")
        for need in recipe.needs:
            self.say(f"\nNeeds {need.constant}: {need.label}. {need.help}".rstrip())
        for sample in recipe.samples:
            result = recipes.dry_run_sample(recipe, sample)
            self.say(f"\nSample “{sample.name}”: {result['state']}. {result.get('reason', '')}".rstrip())
            for request in result.get("requests", []):
                body = (
                    request["body"]
                    if isinstance(request["body"], str)
                    else msgspec.json.encode(request["body"]).decode()
                )
                self.say(f"  {request['step']}: {request['method']} {request['url']}\n    {body}")

    def _use(self, recipe: Recipe, options: dict[str, Any]) -> None:
        """Create a draft, then publish it; prints what is missing, and then leaves the draft."""
        workspace = lookups.workspace(options["workspace"])
        constants, connections = _pairs(options["set"]), _pairs(options["connection"])
        flow = recipes.create_flow(
            recipe, workspace, RecipeAnswers(constants, connections, takes_inbox=options["inbox"])
        )
        with self.printing(flow) as more:
            more["missing"] = missing = recipes.find_missing(recipe, flow)
            if options["publish"] and not missing:
                flow_lifecycle.publish(flow)
        for lack in missing:
            self.stderr.write(f"relay: the flow is a draft: {lack}")
        if options["publish"] and flow.live_version_id is None:
            sys.exit(1)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not equals or not name:
            raise RelayError(f"Write a name, = and a value, not {name}")
    return {name: value for name, _, value in pairs}
