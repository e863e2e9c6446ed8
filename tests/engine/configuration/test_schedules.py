"""Tests that scheduled flows start once for each scheduled time, and what happens to missed times."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
import time_machine
from django.db import connection

from relay.engine.configuration import flow_lifecycle, schedules
from relay.engine.intake import sample_events
from relay.models import Event, Flow, Run, Schedule, Workspace

pytestmark = pytest.mark.django_db(transaction=True)

NINE = datetime(2026, 11, 25, 8, 0, tzinfo=UTC)
DAILY = {"kind": "schedule", "cron": "0 9 * * *", "timezone": "Europe/Paris"}


def document(**trigger: Any) -> dict[str, Any]:
    return {"relay": 1, "name": "By the clock", "trigger": {**DAILY, **trigger}, "steps": []}


def at(moment: datetime) -> time_machine.travel:
    return time_machine.travel(moment, tick=False)


def started(flow: Flow) -> list[str]:
    bodies = Event.objects.filter(flow=flow).order_by("id").values_list("body", flat=True)
    return [msgspec.json.decode(bytes(body))["scheduled_at"] for body in bodies]


@pytest.fixture
def flow(live: Callable[..., Flow]) -> Flow:
    with at(NINE - timedelta(hours=1)):
        return live(document())


def test_a_moment_starts_one_run(flow: Flow) -> None:
    for late in (-1, 0, 0, 1, 2, 3600):
        with at(NINE + timedelta(seconds=late)):
            schedules.tick()

    event = Event.objects.get(flow=flow)
    assert started(flow) == ["2026-11-25T09:00:00+01:00"]
    assert msgspec.json.decode(bytes(event.body)) == {
        "scheduled_at": "2026-11-25T09:00:00+01:00",
        "scheduled_at_utc": "2026-11-25T08:00:00Z",
        "timezone": "Europe/Paris",
        "missed": 0,
    }
    assert event.method == "SCHEDULE"
    assert event.runs.get().state == "queued"
    assert Schedule.objects.get().next_at == NINE + timedelta(days=1)


def test_many_upkeeps_start_one_run(flow: Flow) -> None:
    def look() -> None:
        gate.wait()
        try:
            schedules.tick()
        finally:
            connection.close()

    gate = threading.Barrier(4)
    with at(NINE):
        threads = [threading.Thread(target=look) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert len(started(flow)) == 1
    assert Run.objects.count() == 1


def test_who_dies_in_between_doubles_and_loses_nothing(flow: Flow, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, at(NINE):
        patch.setattr("relay.engine.intake.event_store._insert", die)
        with pytest.raises(KeyboardInterrupt):
            schedules.tick()
    nothing = started(flow)
    with at(NINE + timedelta(seconds=2)):
        schedules.tick()

    assert nothing == []
    assert started(flow) == ["2026-11-25T09:00:00+01:00"]


@pytest.mark.parametrize(
    ("trigger", "away", "expected", "missed"),
    [
        ({}, timedelta(hours=5), ["25T09:00"], 0),
        ({}, timedelta(days=3, hours=5), ["28T09:00"], 3),
        ({"catch_up": "skip"}, timedelta(days=3, hours=5), [], 0),
        ({"catch_up": "skip"}, timedelta(seconds=40), ["25T09:00"], 0),
        ({"catch_up": "skip"}, timedelta(days=2, seconds=40), ["27T09:00"], 2),
        ({"cron": None, "every": "10s"}, timedelta(minutes=5), ["25T09:05"], 30),
        ({"cron": None, "every": "1s"}, timedelta(seconds=2), ["25T09:00"] * 3, 0),
        ({"cron": None, "every": "1s", "catch_up": "skip"}, timedelta(days=400), ["30T08:59"] * 3 + ["30T09:00"], None),
    ],
)
def test_what_was_missed(
    live: Callable[..., Flow], trigger: dict[str, Any], away: timedelta, expected: list[str], missed: int | None
) -> None:
    with at(NINE - timedelta(seconds=1)):
        flow = live(document(**trigger))

    with at(NINE + away):
        schedules.tick()
        schedules.tick()

    assert [one[8:16] for one in started(flow)] == expected
    last = Event.objects.order_by("id").last()
    if last is not None and missed is not None:
        assert msgspec.json.decode(bytes(last.body))["missed"] == missed


def test_a_paused_flow_lets_its_times_pass(flow: Flow) -> None:
    flow_lifecycle.pause(flow)
    with at(NINE):
        schedules.tick()
    flow_lifecycle.resume(flow)
    with at(NINE + timedelta(hours=2)):
        schedules.tick()
    nothing = started(flow)
    with at(NINE + timedelta(days=1)):
        schedules.tick()

    assert nothing == []
    assert len(started(flow)) == 1


def test_publishing_again_keeps_what_is_due_and_takes_new_times(flow: Flow) -> None:
    with at(NINE + timedelta(seconds=5)):
        flow_lifecycle.publish(flow)
        schedules.tick()
    kept = started(flow)
    flow_lifecycle.save_draft(flow, document(cron="0 10 * * *"))
    with at(NINE + timedelta(seconds=10)):
        flow_lifecycle.publish(flow)

    assert len(kept) == 1
    assert Schedule.objects.get().next_at == NINE + timedelta(hours=1)


def test_a_sample_is_a_moment(flow: Flow) -> None:
    event = sample_events.send_sample(flow)

    assert "scheduled_at" in msgspec.json.decode(bytes(event.body))


def test_another_kind_of_trigger_ends_it(flow: Flow) -> None:
    flow_lifecycle.save_draft(flow, {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": []})
    flow_lifecycle.publish(flow)

    assert not Schedule.objects.exists()


def test_a_draft_does_not_start(workspace: Workspace) -> None:
    flow_lifecycle.import_document(workspace, document())

    assert not Schedule.objects.exists()


def test_the_clock_set_back_starts_nothing_twice(flow: Flow) -> None:
    for moment in (NINE, NINE - timedelta(minutes=30), NINE, NINE + timedelta(minutes=1)):
        with at(moment):
            schedules.tick()

    assert len(started(flow)) == 1


def test_a_flow_that_is_removed_takes_its_times_along(flow: Flow) -> None:
    flow_lifecycle.delete(flow)

    with at(NINE):
        schedules.tick()

    assert not Schedule.objects.exists()
    assert not Event.objects.exists()
