"""`relay flows` lists flows."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.management import lookups
from relay.management.command import RelayCommand
from relay.models import Flow


class Command(RelayCommand):
    help = "List flows with their state and URL."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workspace", metavar="NAME", help="default: all")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        flows = Flow.objects.select_related("trigger", "workspace").order_by("pk")
        if options["workspace"] is not None:
            flows = flows.filter(workspace=lookups.workspace(options["workspace"]))
        rows = [_row(flow) for flow in flows]
        if options["json"]:
            self.say_json(rows)
        else:
            self.say_table(("ID", "STATE", "NAME", "URL"), [(r["flow"], r["state"], r["name"], r["url"]) for r in rows])


def _row(flow: Flow) -> dict[str, Any]:
    return {
        "flow": flow.pk,
        "name": flow.name,
        "state": flow.state.value,
        "url": flow.trigger.known_url,
        "workspace": flow.workspace.name,
    }
