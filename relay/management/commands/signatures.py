"""`relay signatures check` verifies recorded requests as a trigger would."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from relay.connectors import registry
from relay.errors import RelayError
from relay.management.command import RelayCommand
from relay.signatures import vectors


class Command(RelayCommand):
    help = "Say which recorded requests are genuine. Sends and stores nothing."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="check")
        checking = verbs.add_parser("check", help="verify the requests in a file with their schemes and secrets")
        checking.add_argument(
            "file",
            metavar="FILE",
            help="a JSON array (-: standard input) of objects: id, scheme, secret, method, url, headers, body, now",
        )
        checking.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        results = [
            {"id": vector.id, "valid": verdict.valid, "reason": verdict.reason}
            for vector in vectors.vectors_of(_read(options["file"]))
            for verdict, _ in [vectors.check(vector, registry.scheme)]
        ]
        if options["json"]:
            self.say_json(results)
            return
        rows = [(row["id"], "yes" if row["valid"] else "no", row["reason"]) for row in results]
        self.say_table(("ID", "VALID", "REASON"), rows)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise RelayError(f"{file} can't be read: {error.strerror}") from None
