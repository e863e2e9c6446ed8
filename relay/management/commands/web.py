"""`relay web` serves pages and ingest in this process."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.management.command import RelayCommand
from relay.supervision import addresses, processes


class Command(RelayCommand):
    help = "Serve pages and ingest until SIGTERM. Set RELAY_PUBLIC_URL to its public address."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1)")
        parser.add_argument("--port", type=int, default=8000, help="default: 8000")

    def run(self, options: dict[str, Any]) -> None:
        address = addresses.resolve(options["host"])
        processes.web(address, addresses.free_port(address, options["port"]))
