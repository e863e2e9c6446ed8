"""Peak memory (MiB) of the processes with demanding runs: `python -m tests.bench.memory`."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path
from typing import Any

import requests

from tests.chaos.stream import publish_documents, rows
from tests.support.running import Relay, wait_until

JSON = {"Content-Type": "application/json"}
OPEN = "SELECT 1 FROM relay_run WHERE state IN ('queued', 'running', 'waiting')"
LISTS = b"[" + b"[]," * 300_000 + b"[]]"  # 0.9 MB, and twenty times that as objects
LOOP = {
    "id": "each",
    "kind": "loop",
    "over": "{{ range(400) | list }}",
    "steps": [{"id": "v", "kind": "set", "values": {"v": "{{ 'x' * 1000000 }}"}}],
}
DIGEST = {"id": "all", "kind": "digest", "every": "30s", "limit": 60}
COUNT = {"id": "n", "kind": "set", "values": {"n": "{{ steps.all.count }}"}}


class Peaks:
    """The most memory that each process has had, looked up while it runs."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self.found: dict[str, int] = {}
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while self._relay.process is not None:
            for name, pid in self._relay.children().items():
                with contextlib.suppress(OSError, StopIteration):
                    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
                    line = next(line for line in lines if line.startswith("VmHWM:"))
                    self.found[name] = int(line.split()[1]) >> 10
            time.sleep(0.1)

    def tell(self, what: str) -> None:
        time.sleep(0.3)
        print(what, {name: most for name, most in self.found.items() if "worker" in name or "web" in name}, flush=True)


def document(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": name, "trigger": {"kind": "webhook"}, "steps": [*steps]}


def main() -> None:
    relay = Relay().start()
    peaks = Peaks(relay)
    try:
        loop, digest = publish_documents(relay, document("Loop", LOOP), document("Digest", DIGEST, COUNT))
        peaks.tell("idle")
        requests.post(f"{relay.url}{loop}", b"{}", headers=JSON, timeout=30)
        wait_until(lambda: not rows(relay, OPEN), seconds=120)
        peaks.tell("a loop of 400 x 1 MB")
        for _ in range(60):
            requests.post(f"{relay.url}{digest}", LISTS, headers=JSON, timeout=30)
        wait_until(lambda: not rows(relay, OPEN), seconds=300)
        peaks.tell("a digest of 60 x 0.9 MB")
    finally:
        relay.remove()


if __name__ == "__main__":
    main()
