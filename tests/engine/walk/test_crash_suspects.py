"""Runs whose workers ended: they are walked alone, then held, and innocent ones are cleared."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from relay.engine.runs import run_actions
from relay.engine.settle.settle import settle
from relay.engine.upkeep import tick
from relay.engine.walk import crash_suspects
from relay.engine.worker import claim, memory_allotment
from relay.engine.worker.memory_allotment import MemoryAllotment, Offer
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Flow, Issue, Run
from tests.support.walking import POST, Recorder, walk, work_item

QUIET = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [{"id": "v", "kind": "set", "values": {}}]}


@pytest.fixture
def run(live: Callable[..., Flow], arrive: Callable[..., list[Run]]) -> Run:
    return arrive(live(QUIET))[0]


def lose(run: Run) -> None:
    """Claim it, and let the lease run out, as when the worker has ended."""
    (work_item,) = claim.claim()
    assert work_item.run_id == run.pk
    Run.objects.filter(pk=run.pk).update(due_at=1)


def test_a_run_that_has_ended_its_worker_three_times_is_held(run: Run, walkers: WalkThreads) -> None:
    for _ in range(3):
        lose(run)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert (run.state, run.held_by, run.due_at) == ("held", "worker", None)
    assert "Three times in a row" in run.reason
    issue = Issue.objects.get()
    assert (issue.kind, issue.count) == ("worker", 1)


def test_a_run_that_is_held_so_loads_nothing(run: Run) -> None:
    for _ in range(3):
        lose(run)

    (work_item,) = claim.claim()

    assert (work_item.weight, work_item.suspicion) == (0, crash_suspects.TOO_OFTEN)


def test_a_run_that_is_released_begins_with_a_clean_sheet(run: Run, walkers: WalkThreads) -> None:
    for _ in range(3):
        lose(run)
    work(walkers=walkers, linger=0)
    run.refresh_from_db()

    run_actions.release(run)
    lose(run)
    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert (run.state, run.suspicion) == ("succeeded", 0)


def test_a_settled_run_is_cleared(run: Run, walkers: WalkThreads) -> None:
    lose(run)
    lose(run)

    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert (run.state, run.suspicion) == ("succeeded", 0)


def test_the_end_of_all_of_relay_says_little_about_a_run(run: Run) -> None:
    for _ in range(3):
        claim.claim()
        tick.release_interrupted()

    (work_item,) = claim.claim()

    assert work_item.suspicion == 3 * crash_suspects.ALL_ENDED < crash_suspects.ALONE


def test_a_run_that_may_have_sent_what_must_not_be_sent_twice_says_so() -> None:
    given = work_item(QUIET["steps"][0], suspicion=crash_suspects.TOO_OFTEN, marked_step="v", marked_fence=1)

    outcome = walk(given, Recorder())

    assert (outcome.state, outcome.held_by, outcome.marked_step) == ("held", "unknown", "v")
    assert "nobody knows whether it was done" in outcome.reason


# Alone


def offers(*suspicions: int) -> list[Offer]:
    return [Offer(number, 1, suspicion) for number, suspicion in enumerate(suspicions)]


def test_a_suspect_is_taken_alone() -> None:
    worker = MemoryAllotment()
    assert worker.allows([])

    back = worker.take(offers(0, crash_suspects.ALONE, 0, crash_suspects.ALONE, crash_suspects.TOO_OFTEN))

    assert back == {0: 0.0, 2: 0.0, 3: memory_allotment.SPACING_SECONDS, 4: 0.0}
    assert not worker.allows([work_item(suspicion=crash_suspects.ALONE)])
    assert worker.allows([])


def test_a_suspect_waits_until_the_others_are_through(monkeypatch: pytest.MonkeyPatch) -> None:
    worker = MemoryAllotment()
    slow = [work_item()]
    assert worker.allows(slow)

    assert set(worker.take(offers(0, crash_suspects.ALONE))) == {0, 1}
    assert not worker.allows(slow)
    assert worker.allows([])
    assert set(worker.take(offers(0, crash_suspects.ALONE))) == {0}


def test_slow_runs_keep_no_suspect_waiting_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_allotment, "ALONE_SECONDS", 0.0)
    worker = MemoryAllotment()
    slow = [work_item()]
    assert worker.allows(slow)
    worker.take(offers(crash_suspects.ALONE))

    assert worker.allows(slow)
    assert worker.take(offers(crash_suspects.ALONE, 0)) == {1: 0.0}


def test_all_that_waited_in_the_same_hands_get_through(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_allotment, "SPACING_SECONDS", 0.0)
    monkeypatch.setattr(memory_allotment, "ALONE_SECONDS", 0.01)
    arrive(live(QUIET), *[b"{}"] * 20)
    for _ in range(2):
        claim.claim()
        Run.objects.update(due_at=1)

    work(walkers=walkers, linger=0)

    assert set(Run.objects.values_list("state", "suspicion")) == {("succeeded", 0)}


# Out of memory


def test_a_walk_without_memory_is_walked_again_alone_and_then_fails() -> None:
    class Greedy(Recorder):
        def send(self, *_: object, **__: object) -> object:  # type: ignore[override]
            raise MemoryError

    first = walk(work_item(POST), Greedy())
    alone = walk(work_item(POST, suspicion=crash_suspects.ALONE), Greedy())

    assert (first.state, first.suspicion, first.due_at is not None) == ("queued", crash_suspects.ALONE, True)
    assert (alone.state, alone.due_at) == ("failed", None)
    assert "RELAY_WORKER_MEMORY" in alone.reason


@pytest.mark.django_db(transaction=True)
def test_a_mark_outlives_a_walk_without_memory(run: Run) -> None:
    (claimed,) = claim.claim()
    outcome = walk(
        work_item(marked_step="send", marked_fence=1, run_id=claimed.run_id, fence=claimed.fence), Recorder()
    )
    crash_suspects.out_of_memory(outcome)

    settle([outcome])

    run.refresh_from_db()
    assert (run.state, run.suspicion, run.marked_step, run.marked_fence) == ("queued", crash_suspects.ALONE, "send", 1)
