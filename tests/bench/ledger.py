"""Times pages and ingest with many stored runs: `python -m tests.bench.ledger [--runs N] [--json]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.bench.__main__ import deliveries, figures, flow, running
from tests.bench.load import burst

FLOWS = 200
ROUNDS = 5
EMAIL = "ledger@example.com"


def pages(flow_id: int, last_flow: int, number: int) -> dict[str, str]:
    """Addresses by what they show; `number` is an order in the middle."""
    long_ago = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 5 * 86_400))
    named = {
        "flows": "/flows/",
        "runs": "/runs/",
        "runs of a flow": f"/flows/{flow_id}/runs/",
        "succeeded": "/runs/?state=succeeded",
        "failed": "/runs/?state=failed",
        "held, waiting, queued": "/runs/?state=held&state=waiting&state=queued",
        "running (none)": "/runs/?state=running",
        "five states": "/runs/?state=failed&state=succeeded&state=filtered&state=cancelled&state=partly_failed",
        "succeeded of a flow that only fails": f"/runs/?state=succeeded&flow={last_flow}",
        "cancelled of a flow": f"/runs/?state=cancelled&flow={flow_id}",
        "five days ago": f"/runs/?until={long_ago}",
        "failed, five days ago": f"/runs/?state=failed&until={long_ago}",
        "code 500": "/runs/?code=500",
        "code 200": "/runs/?code=200",
        "code 404 and succeeded (none)": "/runs/?code=404&state=succeeded",
        "destination": "/runs/?destination=hooks.example.com",
        "newer": "/runs/newer/?after=0000000000000",
    }
    texts = {
        "an order": f"ord-{number}",
        "an address": f"ada.{number}@exam",
        "nothing": "zzz-nothing",
        "in every run": "berlin",
        "starts a million words": "ord",
        "a name": "ada lovelace",
        "three words": "grace mug invalidenstrasse",
    }
    for said, text in texts.items():
        named[f"text: {said}"] = f"/runs/?text={text}"
        named[f"text: {said}; failed, a flow"] = f"/runs/?text={text}&state=failed&flow={flow_id}"
    return named


@contextmanager
def ledger(folder: Path, runs: int) -> Iterator[dict[str, Any]]:
    """A filled ledger in a data folder, indexed; the figures of making it."""
    os.environ.update({"RELAY_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "relay.settings"})
    from relay.data_folder import DataFolder

    DataFolder(folder).prepare()
    import django

    django.setup()
    from django.core.management import call_command

    from relay.engine.people import accounts
    from relay.engine.upkeep import search_index
    from relay.models import Workspace
    from tests.bench import filling

    call_command("migrate", verbosity=0)
    accounts.add_user(EMAIL, "benchmark-4711")
    workspace = Workspace.objects.get()
    started = time.monotonic()
    filling.fill(workspace, filling.flows(workspace, flow("https://hooks.example.com/services/T1"), FLOWS), runs)
    filled = time.monotonic()
    while search_index.index_some(2.0):
        pass
    indexed = time.monotonic()
    yield {
        "filled, seconds": round(filled - started, 1),
        "indexed a second": round(runs / (indexed - filled)),
        "database MB": megabytes(folder / "relay.sqlite3"),
        "search index MB": megabytes(folder / "search.sqlite3"),
    }


def megabytes(file: Path) -> int:
    return sum(one.stat().st_size for one in file.parent.glob(f"{file.name}*")) // 1_000_000


def times(runs: int) -> dict[str, list[float]]:
    """Milliseconds of the server for each page: the median and the longest of ROUNDS."""
    from relay.models import Flow, User
    from tests.support.browsing import Browser

    client = Browser(headers={"host": "localhost"})
    client.force_login(User.objects.get(email=EMAIL))
    client.get("/runs/")  # the first page of a process compiles its templates
    first, last = (Flow.objects.filter(name__startswith="Orders of").order_by(f"{way}pk")[0].pk for way in ("", "-"))
    return {name: timed(lambda: client.get(page)) for name, page in pages(first, last, runs // 2).items()}  # noqa: B023


def timed(show: Callable[[], Any]) -> list[float]:
    spent = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        answer = show()
        spent.append((time.perf_counter() - started) * 1000)
        assert answer.status_code == 200
    return [round(statistics.median(spent), 1), round(max(spent), 1)]


def arriving(folder: Path, count: int) -> dict[str, Any]:
    """What a burst through the whole of Relay does with the ledger that is there."""
    with running(folder) as (_, port, path, sink):
        asyncio.run(burst(port, path, first=1, count=500))
        time.sleep(2)
        load = asyncio.run(burst(port, path, first=1_000_000, count=count))
        return figures(load, deliveries(sink, load))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--burst", type=int, default=5_000, help="orders that then arrive; 0: none")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="relay-ledger-") as name:
        folder = Path(name)
        with ledger(folder, options.runs) as made:
            results: dict[str, Any] = {"made": made, "pages, ms": times(options.runs) if options.runs else {}}
        if options.burst:
            results["burst"] = arriving(folder, options.burst)
    if options.json:
        json.dump(results, sys.stdout, indent=2)
        return
    for title, values in results.items():
        print(f"\n{title}")
        for key, value in values.items():
            print(f"  {key:50} {value}")


if __name__ == "__main__":
    main()
