"""`relay alerts`: who is told of issues."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine import alerts
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Say who is told of issues, or choose the flow that is."

    def arguments(self, parser: ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument("--flow", metavar="FLOW", help="have this flow (id or exact name) told of its workspace's")
        choice.add_argument("--no-flow", action="store_true", help="have no flow told")
        parser.add_argument("--workspace", metavar="NAME", help="default: the first one")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        workspace = finding.workspace(options["workspace"])
        if options["flow"] is not None:
            flow = finding.flow(options["flow"])
            workspace = workspace if options["workspace"] else flow.workspace
            alerts.choose_flow(workspace, flow)
        elif options["no_flow"]:
            alerts.choose_flow(workspace, None)
        told = alerts.who_is_told(workspace)
        if options["json"]:
            self.say_json({"workspace": workspace.name, **told})
            return
        flow_name = f"the flow “{told['flow']['name']}”" if told["flow"] else "no flow"
        mailed = ", ".join(told["mail"]) if told["mail"] else "nobody by mail"
        self.say(f"{workspace.name}: {flow_name}; {mailed}.")
