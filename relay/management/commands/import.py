"""`relay import`: a new flow from a document."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from typing import Any

from relay.engine import publish
from relay.management import finding
from relay.management.command import RelayCommand


class Command(RelayCommand):
    help = "Make a new flow of a flow document (JSON or YAML) and print its id and URL."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the document; - for standard input")
        parser.add_argument("--publish", action="store_true", help="make it live")
        parser.add_argument("--workspace", metavar="NAME", help="default: the first one")

    def run(self, options: dict[str, Any]) -> None:
        """Import as a draft, then publish: what keeps it from going live is told, and the draft stays."""
        workspace = finding.workspace(options["workspace"])
        flow = publish.import_document(workspace, finding.content(options["file"]))
        faults = publish.check(flow)
        if options["publish"] and not faults:
            publish.publish(flow)
        live = flow.live_version_id is not None
        self.say_json({"flow": flow.pk, "name": flow.name, "url": flow.trigger.url, "live": live})
        for fault in faults:
            self.stderr.write(f"relay: the flow is a draft: {fault}")
        if options["publish"] and not live:
            sys.exit(1)
