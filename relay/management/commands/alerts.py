"""`relay alerts` prints who receives alerts, or chooses the flow that receives them."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.engine.alerts import alerts
from relay.management import lookups
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Print who receives alerts, or choose the flow that receives them."

    def arguments(self, parser: ArgumentParser) -> None:
        choice = parser.add_mutually_exclusive_group()
        choice.add_argument(
            "--flow", metavar="FLOW", help="send its workspace's alerts to this flow (id or exact name)"
        )
        choice.add_argument("--no-flow", action="store_true", help="send alerts to no flow")
        parser.add_argument("--workspace", metavar="NAME", help="default: the first one")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        workspace = lookups.workspace(options["workspace"])
        if options["flow"] is not None:
            flow = lookups.flow(options["flow"])
            workspace = workspace if options["workspace"] else flow.workspace
            alerts.set_alert_flow(workspace, flow)
        elif options["no_flow"]:
            alerts.set_alert_flow(workspace, None)
        recipients = alerts.recipients(workspace)
        if options["json"]:
            self.say_json({"workspace": workspace.name, **recipients})
            return
        flow_name = f"the flow “{recipients['flow']['name']}”" if recipients["flow"] else "no flow"
        mailed = ", ".join(recipients["mail"]) if recipients["mail"] else "nobody by mail"
        self.say(f"{workspace.name}: {flow_name}; {mailed}.")
