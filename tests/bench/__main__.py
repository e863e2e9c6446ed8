"""Starts Relay in its own folder, loads it and prints the results: `python -m tests.bench [--help]`."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.load import Load, burst, steady

TEXT = (
    "New order #{{ event.body.id }} from {{ event.body.customer.name }}: "
    "{{ event.body.total }} {{ event.body.currency }}"
)
LINES = "{% for i in event.body.line_items %}- {{ i.quantity }} x {{ i.title }} @ {{ i.price }}\n{% endfor %}"


RATE = "deliveries a second"


def flow(destination: str) -> dict[str, Any]:
    """The flow under load: one action with a text and a loop over the order's lines."""
    body = {"text": TEXT, "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": LINES}}]}
    inputs = {"method": "POST", "url": destination, "body": {"json": body}}
    return {
        "relay": 1,
        "name": "Bench",
        "trigger": {"kind": "webhook"},
        "steps": [{"id": "send", "kind": "action", "action": "http.request", "inputs": inputs}],
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(
    folder: Path, *, workers: int = 0, database: str = ""
) -> Iterator[tuple[subprocess.Popen[str], int, str, int]]:
    """Relay and a sink: the process, its port, the path of the flow's URL, the sink's port."""
    port, sink_port = free_port(), free_port()
    environment = {**os.environ, "RELAY_DATA": str(folder), "RELAY_ALLOWED_NETWORKS": "127.0.0.0/8"}
    environment |= {"DATABASE_URL": database} if database else {}
    relay = [sys.executable, "-m", "relay"]
    sink = subprocess.Popen([sys.executable, "-m", "tests.bench.sink", str(sink_port)])
    start = [*relay, "up", "--port", str(port), "--workers", str(workers)]
    up = subprocess.Popen(start, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert up.stdout is not None
        if not up.stdout.readline().startswith("Relay is ready"):
            raise SystemExit("Relay did not start")
        subprocess.run(
            [*relay, "user", "add", "bench@example.com"],
            env=environment,
            input="benchmark-4711\n",
            text=True,
            check=True,
        )
        document = json.dumps(flow(f"http://127.0.0.1:{sink_port}/slack"))
        command = [*relay, "import", "-", "--publish"]
        made = subprocess.run(command, env=environment, input=document, text=True, check=True, stdout=subprocess.PIPE)
        yield up, port, urlsplit(json.loads(made.stdout)["url"]).path, sink_port
    finally:
        up.terminate()
        up.wait(timeout=40)
        sink.terminate()
        sink.wait()


def report(sink_port: int) -> dict[int, list[int]]:
    with urllib.request.urlopen(f"http://127.0.0.1:{sink_port}/report") as answer:
        return {int(key): value for key, value in json.load(answer).items()}


def deliveries(sink_port: int, load: Load, patience: float = 60.0) -> dict[int, list[int]]:
    """Wait until every acknowledged order was delivered, or for `patience` seconds without one."""
    found: dict[int, list[int]] = {}
    last = time.monotonic()
    while len(found.keys() & load.acknowledged.keys()) < len(load.acknowledged):
        fresh = report(sink_port)
        for number, times in fresh.items():
            found.setdefault(number, []).extend(times)
        if fresh:
            last = time.monotonic()
        elif time.monotonic() - last > patience:
            break
        time.sleep(0.2)
    return found


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 1)


def figures(load: Load, found: dict[int, list[int]]) -> dict[str, Any]:
    """Rates a second, latencies in ms, and what was lost or came twice."""
    start = min(load.sent.values())
    acknowledgements = [(load.acknowledged[n] - load.sent[n]) / 1e6 for n in load.acknowledged]
    delays = [(found[n][0] - load.sent[n]) / 1e6 for n in load.acknowledged if n in found]
    last = max(times[0] for times in found.values())
    return {
        "sent": len(load.sent),
        "acknowledged": len(load.acknowledged),
        "delivered": len(delays),
        "lost": len(load.acknowledged) - len(delays),
        "twice": sum(len(times) - 1 for times in found.values()),
        "refused": load.refused,
        RATE: round(len(delays) / ((last - start) / 1e9)),
        "ack p50 ms": round(statistics.median(acknowledgements), 1),
        "ack p99 ms": percentile(acknowledgements, 0.99),
        "send to delivery p50 ms": round(statistics.median(delays), 1),
        "send to delivery p99 ms": percentile(delays, 0.99),
    }


def seconds_of(parents: list[int]) -> dict[str, float]:
    """CPU seconds that these processes' children have used so far, by role; nothing where there is no /proc."""
    used: dict[str, float] = {}
    with contextlib.suppress(OSError):
        for pid in (pid for parent in parents for pid in children(parent)):
            name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
            role = "workers" if "worker" in name else name.removeprefix("relay ").split("-")[0]
            used[role] = used.get(role, 0.0) + sum(map(int, rest.split()[11:13])) / os.sysconf("SC_CLK_TCK")
    return used


def children(parent: int) -> list[str]:
    return Path(f"/proc/{parent}/task/{parent}/children").read_text().split()


def measure(
    parents: list[int], port: int, path: str, sink_port: int, *, count: int, bursts: int
) -> dict[str, dict[str, Any]]:
    """Return the figures of each load, for several bursts the median one, with the CPU time of child processes."""
    numbers = itertools.count(1, 1_000_000)

    def one(make: Callable[[int], Coroutine[Any, Any, Load]]) -> dict[str, Any]:
        before = seconds_of(parents)
        load = asyncio.run(make(next(numbers)))
        found = figures(load, deliveries(sink_port, load))
        for role, seconds in seconds_of(parents).items():
            found[f"CPU ms an event, {role}"] = round((seconds - before.get(role, 0.0)) * 1000 / len(load.sent), 2)
        return found

    one(lambda at: burst(port, path, first=at, count=500))
    made = [one(lambda at: burst(port, path, first=at, count=count)) for _ in range(bursts)]
    return {
        f"burst of {count}": sorted(made, key=lambda found: found[RATE])[len(made) // 2],
        "50 a second": one(lambda at: steady(port, path, first=at, rate=50, seconds=10)),
        "500 a second": one(lambda at: steady(port, path, first=at, rate=500, seconds=10)),
    }


@contextlib.contextmanager
def database(named: str) -> Iterator[tuple[str, list[int]]]:
    """The URL of the database to use: as given, of a PostgreSQL started for it (`postgres`), or none for SQLite.

    And the first process of what was started.
    """
    if named != "postgres":
        yield named, []
        return
    from tests.support.postgresql import Postgres

    with tempfile.TemporaryDirectory(prefix="relay-pg-", ignore_cleanup_errors=True) as folder:
        server = Postgres(Path(folder))
        yield server.create(), [server.pid]
        server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5_000, help="orders in a burst")
    parser.add_argument("--bursts", type=int, default=3, help="number of bursts, of which the median is reported")
    parser.add_argument("--workers", type=int, default=0, help="worker processes (default: as `relay up` chooses)")
    parser.add_argument("--database", default="", help="a DATABASE_URL, or `postgres` to start one (default: SQLite)")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="relay-bench-") as folder,
        database(options.database) as (url, servers),
        running(Path(folder), workers=options.workers, database=url) as (up, port, path, sink),
    ):
        results = measure([up.pid, *servers], port, path, sink, count=options.count, bursts=options.bursts)
    if options.json:
        print(json.dumps(results, indent=2))
        return
    for name, values in results.items():
        print(f"\n{name}")
        for key, value in values.items():
            print(f"  {key:26} {value}")


if __name__ == "__main__":
    main()
