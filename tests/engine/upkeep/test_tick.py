"""Tests that upkeep wakes workers for due runs, in one process at a time."""

from __future__ import annotations

import pytest

from relay import jobs, queues
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.engine.upkeep import tick
from relay.engine.worker import claim
from relay.models import Lease, Run
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)


def test_it_rings_for_what_is_due(live, arrive) -> None:
    arrive(live(posting("https://example.com/")))

    tick.once()

    assert queues.pending_wakeups() == 1


def test_it_is_silent_when_nothing_is_due(live, arrive) -> None:
    arrive(live(posting("https://example.com/")))
    Run.objects.update(due_at=statements.now() + 60_000_000)

    tick.once()

    assert queues.pending_wakeups() == 0


def test_it_leaves_what_has_just_come_to_those_that_watch(live, arrive) -> None:
    arrive(live(posting("https://example.com/")))
    watch = queues.WorkerHeartbeat()
    watch.renew()

    tick.once()
    fresh = queues.pending_wakeups()
    Run.objects.update(due_at=statements.now() - 2 * tick.OVERDUE)
    tick.once()
    watch.end()

    assert (fresh, queues.pending_wakeups()) == (0, 1)


def test_bells_coalesce(live, arrive) -> None:
    arrive(live(posting("https://example.com/")))

    for _ in range(5):
        tick.once()

    assert queues.pending_wakeups() == 1


def test_a_lease_has_one_holder_until_it_ends(db: None) -> None:
    first = Lease.take("upkeep", "a", 60)
    second = Lease.take("upkeep", "b", 60)
    kept = Lease.take("upkeep", "a", 60)
    Lease.objects.update(until=0)
    third = Lease.take("upkeep", "b", 60)

    assert (first, second, kept, third) == (True, False, True, True)


def test_a_worker_answers_a_bell(live, arrive, settings) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    say = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "order {{ event.body.id }}"}}
    (run,) = arrive(live({**posting(""), "steps": [say]}))
    tick.once()

    queues.run_worker(jobs.work, burst=True)

    run.refresh_from_db()
    assert run.state == "succeeded"
    assert run.workspace.inbox_messages.get().text == "order 7"


def test_what_breaks_one_part_keeps_no_other_from_its_turn(live, arrive, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise KeyError("nobody thought of it")

    monkeypatch.setattr(circuit_breaker, "tick", broken)
    arrive(live(posting("https://example.com/")))

    tick.once()

    assert queues.pending_wakeups() == 1


def test_what_dead_workers_held_is_due_at_the_next_start(live, arrive) -> None:
    arrive(live(posting("https://example.com/")))
    claim.claim()

    released = tick.release_interrupted()

    assert released == 1
    assert len(claim.claim()) == 1
