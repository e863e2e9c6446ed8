"""`relay import` creates a flow from a document."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from relay.engine import go_live_checks
from relay.engine.configuration import flow_lifecycle
from relay.management import lookups
from relay.management.flow_creation import FlowCreationCommand


class Command(FlowCreationCommand):
    help = "Create a flow from a document (JSON or YAML) and print its id and URL."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the document; - for standard input")
        parser.add_argument("--publish", action="store_true", help="make it live")
        parser.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        """Import as a draft, then publish: the flow is printed even if a later part fails."""
        workspace = lookups.workspace(options["workspace"])
        flow = flow_lifecycle.import_document(workspace, lookups.content(options["file"]))
        with self.printing(flow):
            faults = flow_lifecycle.check(flow)
            if options["publish"] and not faults:
                flow_lifecycle.publish(flow)
        for lack in go_live_checks.find_faults(flow, flow.draft):
            self.stderr.write(f"relay: the flow is unfinished: {lack}")
        for fault in faults:
            self.stderr.write(f"relay: the flow is a draft: {fault}")
        if options["publish"] and flow.live_version_id is None:
            sys.exit(1)
