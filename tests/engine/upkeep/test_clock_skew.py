"""Tests that runs stay due on time when the clock is set forward or back; time_machine sets it for one process."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from relay import queues
from relay.engine.database import statements
from relay.engine.settle.settle import settle
from relay.engine.upkeep import clock_skew, tick
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Lease, Run
from tests.engine.conftest import posting
from tests.support.running import Valkey

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = 3600.0


@pytest.fixture
def stepping() -> Iterator[time_machine.Traveller]:
    """A clock that ticks and can be set."""
    with time_machine.travel(time.time(), tick=True) as traveller:
        yield traveller


def test_a_step_forth_ends_leases_and_nothing_is_done_twice(live, arrive, walkers, stepping) -> None:
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "once"}}
    (run,) = arrive(live({**posting(""), "steps": [say]}))
    (stale,) = claim.claim()

    stepping.shift(HOUR)
    work(walkers=walkers)
    walkers.give([stale])
    late = _settle_all(walkers)

    run.refresh_from_db()
    assert late == 0
    assert (run.state, run.fence) == ("succeeded", 2)
    assert run.workspace.inbox_messages.count() == 1


def test_a_step_back_puts_nothing_off(live, arrive, walkers, stepping) -> None:
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "once"}}
    (run,) = arrive(live({**posting(""), "steps": [say]}))
    steps = clock_skew.StepDetector()

    stepping.shift(-HOUR)
    unnoticed = claim.claim()
    back = steps.back()
    moved = clock_skew.bring_forward(back)
    work(walkers=walkers)

    run.refresh_from_db()
    assert unnoticed == []
    assert back == pytest.approx(HOUR, abs=1)
    assert moved == 1
    assert run.state == "succeeded"


def test_what_is_released_at_a_pace_keeps_it_after_a_step_back(live, arrive, stepping) -> None:
    arrive(live(posting("https://example.com/")))
    Run.objects.update(due_at=statements.now() + 90_000_000)

    stepping.shift(-HOUR)
    clock_skew.bring_forward(HOUR)

    assert 80 < waits() <= 90


def waits() -> float:
    """Seconds until the only run is due."""
    return float(statements.fetch("SELECT due_at FROM relay_run")[0][0] - statements.now()) / 1e6


def run_of(live, arrive, walkers: WalkThreads, *steps: dict[str, Any]) -> None:
    """Make an event arrive at a flow and walk its run as far as possible."""
    arrive(live({**posting(""), "steps": list(steps)}))
    work(walkers=walkers, linger=0)


TRY = {
    "id": "send",
    "kind": "action",
    "action": "http.request",
    "inputs": {"url": "http://127.0.0.1:59999/"},
    "retry": {"delays": ["10m"]},
}
NAP = {"id": "nap", "kind": "delay", "for": "10m"}
GATHER = {"id": "gather", "kind": "digest", "key": "all", "every": "10m"}


FAIL = TRY | {"retry": {"delays": []}, "on_error": "continue"}
BEGUN = {
    "retry": ([TRY], 900.0),
    "delay": ([NAP], 600.0),
    "delay behind an action": ([FAIL, NAP], 600.0),
    "digest": ([GATHER], 600.0),
}


# No process has seen the steps: both were between two rounds of upkeep, or none ran.
@pytest.mark.parametrize("begun", BEGUN)
def test_what_began_while_the_clock_was_ahead_waits_no_longer_than_it_should(
    begun: str, live, arrive, walkers, stepping
) -> None:
    steps, seconds = BEGUN[begun]
    stepping.shift(HOUR)
    run_of(live, arrive, walkers, *steps)
    stepping.shift(-HOUR)

    moved = clock_skew.SkewedRuns().bring_back()

    assert moved == 1
    assert seconds / 4 < waits() <= seconds
    assert clock_skew.SkewedRuns().bring_back() == 0


def test_what_arrived_while_the_clock_was_ahead_is_due(live, arrive, walkers, stepping) -> None:
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "once"}}
    stepping.shift(HOUR)
    (run,) = arrive(live({**posting(""), "steps": [say]}))
    stepping.shift(-HOUR)

    clock_skew.SkewedRuns().bring_back()
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == "succeeded"


@pytest.mark.parametrize(("change", "seconds"), [({"state": "running"}, 10.0), ({"fence": 3}, 0.0)])
def test_what_was_taken_or_put_back_while_the_clock_was_ahead_comes_back(
    change: dict[str, Any], seconds: float, live, arrive, stepping
) -> None:
    stepping.shift(HOUR)
    arrive(live(posting("https://example.com/")))
    Run.objects.update(due_at=statements.now() + 5_000_000, **change)
    stepping.shift(-HOUR)

    clock_skew.SkewedRuns().bring_back()

    assert waits() <= seconds


@pytest.mark.parametrize("step", [TRY, NAP], ids=["retry", "delay"])
def test_what_began_before_waits_as_long_as_it_should(step: dict[str, Any], live, arrive, walkers, stepping) -> None:
    run_of(live, arrive, walkers, step)
    before = waits()
    Run.objects.update(id=1)
    stepping.shift(HOUR)
    _arrive_at_another(live, arrive)
    stepping.shift(-HOUR)

    clock_skew.SkewedRuns().bring_back()

    assert (Run.objects.get(pk=1).due_at.timestamp() - time.time()) == pytest.approx(before, abs=5)


def test_a_date_is_a_date(live, arrive, walkers, stepping) -> None:
    date = datetime.fromtimestamp(time.time() + 86_400, UTC).isoformat()
    stepping.shift(HOUR)
    run_of(live, arrive, walkers, FAIL, {"id": "nap", "kind": "delay", "until": date})
    stepping.shift(-HOUR)

    assert clock_skew.SkewedRuns().bring_back() == 0


def test_many_that_wait_are_looked_at_in_pages(live, arrive, stepping, monkeypatch) -> None:
    monkeypatch.setattr(clock_skew, "ROUND_RUNS", 2)
    runs = arrive(live(posting("https://example.com/")), *[b"{}"] * 3)
    for number, run in enumerate(runs):
        Run.objects.filter(pk=run.pk).update(state="waiting", due_at=statements.now() + (number + 1) * 60_000_000)
    stepping.shift(HOUR)
    _arrive_at_another(live, arrive)
    stepping.shift(-HOUR)
    ahead = clock_skew.SkewedRuns()

    assert [ahead.bring_back() for _ in range(3)] == [0, 1, 0]


def _arrive_at_another(live, arrive) -> None:
    arrive(live({**posting("https://example.com/"), "name": "Another"}))


def test_what_was_taken_since_the_step_stays_taken(live, arrive, stepping) -> None:
    arrive(live(posting("https://example.com/")))
    stepping.shift(-HOUR)
    Run.objects.update(due_at=statements.now())
    claim.claim()

    moved = clock_skew.bring_forward(HOUR)

    assert moved == 0
    assert claim.claim() == []


@pytest.mark.parametrize(("step", "noticed"), [(-HOUR, True), (-6.0, True), (-1.0, False), (0.0, False), (HOUR, False)])
def test_only_steps_back_are_noticed(step: float, noticed: bool, stepping) -> None:
    steps = clock_skew.StepDetector()

    stepping.shift(step)

    assert bool(steps.back()) == noticed
    assert not steps.back()


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_upkeep_goes_over_to_another_after_a_step(step: float, stepping) -> None:
    Lease.take("upkeep", "dead", tick.LEASE)

    stepping.shift(step)

    assert Lease.take("upkeep", "living", tick.LEASE)


def test_a_dead_workers_word_does_not_last_an_hour(stepping, valkey: Valkey) -> None:
    queues.WorkerHeartbeat().renew()

    stepping.shift(-HOUR)

    assert queues.wake_worker()


def _settle_all(walkers: WalkThreads) -> int:
    settled = 0
    while walkers.in_hand:
        settled += settle(walkers.fetch(0.01))
    return settled
