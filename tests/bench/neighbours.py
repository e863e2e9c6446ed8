"""The worst requests of one workspace beside the steady ones of another: `python -m tests.bench.neighbours [--help]`.

Told are the acknowledgements of the steady ones, alone and beside each of the others.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.__main__ import database, percentile, running
from tests.bench.load import Load, connect, steady

RATE = 50  # requests a second of the neighbour
JSON, XML, FORM = "application/json", "text/xml", "application/x-www-form-urlencoded"
ITEMS = "{{ event.body['items'] }}"
HEAVY = "{% for i in range(7000) %}{{ i * 3 }}{% endfor %}"


@dataclass(frozen=True)
class Worst:
    """Requests of one kind: `times` at once, again and again; or `changes` of the trigger a second."""

    name: str
    body: bytes
    trigger: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    content_type: str = JSON
    times: int = 10
    changes: int = 0


def parts(pad: int) -> bytes:
    return json.dumps({"id": "k1", "items": list(range(1000)), "pad": [f"x{n}" for n in range(pad)]}).encode()


def key(template: str) -> dict[str, Any]:
    return {"dedupe": {"key": template}}


ORDERED = {"ordered": True, "order_key": "{{ event.body.id }}"}
HEAVILY = {"ordered": True, "order_key": HEAVY + "{{ event.body.id }}"}
MEGABYTE = 1_000_000
ALL = [
    Worst("1,000 parts of 1 MB, order key", parts(100_000), {"split": ITEMS}, ORDERED, times=1),
    Worst("1,000 parts of 1 MB, heavy order key", parts(100_000), {"split": ITEMS}, HEAVILY, times=1),
    Worst("1,000 parts of 5 KB, heavy order key", parts(0), {"split": ITEMS}, HEAVILY, times=1),
    Worst("10 x 1,000 parts of 1 MB, order key", parts(100_000), {"split": ITEMS}, ORDERED),
    Worst("10 x heavy key, 5 KB", parts(0), key(HEAVY + "{{ event.body.id }}{{ event.query.n }}")),
    Worst(
        "10 x XML of 0.8 MB, key",
        b"<r><id>1</id>" + b"<a>x</a>" * 99_000 + b"</r>",
        key("{{ event.body.r.id }}{{ event.query.n }}"),
        content_type=XML,
    ),
    Worst("10 x lists of 1 MB, key", b"[" + b"[]," * 333_000 + b"[]]", key("{{ event.body | length }}")),
    Worst(
        "10 x numbers of 1 MB, key",
        b'{"id": 1, "n": [' + b"0," * 490_000 + b"0]}",
        key("{{ event.body.id }}{{ event.query.n }}"),
    ),
    Worst("10 x bad UTF-8 of 1 MB, key", b'{"id": "' + b"\xff" * MEGABYTE + b'"}', key("{{ event.body.id[:9] }}")),
    Worst("10 x form of 1 MB, key", b"id=" + b"%4" * 500_000, key("{{ event.body.id[:9] }}"), content_type=FORM),
    Worst("10 x 1 MB, no key", parts(100_000)),
    Worst("20 trigger changes a second", b"", times=0, changes=20),
]


def flow(worst: Worst) -> dict[str, Any]:
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
    trigger = {"kind": "webhook", **worst.trigger}
    return {"relay": 1, "name": worst.name, "trigger": trigger, "settings": worst.settings, "steps": [say]}


def flows(folder: Path, url: str, chosen: list[Worst], *, paused: bool) -> tuple[str, list[str]]:
    """Paths of the neighbour's flow and of those of the other workspace."""
    os.environ |= {"RELAY_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "relay.settings"}
    if url:
        os.environ["DATABASE_URL"] = url
    import django

    django.setup()
    from relay.engine.configuration import flow_lifecycle
    from relay.models import Workspace

    others, mine = Workspace.objects.create(name="Others"), Workspace.objects.create(name="Mine")

    def path(workspace: Workspace, worst: Worst) -> str:
        made = flow_lifecycle.import_document(workspace, flow(worst), publish_it=True)
        if paused and workspace == others:
            flow_lifecycle.pause(made)
        return f"/in/{made.trigger.token}"

    return path(mine, Worst("steady", b"")), [path(others, worst) for worst in chosen]


def switch(path: str, *, paused: bool) -> None:
    """Pause the flow of a path, or resume it, as another process of the same installation."""
    from relay.engine.configuration import flow_lifecycle
    from relay.models import Trigger
    from relay.models.flows import digest

    flow = Trigger.objects.select_related("flow").get(token_digest=digest(path.removeprefix("/in/"))).flow
    (flow_lifecycle.pause if paused else flow_lifecycle.resume)(flow)


async def beside(port: int, neighbour: str, worst: Worst | None, path: str, seconds: float) -> tuple[Load, list[float]]:
    """The neighbour's load, and the seconds that each of the other's requests took."""
    took: list[float] = []
    until = time.monotonic() + seconds

    async def again_and_again(number: int) -> None:
        client = await connect(port)
        assert worst is not None
        while time.monotonic() < until:
            started = time.monotonic()
            await client.post(f"{path}?n={number}.{len(took)}", worst.body, worst.content_type)
            took.append(time.monotonic() - started)
        client.transport.close()

    async def change() -> None:
        assert worst is not None
        for number in range(int(seconds * worst.changes)):
            await asyncio.sleep(max(0.0, until - seconds + number / worst.changes - time.monotonic()))
            started = time.monotonic()
            await asyncio.to_thread(switch, path, paused=number % 2 == 0)
            took.append(time.monotonic() - started)

    attacks = [asyncio.create_task(again_and_again(number)) for number in range(worst.times if worst else 0)]
    attacks += [asyncio.create_task(change())] if worst and worst.changes else []
    load = await steady(port, neighbour, first=1, rate=RATE, seconds=seconds)
    await asyncio.gather(*attacks)
    return load, took


def figures(load: Load) -> dict[str, float]:
    acknowledgements = [(load.acknowledged[n] - load.sent[n]) / 1e6 for n in load.acknowledged]
    return {
        "p50 ms": round(statistics.median(acknowledgements), 1),
        "p99 ms": percentile(acknowledgements, 0.99),
        "max ms": round(max(acknowledgements), 1),
        "refused": sum(load.refused.values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each measurement")
    parser.add_argument("--only", default="", help="requests whose name has this in it")
    parser.add_argument("--working", action="store_true", help="let workers carry out what arrives, too")
    parser.add_argument("--database", default="", help="a DATABASE_URL, or `postgres` to start one (default: SQLite)")
    options = parser.parse_args()
    chosen = [worst for worst in ALL if options.only in worst.name]
    with (
        tempfile.TemporaryDirectory(prefix="relay-bench-") as folder,
        database(options.database) as (url, _),
        running(Path(folder), workers=1, database=url) as (_, port, _, _),
    ):
        neighbour, paths = flows(Path(folder), url, chosen, paused=not options.working)
        asyncio.run(beside(port, neighbour, None, "", 1.0))
        alone, _ = asyncio.run(beside(port, neighbour, None, "", options.seconds))
        print(f"{'alone':40} {figures(alone)}")
        for worst, path in zip(chosen, paths, strict=True):
            load, took = asyncio.run(beside(port, neighbour, worst, path, options.seconds))
            found = figures(load)
            delay = round(found["max ms"] - figures(alone)["max ms"], 1)
            print(f"{worst.name:40} {found}  delayed by {delay} ms at most; {len(took)} of its own, {max(took):.2f} s")


if __name__ == "__main__":
    main()
