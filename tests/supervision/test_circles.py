"""Flows of a real Relay that call each other in loops, with several requests each: the loops end."""

from __future__ import annotations

import json
import sqlite3
from typing import Any
from urllib.request import Request, urlopen

import pytest

from relay.engine.intake.event_data import RUN_BUDGET
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes long

TO = {
    "url": "{{ event.body.to[0] }}",
    "body": {"json": {"to": "{{ event.body.to[1:] + event.body.to[:1] }}", "items": [1, 2, 3]}},
}
POST = {"id": "on", "kind": "action", "action": "http.request", "retry": {"delays": []}, "inputs": TO}
LOOP = {"id": "each", "kind": "loop", "over": "{{ event.body.items }}", "as": "one", "steps": [POST]}


def flow(relay: Relay, name: str, *steps: dict[str, Any], **trigger: Any) -> str:
    document = {"relay": 1, "name": name, "trigger": {"kind": "webhook", **trigger}, "steps": list(steps)}
    return str(relay.json("import", "-", "--publish", given=json.dumps(document))["url"])


def counts(relay: Relay) -> dict[str, int]:
    with sqlite3.connect(relay.folder / "relay.sqlite3") as database:
        return {
            "events": database.execute("SELECT count(*) FROM relay_event").fetchone()[0],
            "runs": database.execute("SELECT count(*) FROM relay_run").fetchone()[0],
            "open": database.execute("SELECT count(*) FROM relay_run WHERE finished_at IS NULL").fetchone()[0],
            "refused": database.execute("SELECT count(*) FROM relay_rejection WHERE why = 'loop'").fetchone()[0],
            "unsplit": database.execute("SELECT count(*) FROM relay_run WHERE reason LIKE '%are left'").fetchone()[0],
        }


EXHAUSTIVE = pytest.mark.exhaustive


@pytest.mark.parametrize(
    "kind", [pytest.param("split", marks=EXHAUSTIVE), pytest.param("loop", marks=EXHAUSTIVE), "pair"]
)
def test_circles_have_an_end_in_number(relay_up: Relay, kind: str) -> None:
    split = {"split": "{{ event.body.items }}"}
    if kind == "pair":
        urls = [flow(relay_up, "A", LOOP), flow(relay_up, "B", POST, **split)]
    else:
        urls = [flow(relay_up, "A", POST, **split) if kind == "split" else flow(relay_up, "A", LOOP)]

    body = json.dumps({"to": urls[1:] + urls[:1], "items": [1, 2, 3]}).encode()
    urlopen(Request(urls[0], body, {"Content-Type": "application/json"}))
    # A run has stored what it leads to before it ends, so none is open only when all have ended.
    wait_until(lambda: counts(relay_up)["events"] > 10 and not counts(relay_up)["open"], seconds=120)
    # The web process stores refused requests later, together with others.
    wait_until(lambda: counts(relay_up)["refused"] + counts(relay_up)["unsplit"] > 0)

    found = counts(relay_up)
    assert not found["open"]
    assert found["events"] <= found["runs"] <= RUN_BUDGET
