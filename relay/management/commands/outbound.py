"""`relay outbound check` says which URLs flows may call, and why not."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

from relay.engine.http_client import sender
from relay.errors import RelayError
from relay.management.command import RelayCommand

_TIMEOUT_SECONDS = 5.0
# Below the concurrency of the resolver.
_CONCURRENCY = 32


class Command(RelayCommand):
    help = "Say which URLs flows may call under the current settings. Looks names up; sends nothing."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="check")
        checking = verbs.add_parser("check", help="check URLs as a delivery would, without sending")
        checking.add_argument(
            "urls", nargs="+", metavar="URL", help="or - for one JSON string a line on standard input"
        )
        checking.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        urls = _read_urls() if options["urls"] == ["-"] else options["urls"]
        with ThreadPoolExecutor(_CONCURRENCY) as pool:
            checks = list(pool.map(partial(sender().check, timeout=_TIMEOUT_SECONDS), urls))
        if options["json"]:
            self.say_json([asdict(check) for check in checks])
            return
        rows = [
            ("yes" if check.allowed else "no", check.url, check.reason or ", ".join(check.addresses))
            for check in checks
        ]
        self.say_table(("ALLOWED", "URL", "WHY NOT, OR WHERE"), rows)


def _read_urls() -> list[str]:
    lines = sys.stdin.buffer.read().splitlines()
    return [_parse_url(line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _parse_url(line: bytes, number: int) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise RelayError(f'Line {number} of standard input is no JSON string, such as "https://example.com/".')
    return value
