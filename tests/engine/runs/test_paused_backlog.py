"""Tests that resuming a flow releases or discards the runs that its pause held, and no others."""

from __future__ import annotations

import pytest

from relay.engine.configuration import flow_lifecycle
from relay.engine.database import statements
from relay.engine.runs import paused_backlog, run_actions
from relay.engine.upkeep import tick
from relay.engine.worker import claim
from relay.errors import RelayError
from relay.models import Flow, Run, RunState
from relay.models.fields import micros
from tests.engine.conftest import ORDER, posting

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def paused(live, arrive) -> Flow:
    """A paused flow that holds five runs."""
    flow: Flow = live(posting("http://example.com/"))
    flow_lifecycle.pause(flow)
    arrive(flow, *[ORDER] * 5)
    return flow


def states(flow: Flow) -> set[tuple[str, str]]:
    return set(flow.runs.values_list("state", "held_by"))


def test_a_pause_says_that_it_holds(paused: Flow) -> None:
    assert states(paused) == {("held", "pause")}
    assert paused_backlog.count(paused) == 5


def test_all_at_once_in_the_order_they_came(paused: Flow) -> None:
    released = flow_lifecycle.resume(paused)

    claimed = [work_item.run_id for work_item in claim.claim()]
    assert released == 5
    assert claimed == list(paused.runs.order_by("id").values_list("pk", flat=True))
    assert not Flow.objects.get(pk=paused.pk).paused


@pytest.mark.parametrize(("per_minute", "gap"), [(1, 60.0), (60, 1.0), (600, 0.1)])
def test_at_a_pace(paused: Flow, per_minute: int, gap: float) -> None:
    released = flow_lifecycle.release(paused, per_minute=per_minute)

    due = list(paused.runs.order_by("id").values_list("due_at", flat=True))
    assert released == 5
    assert states(paused) == {("queued", "")}
    assert [(later - due[0]).total_seconds() for later in due] == pytest.approx([gap * k for k in range(5)])
    assert micros(due[0]) <= statements.now()


@pytest.mark.parametrize("per_minute", [0, -1, 60_001])
def test_a_pace_that_is_none(paused: Flow, per_minute: int) -> None:
    with pytest.raises(RelayError, match="between 1 and"):
        flow_lifecycle.release(paused, per_minute=per_minute)

    assert paused_backlog.count(paused) == 5


def test_discarded(paused: Flow) -> None:
    discarded = flow_lifecycle.discard(paused)

    run = paused.runs.first()
    assert discarded == 5
    assert states(paused) == {("cancelled", "")}
    assert run is not None
    assert (run.reason, run.is_final, run.fence) == ("Discarded when the flow was resumed", True, 1)
    assert run.finished_at is not None


@pytest.mark.parametrize(
    "move", [flow_lifecycle.resume, flow_lifecycle.discard, lambda flow: flow_lifecycle.release(flow, per_minute=1)]
)
def test_what_others_hold_stays(paused: Flow, move) -> None:
    other = paused.runs.order_by("id")[2]
    Run.objects.filter(pk=other.pk).update(held_by="destination")

    moved = move(paused)

    other.refresh_from_db()
    assert moved == 4
    assert (other.state, other.held_by) == (RunState.HELD, "destination")


def test_many_batches_keep_the_pace_and_the_order(paused: Flow, monkeypatch) -> None:
    monkeypatch.setattr(paused_backlog, "BATCH_RUNS", 2)

    flow_lifecycle.release(paused, per_minute=60)

    due = list(paused.runs.order_by("id").values_list("due_at", flat=True))
    assert [(later - due[0]).total_seconds() for later in due] == pytest.approx([0, 1, 2, 3, 4])


def test_pausing_again_holds_what_has_not_begun(paused: Flow) -> None:
    flow_lifecycle.release(paused, per_minute=1)
    (first,) = claim.claim()

    flow_lifecycle.pause(paused)

    assert sorted(paused.runs.values_list("state", "held_by")) == [("held", "pause")] * 4 + [("running", "")]
    assert first.run_id == paused.runs.get(state="running").pk


def test_one_run_is_released_alone(paused: Flow) -> None:
    run = paused.runs.order_by("id")[0]

    run_actions.release(run)

    assert paused_backlog.count(paused) == 4


def test_upkeep_releases_what_was_stored_as_held_after_the_resumption(paused: Flow) -> None:
    Flow.objects.filter(pk=paused.pk).update(paused=False)

    tick.once()

    assert paused_backlog.count(paused) == 0
    assert states(paused) == {("queued", "")}


def test_upkeep_leaves_what_a_pause_holds(paused: Flow) -> None:
    tick.once()

    assert paused_backlog.count(paused) == 5
