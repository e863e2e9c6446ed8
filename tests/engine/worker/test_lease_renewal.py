"""A separate thread renews leases and stops walks, whatever the other threads do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from relay.engine.database import statements
from relay.engine.flow_control.limiter import Limiter
from relay.engine.runs import bulk_actions, run_actions
from relay.engine.worker import claim, lease_renewal
from relay.engine.worker.lease_renewal import LeaseRenewer
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import HeldBy, Run, RunState
from tests.engine.conftest import posting
from tests.support.running import wait_until
from tests.support.walking import OK

pytestmark = pytest.mark.django_db(transaction=True)


class _Busy:
    """A destination whose answer takes the sender's thread all the CPU it can get, until it is released."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.sent = 0

    def send(self, request: Any, timeout: float | None = None) -> Any:
        self.sent += 1
        while not self.released.is_set():
            sum(range(1_000))
            sorted(range(200_000))  # in C, without a moment for other threads
        return OK


@pytest.fixture
def busy() -> Iterator[_Busy]:
    found = _Busy()
    yield found
    found.released.set()


@pytest.fixture
def walkers(busy: _Busy) -> WalkThreads:
    return WalkThreads(busy, most=4, limiter=Limiter(threads=16))


def due_of(run: Run) -> int:
    return int(statements.fetch("SELECT due_at FROM relay_run WHERE id = %s", (run.pk,))[0][0])


def test_leases_are_renewed_while_threads_compute(live, arrive, walkers: WalkThreads, settings) -> None:
    settings.LEASE = 2.0
    found = arrive(live(posting("https://example.com/")), *[b'{"id": 1}'] * 3)
    walkers.give(claim.claim())

    # This thread claims and settles nothing meanwhile: it looks only.
    with LeaseRenewer(walkers):
        for _ in range(3):
            before = {run.pk: due_of(run) for run in found}
            wait_until(lambda: all(due_of(run) > before[run.pk] for run in found))  # noqa: B023

    assert claim.claim() == []
    assert set(Run.objects.values_list("state", "fence")) == {(RunState.RUNNING, 1)}


@pytest.mark.parametrize("word", ["cancel", "taken", "held"])
def test_the_walk_of_a_run_that_is_no_longer_ours_is_stopped(word: str, live, arrive, walkers: WalkThreads) -> None:
    mine, other = arrive(live(posting("https://example.com/")), b'{"id": 1}', b'{"id": 2}')
    work_items = {work_item.run_id: work_item for work_item in claim.claim()}
    walkers.give(list(work_items.values()))

    with LeaseRenewer(walkers):
        if word == "cancel":
            run_actions.cancel(mine)
        elif word == "taken":
            Run.objects.filter(pk=mine.pk).update(fence=2)
        else:
            Run.objects.filter(pk=mine.pk).update(state=RunState.HELD, held_by=HeldBy.PAUSE, due_at=None)
        wait_until(lambda: work_items[mine.pk].stop.is_set)

    assert not work_items[other.pk].stop.is_set


def test_a_run_that_was_cancelled_ends_before_its_next_step(live, arrive, walkers: WalkThreads, busy: _Busy) -> None:
    document = posting("https://example.com/")
    document["steps"] = [{"id": "each", "kind": "loop", "over": "{{ range(500) | list }}", "steps": document["steps"]}]
    (run,) = arrive(live(document))
    worker = threading.Thread(target=lambda: (work(walkers=walkers), connection.close()))
    worker.start()
    wait_until(lambda: busy.sent)

    bulk_actions.apply(run.workspace, "cancel", {})
    (work_item,) = walkers.in_hand
    wait_until(lambda: work_item.stop.is_set)
    busy.released.set()
    worker.join(20)

    run.refresh_from_db()
    assert busy.sent == 1
    assert (run.state, run.steps) == (RunState.CANCELLED, [])


def test_what_a_process_walks_it_does_not_claim_again(
    live, arrive, walkers: WalkThreads, busy: _Busy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_renewal, "LOOK_SECONDS", 600)  # as if the process had been asleep
    stuck, late = arrive(live(posting("https://example.com/")), b'{"id": 1}', b'{"id": 2}')
    Run.objects.filter(pk=late.pk).update(due_at=None)
    worker = threading.Thread(target=lambda: (work(walkers=walkers), connection.close()))
    worker.start()
    wait_until(lambda: busy.sent)

    Run.objects.update(due_at=statements.now())  # the lease of the first is over
    wait_until(lambda: busy.sent == 2)  # it has claimed since
    fences = dict(Run.objects.values_list("pk", "fence"))
    busy.released.set()
    worker.join(20)

    assert fences == {stuck.pk: 1, late.pk: 1}
    assert set(Run.objects.values_list("state", flat=True)) == {RunState.SUCCEEDED}


def test_lease_renewal_survives_a_database_that_is_away(live, arrive, walkers: WalkThreads, monkeypatch) -> None:
    (run,) = arrive(live(posting("https://example.com/")))
    (work_item,) = claim.claim()
    walkers.give([work_item])
    fails = [True, True]
    real = statements.fetch

    def fetch(*words: Any) -> Any:
        if threading.current_thread().name == "lease-renewer" and fails:
            fails.pop()
            raise lease_renewal.OperationalError("away")
        return real(*words)

    monkeypatch.setattr(statements, "fetch", fetch)
    with LeaseRenewer(walkers):
        wait_until(lambda: not fails)
        run_actions.cancel(run)
        wait_until(lambda: work_item.stop.is_set)
