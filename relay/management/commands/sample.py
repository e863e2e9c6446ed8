"""`relay sample` adds, lists, shows and removes samples: named events to build and test a flow with."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.configuration import samples
from relay.engine.intake.event_json import event_to_json
from relay.errors import RelayError
from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Flow


class Command(RelayCommand):
    help = "Manage the samples of a flow: named events to build and test it with."

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="add|list|show|remove")
        adding = verbs.add_parser("add", help="add an event, without headers that identify its sender")
        listing = verbs.add_parser("list", help="names and sizes")
        showing = verbs.add_parser("show", help="print the event of one, as `relay dry-run --event` reads it")
        removing = verbs.add_parser("remove", help="remove one")
        for verb in (adding, listing, showing, removing):
            verb.add_argument("flow", metavar="FLOW", help="id or exact name")
        for verb in (adding, showing, removing):
            verb.add_argument("name", metavar="NAME", help="of the sample")
        what = adding.add_mutually_exclusive_group(required=True)
        what.add_argument("--event", metavar="FILE", help='{"method", "headers", "query", "body"} (- : standard input)')
        what.add_argument("--run", metavar="RUN", help="the event of this run of the flow")
        listing.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        flow = lookups.flow(options["flow"])
        match options["verb"]:
            case "add":
                event = _of_run(flow, options["run"]) if options["run"] else lookups.event(options["event"])
                sample = samples.add(flow, options["name"], event)
                self.say(f"“{sample}” is a sample of {flow}.")
            case "list":
                self._list(flow, as_json=options["json"])
            case "show":
                self.say_json(samples.find(flow, options["name"]).event)
            case "remove":
                samples.remove(samples.find(flow, options["name"]))
                self.say(f"“{options['name']}” is removed.")

    def _list(self, flow: Flow, *, as_json: bool) -> None:
        rows = [
            {"name": sample.name, "bytes": sample.size, "added": sample.created_at.strftime("%Y-%m-%dT%H:%M:%SZ")}
            for sample in flow.samples.kept().defer("event")
        ]
        if as_json:
            self.say_json(rows)
            return
        self.say_table(("NAME", "BYTES", "ADDED"), [tuple(row.values()) for row in rows])


def _of_run(flow: Flow, word: str) -> dict[str, Any]:
    run = lookups.run(word)
    if run.flow_id != flow.pk:
        raise RelayError(f"{word} is a run of another flow.")
    return event_to_json(run.event)
