"""`relay audit` prints the audit log."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from relay.errors import RelayError
from relay.management.command import RelayCommand
from relay.models import AuditEntry
from relay.models.audit import record
from relay.search.filters import bounds, day

_MAX_ENTRIES = 100_000


class Command(RelayCommand):
    help = "Print the audit log, newest first."

    def arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", metavar="DAY", help="from this day on, as 2026-03-01 (UTC)")
        parser.add_argument("--limit", type=int, default=100, metavar="N", help="default: 100")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def run(self, options: dict[str, Any]) -> None:
        since = options["since"]
        if since is not None and day(since) is None:
            raise RelayError("--since is a day, as 2026-03-01.")
        if not 0 < options["limit"] <= _MAX_ENTRIES:
            raise RelayError(f"--limit is a number from 1 to {_MAX_ENTRIES}.")
        first, _ = bounds({"since": since})
        entries = AuditEntry.objects.filter(id__gte=first).order_by("-id")[: options["limit"]]
        rows = [record(entry) for entry in entries]
        if options["json"]:
            self.say_json(rows)
            return
        head = ("at", "who", "verb", "thing", "change")
        self.say_table([word.upper() for word in head], [[row[word] for word in head] for row in rows])
