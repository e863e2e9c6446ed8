"""Delays end at the right moment, and the run continues after them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine

from relay.engine.runs import run_actions
from relay.engine.settle.settle import settle
from relay.engine.worker import claim
from relay.flows.deadlines import as_text
from relay.models import Run
from tests.support.walking import POST, Recorder, states, walk, work_item

NOON = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
BODY = b'{"at": "2026-03-29T14:30", "zoned": "2026-03-29T14:30:00-05:00", "stamp": 1774792800, "wait": "90s", "n": 20}'


def delay(**keys: Any) -> dict[str, Any]:
    return {"id": "pause", "kind": "delay", **keys}


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize(
    ("keys", "zone", "due"),
    [
        ({"for": "10m"}, "UTC", "2026-03-28 12:10"),
        ({"for": "{{ event.body.wait }}"}, "UTC", "2026-03-28 12:01"),
        ({"for": "{{ event.body.n }}"}, "UTC", "2026-03-28 12:00"),
        ({"until": "{{ event.body.at }}"}, "UTC", "2026-03-29 14:30"),
        ({"until": "{{ event.body.at }}"}, "Europe/Paris", "2026-03-29 12:30"),
        ({"until": "{{ event.body.zoned }}"}, "Europe/Paris", "2026-03-29 19:30"),
        ({"until": "{{ event.body.stamp }}"}, "Europe/Paris", "2026-03-29 14:00"),
        ({"until": "2026-04-01"}, "America/New_York", "2026-04-01 04:00"),
        ({"until": "18:30"}, "UTC", "2026-03-28 18:30"),
        ({"until": "9:00"}, "UTC", "2026-03-29 09:00"),
        # The clocks of Paris go forward in that night.
        ({"until": "13:00"}, "Europe/Paris", "2026-03-29 11:00"),
    ],
)
def test_until_when_a_run_waits(keys: dict[str, Any], zone: str, due: str) -> None:
    outcome = walk(work_item(delay(**keys), POST, body=BODY, zone=zone), Recorder())

    assert (outcome.state, states(outcome), outcome.tries) == ("waiting", [("pause", "waiting")], 0)
    assert outcome.due_at is not None
    assert as_text(outcome.due_at, UTC)[:16] == due
    assert outcome.reason.startswith("Waits at “pause” until 2026-0")


@time_machine.travel(NOON, tick=False)
@pytest.mark.parametrize("keys", [{"for": "0s"}, {"until": "2026-03-28 11:00"}, {"until": "1999-01-01"}])
def test_what_is_past_is_no_wait(keys: dict[str, Any]) -> None:
    outcome = walk(work_item(delay(**keys), POST), Recorder())

    assert (outcome.state, states(outcome)) == ("succeeded", [("pause", "waited"), ("send", "succeeded")])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"for": "{{ event.body.at }}"}, "is not a time: write a number and"),
        ({"until": "{{ event.body.wait }}"}, "'90s' is not a date"),
        ({"until": "{{ none }}"}, "null is not a date"),
        ({"until": "{{ event.body.nope }}"}, "event.body.nope is missing"),
        ({"until": "{{ '2199-01-01' }}"}, "A run waits a year at most"),
    ],
)
def test_a_moment_that_is_none_fails_the_run(keys: dict[str, Any], said: str) -> None:
    outcome = walk(work_item(delay(**keys), body=BODY), Recorder())

    assert outcome.state == "failed"
    assert said in outcome.reason


def test_a_delay_in_a_loop_in_a_branch_goes_on_at_its_element() -> None:
    tell = {**POST, "id": "tell", "inputs": {"url": "https://example.com/{{ item }}"}}
    loop = {"id": "each", "kind": "loop", "over": [1, 2], "steps": [tell, delay(**{"for": "1h"})]}
    arm = {"when": {"left": 1, "op": "exists"}, "steps": [loop]}
    steps = ({"id": "choose", "kind": "branch", "branches": [arm]}, POST)
    sender = Recorder()
    trail: list[dict[str, Any]] = []
    found = []
    for _ in range(3):
        outcome = walk(work_item(*steps, trail=trail), sender)
        found.append((outcome.state, outcome.trail[-1].id, len(sender.sent)))
        trail = outcome.trail

    assert found == [("waiting", "pause[0]", 1), ("waiting", "pause[1]", 2), ("succeeded", "send", 3)]
    assert [entry.state for entry in trail if entry.kind == "delay"] == ["waited", "waited"]


TABLE = {"table": {"20": "twenty", "x": "{{ event.body.at }}", "true": 1}, "key": "{{ event.body.n }}"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (TABLE, "twenty"),
        ({**TABLE, "key": "x"}, "2026-03-29T14:30"),
        ({**TABLE, "key": True}, 1),
        ({**TABLE, "key": "y", "default": "{{ event.body.n + 1 }}"}, 21),
        ({"table": 1, "key": 2, "more": 3}, {"table": 1, "key": 2, "more": 3}),
    ],
)
def test_a_value_is_looked_up_in_a_table(value: dict[str, Any], found: Any) -> None:
    outcome = walk(work_item({"id": "a", "kind": "set", "values": {"v": value, "w": 1}}, body=BODY), Recorder())

    assert outcome.trail[0].outputs == {"w": 1, "v": found}


def test_a_key_that_is_in_no_table_fails_the_step() -> None:
    outcome = walk(work_item({"id": "a", "kind": "set", "values": {"v": {**TABLE, "key": "y"}}}, body=BODY), Recorder())

    assert (outcome.state, outcome.reason) == ("failed", "The table of v has nothing for 'y', and no default")


def test_times_are_those_of_the_workspace_or_of_the_flow(live: Any, arrive: Any) -> None:
    day = datetime.now(UTC).date() + timedelta(days=3)
    step = delay(until=f"{day} 08:00")
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [step]}
    usual, own = live(document), live({**document, "settings": {"timezone": "Asia/Tokyo"}})
    usual.workspace.timezone = "Europe/Paris"
    usual.workspace.save()
    found = [*arrive(usual), *arrive(own)]

    settle([walk(work_item, Recorder()) for work_item in claim.claim()])

    assert [run.due_at for run in Run.objects.filter(pk__in=[run.pk for run in found]).order_by("flow")] == [
        datetime(day.year, day.month, day.day, 8, 0, tzinfo=ZoneInfo(zone)) for zone in ("Europe/Paris", "Asia/Tokyo")
    ]


def test_a_person_ends_a_wait(live: Any, arrive: Any) -> None:
    steps = [delay(**{"for": "3d"}), {"id": "after", "kind": "set", "values": {}}]
    (run,) = arrive(live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": steps}))
    settle([walk(work_item, Recorder()) for work_item in claim.claim()])
    run.refresh_from_db()

    run_actions.try_now(run)
    settle([walk(work_item, Recorder()) for work_item in claim.claim()])

    run.refresh_from_db()
    assert (run.state, [entry["state"] for entry in run.steps]) == ("succeeded", ["waited", "set"])
