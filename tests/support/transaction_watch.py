"""Watches the calls in open transactions and in the committing thread: only SQL may run there."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Any

from django.db import connection

# The modules that store events and rejected requests; Django, which makes the statements, isn't watched.
STORES = {
    *(f"relay.engine.intake.{name}" for name in ("deduplication", "event_store", "rejections", "trigger_cache")),
    *(f"relay.engine.database.{name}" for name in ("id_conflicts", "statements", "write_lock")),
    *("relay.engine.configuration.schedules", "relay.ids", "relay.models.fields", "relay.timestamps"),
}
# What the committing thread also does: it takes one batch after the other.
AROUND = {"relay.ingest.group_commit"}
# These read the date of one file.
CALLS = {"relay.models.sealing.stamp", "relay.data_folder.vault_keys"}
# Of other packages, whatever parses, renders or computes input whose size a sender or tenant chooses.
PARSERS = ("jinja2", "msgspec", "xmltodict", "multipart", "json", "cryptography", "re2", "urllib", "hmac", "base64")


class Watch:
    """A profiler that collects calls at places where they must not be made."""

    def __init__(self) -> None:
        self.is_on = True
        self.commits = 0
        self.wrong: set[str] = set()

    def __call__(self, frame: FrameType, event: str, called: Any) -> None:
        if not self.is_on:
            return
        if event == "call":
            module = str(frame.f_globals.get("__name__"))
            name = frame.f_code.co_name
        elif event == "c_call":
            owner = getattr(called, "__self__", None)
            module = str(getattr(called, "__module__", None) or type(owner).__module__)
            name = str(getattr(called, "__name__", ""))
        else:
            return
        if module.startswith(("relay.", *PARSERS)):
            self._judge(module, name)

    def _judge(self, module: str, name: str) -> None:
        if f"{module}.{name}" in CALLS:
            return
        in_transaction = connection.in_atomic_block
        commits = threading.current_thread().name.startswith("ingest_")
        if in_transaction and module not in STORES:
            self.wrong.add(f"in the transaction: {module}.{name}")
        elif commits and module not in STORES | AROUND:
            self.wrong.add(f"in the committing thread: {module}.{name}")
        self.commits += in_transaction and (module, name) == ("relay.engine.database.statements", "insert")


@contextlib.contextmanager
def watching() -> Iterator[Watch]:
    """Watch this thread and all threads that it starts."""
    watch = Watch()
    before = sys.getprofile()
    threading.setprofile(watch)
    sys.setprofile(watch)
    try:
        yield watch
    finally:
        sys.setprofile(before)
        threading.setprofile(None)  # type: ignore[arg-type]
