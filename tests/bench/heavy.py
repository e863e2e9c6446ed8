"""Another workspace's deliveries, alone and beside heavy runs: `python -m tests.bench.heavy [--workers N] [--json]`."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.bench.__main__ import deliveries, figures, running, seconds_of
from tests.bench.load import steady

# Some 50 ms of CPU.
WORK = "{% for i in range(9000) %}{{ i * 3 }}{% endfor %}"
QUIET = 0.3  # seconds of CPU that workers may use in a second once all heavy runs are cancelled
PATIENCE = 30.0


def looping() -> dict[str, Any]:
    """A loop of 1,000 elements with five filters each: minutes of CPU for one event."""
    holds = {"left": WORK, "op": "not_equals", "right": "x"}
    filters = [{"id": f"f{number}", "kind": "filter", "when": holds} for number in range(5)]
    steps = [{"id": "each", "kind": "loop", "over": "{{ range(1000) | list }}", "steps": filters}]
    return {"relay": 1, "name": "Heavy", "trigger": {"kind": "webhook"}, "steps": steps}


def single() -> dict[str, Any]:
    """One step of some 50 ms of CPU for each event."""
    steps = [{"id": "text", "kind": "set", "values": {"text": WORK}}]
    return {"relay": 1, "name": "Heavy", "trigger": {"kind": "webhook"}, "steps": steps}


FLOWS = {"loop": looping, "step": single}


def publish(document: dict[str, Any]) -> tuple[Any, str]:
    """A flow of a workspace of its own; the workspace, and the path of the flow's URL."""
    from relay.engine.configuration import flow_lifecycle as engine
    from relay.models import Workspace

    workspace = Workspace.objects.create(name="Heavy")
    flow = engine.import_document(workspace, document, publish_it=True)
    return workspace, urlsplit(flow.trigger.url).path


def post(port: int, path: str, count: int) -> None:
    for number in range(count):
        body = json.dumps({"n": number}).encode()
        head = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, head)).close()


def quiet_after_cancelling(workspace: Any, parent: int) -> float:
    """Seconds from cancelling all runs of a workspace until the workers use little CPU."""
    from relay.engine.runs import bulk_actions

    bulk_actions.apply(workspace, "cancel", {})
    started, used = time.monotonic(), workers_seconds(parent)
    while time.monotonic() - started < PATIENCE:
        time.sleep(0.5)
        now = workers_seconds(parent)
        if now - used < QUIET / 2:
            return round(time.monotonic() - started - 0.5, 1)
        used = now
    return PATIENCE


def workers_seconds(parent: int) -> float:
    return seconds_of([parent]).get("workers", 0.0)


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    with running(folder, workers=options.workers) as (up, port, path, sink):
        os.environ.update({"RELAY_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "relay.settings"})
        import django

        django.setup()
        workspace, heavy = publish(FLOWS[options.flow]())

        def one(first: int) -> dict[str, Any]:
            load = asyncio.run(steady(port, path, first=first, rate=options.rate, seconds=options.seconds))
            found = deliveries(sink, load)
            return figures(load, found)

        one(1)
        alone = one(1_000_000)
        post(port, heavy, options.events)
        beside = one(2_000_000)
        used = workers_seconds(up.pid)
        time.sleep(2)
        found = {"alone": alone, "beside": beside, "cores used by workers": (workers_seconds(up.pid) - used) / 2}
        found["quiet after cancelling, seconds"] = quiet_after_cancelling(workspace, up.pid)
        found["ended before that"] = ended(workspace)
    return found


def ended(workspace: Any) -> int:
    from relay.models import Run

    return int(Run.objects.filter(workspace=workspace, state="succeeded").count())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=30, help="heavy events, posted before the others")
    parser.add_argument("--flow", choices=FLOWS, default="loop", help="what a heavy event does")
    parser.add_argument("--rate", type=float, default=20, help="orders a second of the other workspace")
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="relay-bench-") as folder:
        results = measure(Path(folder), options)
    if options.json:
        json.dump(results, sys.stdout, indent=2)
        return
    for title, values in results.items():
        print(f"{title}: {values}" if not isinstance(values, dict) else f"\n{title}")
        for key, value in values.items() if isinstance(values, dict) else ():
            print(f"  {key:26} {value}")


if __name__ == "__main__":
    main()
