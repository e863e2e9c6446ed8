"""The clock is set an hour forth or back: told to one process by time_machine, since a test sets no machine's clock."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import time_machine

from relay import queues
from relay.engine import claim, clock, sql, upkeep
from relay.engine.settle import settle
from relay.engine.walkers import Walkers
from relay.engine.work import work
from relay.models import Lease, Run
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = 3600.0


@pytest.fixture
def stepping() -> Iterator[time_machine.Traveller]:
    """A clock that goes on, and can be set."""
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
    steps = clock.Steps()

    stepping.shift(-HOUR)
    unnoticed = claim.claim()
    back = steps.back()
    moved = clock.bring_forward(back)
    work(walkers=walkers)

    run.refresh_from_db()
    assert unnoticed == []
    assert back == pytest.approx(HOUR, abs=1)
    assert moved == 1
    assert run.state == "succeeded"


def test_a_wait_is_as_long_as_it_was_after_a_step_back(live, arrive, stepping) -> None:
    arrive(live(posting("https://example.com/")))
    Run.objects.update(state="waiting", due_at=sql.now() + 90_000_000)

    stepping.shift(-HOUR)
    clock.bring_forward(HOUR)

    waits = sql.fetch("SELECT due_at FROM relay_run")[0][0] - sql.now()
    assert 80e6 < waits <= 90e6


def test_what_was_taken_since_the_step_stays_taken(live, arrive, stepping) -> None:
    arrive(live(posting("https://example.com/")))
    stepping.shift(-HOUR)
    Run.objects.update(due_at=sql.now())
    claim.claim()

    moved = clock.bring_forward(HOUR)

    assert moved == 0
    assert claim.claim() == []


@pytest.mark.parametrize(("step", "noticed"), [(-HOUR, True), (-6.0, True), (-1.0, False), (0.0, False), (HOUR, False)])
def test_only_steps_back_are_noticed(step: float, noticed: bool, stepping) -> None:
    steps = clock.Steps()

    stepping.shift(step)

    assert bool(steps.back()) == noticed
    assert not steps.back()


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_upkeep_goes_over_to_another_after_a_step(step: float, stepping) -> None:
    Lease.take("upkeep", "dead", upkeep.LEASE)

    stepping.shift(step)

    assert Lease.take("upkeep", "living", upkeep.LEASE)


def test_a_dead_workers_word_does_not_last_an_hour(stepping) -> None:
    queues.Watch().keep()

    stepping.shift(-HOUR)

    assert queues.ring()


def _settle_all(walkers: Walkers) -> int:
    settled = 0
    while walkers.in_hand:
        settled += settle(walkers.fetch(0.01))
    return settled
