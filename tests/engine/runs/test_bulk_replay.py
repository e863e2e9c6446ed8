"""Tests that a bulk replay replays the selected runs once each and at its pace, even if a process crashes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
from relay.engine.runs import bulk_actions, bulk_replay, replay
from relay.engine.upkeep import tick
from relay.errors import RelayError
from relay.models import Batch, Flow, ReplayMode, Run, Workspace
from relay.models.fields import micros
from tests.engine.conftest import ORDER, posting

pytestmark = pytest.mark.django_db(transaction=True)

SECOND = 1_000_000
START, FAILED = ReplayMode.FROM_START, ReplayMode.FAILED_STEPS


@pytest.fixture
def flow(live) -> Flow:
    return live(posting("https://example.com/"))


@pytest.fixture
def ended(flow: Flow, arrive) -> Callable[..., list[Run]]:
    """Make runs of the flow that ended in a state."""

    def make(count: int, state: str = "failed") -> list[Run]:
        runs = arrive(flow, *[ORDER] * count)
        Run.objects.filter(pk__in=[run.pk for run in runs]).update(
            state=state, due_at=None, finished_at=statements.now()
        )
        return runs

    return make


def begin(batch: Batch) -> int:
    """The time at which the first replay of a batch is due."""
    return micros(batch.due_at)


def replayed() -> list[int]:
    """The ids of the original runs, in the order of their replays."""
    return list(Run.objects.filter(replay_of__isnull=False).order_by("id").values_list("replay_of", flat=True))


def test_what_a_filter_chooses_is_counted_first(workspace: Workspace, flow: Flow, ended) -> None:
    ended(3)
    ended(2, "succeeded")
    ended(1, "waiting")

    found = bulk_replay.summarize(workspace, {"flow": flow.pk})

    assert (found.total, found.ended, found.undone, found.open) == (6, 5, 3, 1)
    assert (found.flows, found.names, found.destinations) == (
        {flow.pk: 6}, {flow.pk: "Post it"}, {flow.pk: ["HTTP"]}
    )  # fmt: skip


def test_each_chosen_run_is_replayed_once(workspace: Workspace, ended) -> None:
    chosen = ended(5)
    ended(2, "succeeded")

    batch = bulk_replay.start(workspace, {"state": ["failed"]}, START)
    made = bulk_replay.tick(begin(batch))
    later = bulk_replay.tick(begin(batch) + SECOND)

    batch.refresh_from_db()
    assert (made, later) == (1, 4)
    assert replayed() == [run.pk for run in chosen]
    assert (batch.state, batch.total, batch.made, batch.skipped, batch.due_at) == ("done", 5, 5, 0, None)
    assert set(Run.objects.filter(batch_id=batch.pk).values_list("state", flat=True)) == {"queued"}


def test_it_is_as_fast_as_200_a_second(workspace: Workspace, ended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_replay, "BATCH_RUNS", 20)
    ended(50)
    now = begin(bulk_replay.start(workspace, {}, START))

    made = [bulk_replay.tick(now + second * SECOND) for second in range(5)]

    assert made == [1, 20, 20, 9, 0]


def test_so_many_a_minute_are_spread_over_it(workspace: Workspace, ended) -> None:
    ended(10)
    now = begin(bulk_replay.start(workspace, {}, START, per_minute=6))

    made = [bulk_replay.tick(now + second * SECOND) for second in range(61)]

    assert [second for second, count in enumerate(made) if count] == [0, 10, 20, 30, 40, 50, 60]
    assert set(made) == {0, 1}


@pytest.mark.parametrize("step", [3600, -3600], ids=["upkeep was away", "the clock was set back"])
def test_no_burst_makes_up_for_lost_time(workspace: Workspace, ended, step: int) -> None:
    ended(10)
    now = begin(bulk_replay.start(workspace, {}, START, per_minute=60))

    made = [
        bulk_replay.tick(now),
        bulk_replay.tick(now + step * SECOND),
        bulk_replay.tick(now + (step + 1) * SECOND),
    ]

    assert made == [1, 1, 1]


def test_a_crash_loses_the_runs_and_the_cursor_together(
    workspace: Workspace, ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = ended(6)
    monkeypatch.setattr(bulk_replay, "BATCH_RUNS", 2)
    now = begin(bulk_replay.start(workspace, {}, START))
    store, calls = replay.store, 0

    def dies(copies: list[Run]) -> None:
        nonlocal calls
        store(copies)
        calls += 1
        if calls in {1, 3}:
            raise KeyboardInterrupt

    monkeypatch.setattr(replay, "store", dies)
    for second in range(12):
        try:
            bulk_replay.tick(now + second * SECOND)
        except KeyboardInterrupt:
            continue

    assert replayed() == [run.pk for run in chosen]
    assert Batch.objects.get().made == 6


def test_two_upkeeps_make_nothing_twice(workspace: Workspace, ended, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = ended(4)
    batch = bulk_replay.start(workspace, {}, START)
    stale = Batch.objects.select_related("workspace").get(pk=batch.pk)
    now = begin(batch) + SECOND

    first = bulk_replay._advance(batch, now)
    second = bulk_replay._advance(stale, now)

    assert (first, second) == (4, 0)
    assert sorted(replayed()) == [run.pk for run in chosen]


def test_what_came_later_is_not_meant(workspace: Workspace, ended) -> None:
    chosen = ended(2)
    batch = bulk_replay.start(workspace, {"state": ["failed"]}, START)
    ended(2)

    bulk_replay.tick(begin(batch) + SECOND)

    assert replayed() == [run.pk for run in chosen]


def test_what_cant_be_replayed_is_skipped(workspace: Workspace, flow: Flow, ended) -> None:
    ended(2)
    ended(1, "succeeded")
    gone = ended(1)[0]
    gone.event.delete()

    batch = bulk_replay.start(workspace, {}, FAILED)
    bulk_replay.tick(begin(batch) + SECOND)

    batch.refresh_from_db()
    assert (batch.total, batch.made, batch.skipped, batch.state) == (4, 2, 2, "done")


@pytest.mark.parametrize(
    ("chosen", "mode", "said"),
    [({"state": ["held"]}, START, "No run matches"), ({"state": ["succeeded"]}, FAILED, "can be replayed like this")],
)
def test_a_replay_of_nothing_is_not_started(workspace: Workspace, ended, chosen: Any, mode: Any, said: str) -> None:
    ended(1, "succeeded")

    with pytest.raises(RelayError, match=said):
        bulk_replay.start(workspace, chosen, mode)


@pytest.mark.parametrize("per_minute", [-1, bulk_replay.MAX_PER_MINUTE + 1])
def test_the_pace_has_bounds(workspace: Workspace, ended, per_minute: int) -> None:
    ended(1)

    with pytest.raises(RelayError, match="a minute"):
        bulk_replay.start(workspace, {}, START, per_minute=per_minute)


def test_nothing_is_made_after_cancelling(workspace: Workspace, ended) -> None:
    ended(4)
    batch = bulk_replay.start(workspace, {}, START, per_minute=60)
    bulk_replay.tick(begin(batch))

    cancelled = bulk_replay.cancel(batch, with_queued=False)

    assert (cancelled, batch.state) == (0, "cancelled")
    assert bulk_replay.tick(statements.now() + SECOND) == 0
    assert bulk_replay.count_replays(batch) == {"queued": 1}
    with pytest.raises(RelayError, match="ended already"):
        bulk_replay.cancel(batch, with_queued=False)


def test_what_was_made_can_be_cancelled_too(workspace: Workspace, ended) -> None:
    ended(4)
    batch = bulk_replay.start(workspace, {}, START)
    bulk_replay.tick(begin(batch) + SECOND)
    begun = Run.objects.filter(batch_id=batch.pk).first()
    Run.objects.filter(pk=begun.pk).update(state="running")

    cancelled = bulk_replay.cancel(batch, with_queued=True)

    assert cancelled == 3
    assert bulk_replay.count_replays(batch) == {"cancelled": 3, "running": 1}


def test_single_runs_can_be_chosen(workspace: Workspace, ended) -> None:
    chosen = ended(4)[1:3]

    batch = bulk_replay.start(workspace, {"runs": [run.ref for run in chosen]}, START)
    bulk_replay.tick(begin(batch) + SECOND)

    assert replayed() == [run.pk for run in chosen]


def test_another_workspace_is_out_of_reach(ended, db: None) -> None:
    run = ended(1)[0]
    other = Workspace.objects.create(name="Other")

    with pytest.raises(RelayError, match="No run matches"):
        bulk_replay.start(other, {"runs": [run.ref]}, START)
    assert bulk_actions.apply(other, "cancel", {"runs": [run.ref]}) == 0


def test_many_are_cancelled_in_small_transactions(workspace: Workspace, ended, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_actions, "BATCH_RUNS", 2)
    ended(5, "waiting")
    ended(1, "succeeded")

    assert bulk_actions.apply(workspace, "cancel", {}) == 5
    assert bulk_actions.apply(workspace, "cancel", {}) == 0
    assert set(Run.objects.values_list("state", "fence")) == {("cancelled", 1), ("succeeded", 0)}


def test_who_waited_for_the_cancelled_is_next(workspace: Workspace, ended) -> None:
    first, second, third = ended(3, "queued")
    Run.objects.update(order_key="-", finished_at=None)

    bulk_actions.apply(workspace, "cancel", {"runs": [first.ref, second.ref]})

    assert list(Run.objects.filter(due_at__isnull=False).values_list("pk", flat=True)) == [third.pk]


def test_upkeep_goes_on_with_it(workspace: Workspace, ended) -> None:
    ended(1)
    bulk_replay.start(workspace, {}, START)

    tick.once()

    assert len(replayed()) == 1


def test_a_round_takes_few_queries(workspace: Workspace, flow: Flow, ended, django_assert_max_num_queries: Any) -> None:
    ended(100)
    flow_lifecycle.publish(flow)
    batch = bulk_replay.start(workspace, {}, FAILED)

    # The active batches; then one transaction: runs, cursor, flows, versions, events, copies, counts.
    with django_assert_max_num_queries(14):
        bulk_replay.tick(begin(batch) + SECOND)
    assert len(replayed()) == 100


def test_a_round_ends_when_copies_take_long_and_the_next_goes_on(workspace: Workspace, ended, monkeypatch) -> None:
    monkeypatch.setattr(replay, "COPY_SECONDS", -1.0)  # as if the first order key took all of it
    runs = ended(5)
    batch = bulk_replay.start(workspace, {}, START)

    made = [bulk_replay.tick(begin(batch) + number * SECOND) for number in range(7)]

    batch.refresh_from_db()
    assert made == [1, 1, 1, 1, 1, 0, 0]
    assert (batch.state, batch.made, batch.skipped) == ("done", 5, 0)
    assert replayed() == [run.pk for run in runs]


def test_replays_are_made_before_the_transaction_that_stores_them(workspace: Workspace, ended, monkeypatch) -> None:
    ended(3)
    batch = bulk_replay.start(workspace, {}, START)
    seen: list[bool] = []
    copies = replay.build_copies

    def watched(*words: Any, **named: Any) -> Any:
        seen.append(connection.in_atomic_block)
        return copies(*words, **named)

    monkeypatch.setattr(replay, "build_copies", watched)

    assert bulk_replay.tick(begin(batch) + SECOND) == 3
    assert seen == [False]


def test_batches_of_an_earlier_version_are_still_replayed(workspace: Workspace, ended) -> None:
    ended(3)
    stopped = bulk_replay.start(workspace, {}, START)
    bulk_replay.cancel(stopped, with_queued=False)
    batch = bulk_replay.start(workspace, {}, START)
    last = MigrationExecutor(connection).loader.graph.leaf_nodes("relay")

    try:
        MigrationExecutor(connection).migrate([("relay", "0022_subscriptions")])
        before = dict(Batch.objects.values_list("pk", "state"))
    finally:
        MigrationExecutor(connection).migrate(last)

    assert before == {stopped.pk: "cancelled", batch.pk: "going"}
    assert dict(Batch.objects.values_list("pk", "state")) == {stopped.pk: "cancelled", batch.pk: "running"}
    assert bulk_replay.tick(begin(batch) + SECOND) == 3
