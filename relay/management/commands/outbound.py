"""`relay outbound check`: which URLs flows may call, and why not."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from typing import Any

from relay.engine.sending import sender
from relay.errors import RelayError
from relay.management.command import RelayCommand

_SECONDS = 5.0
# Below what the resolver takes at once.
_AT_ONCE = 32


class Command(RelayCommand):
    help = "Say which URLs flows may call under the present settings. Names are looked up; nothing is sent."
    needs_database = False

    def arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="check")
        checking = verbs.add_parser("check", help="judge URLs as a send would, without sending")
        checking.add_argument(
            "urls", nargs="+", metavar="URL", help="or - for one JSON string a line on standard input"
        )
        checking.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        urls = _given() if options["urls"] == ["-"] else options["urls"]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = list(pool.map(partial(sender().check, timeout=_SECONDS), urls))
        if options["json"]:
            self.say_json([asdict(one) for one in found])
            return
        rows = [("yes" if one.allowed else "no", one.url, one.reason or ", ".join(one.addresses)) for one in found]
        self.say_table(("ALLOWED", "URL", "WHY NOT, OR WHERE"), rows)


def _given() -> list[str]:
    lines = sys.stdin.buffer.read().splitlines()
    return [_text(line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _text(line: bytes, number: int) -> str:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, str):
        raise RelayError(f'Line {number} of standard input is no JSON string, such as "https://example.com/".')
    return value
