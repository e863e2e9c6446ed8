"""Runs of flows that lately used much of a worker's CPU come later."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.walk.work_item import Outcome, WorkItem
from relay.engine.worker import cpu_shares
from relay.engine.worker.cpu_shares import CpuShares
from relay.engine.worker.heavy_lane import HeavyLane, returned
from tests.support.walking import POST, work_item


def of(flow: int, workspace: int = 1, **changes: Any) -> WorkItem:
    return work_item(POST, flow_id=flow, workspace_id=workspace, **changes)


def walked(known: CpuShares, one: WorkItem, seconds: float, times: int = 1) -> None:
    for _ in range(times):
        known.count(Outcome(one, cpu=seconds))


def test_a_flow_whose_walks_take_long_is_heavy() -> None:
    known = CpuShares()

    walked(known, of(1), 0.05, times=4)
    walked(known, of(2), 0.05)

    assert (known.is_heavy(of(1)), known.is_heavy(of(2))) == (True, False)


def test_many_quick_walks_make_no_flow_heavy() -> None:
    known = CpuShares()

    walked(known, of(1), 0.001, times=5_000)

    assert not known.is_heavy(of(1))
    assert known.rooms([]) == {}


def test_flows_of_a_workspace_are_heavy_together() -> None:
    """A workspace has the share of one, however many flows it spreads its work over."""
    known = CpuShares()

    for flow in range(1, 40):
        walked(known, of(flow), 0.05)
    walked(known, of(99), 0.0005)

    assert known.is_heavy(of(39))
    assert known.is_heavy(of(1_000)), "one that nobody has walked yet"
    assert not known.is_heavy(of(99)), "a quick one"
    assert not known.is_heavy(of(1_000, workspace=2))


def test_what_a_trail_costs_to_store_counts() -> None:
    known = CpuShares()

    walked(known, of(1, trail_size=4_000_000), 0.0, times=4)

    assert known.is_heavy(of(1))


def test_use_fades(monkeypatch: pytest.MonkeyPatch) -> None:
    known, clock = CpuShares(), [100.0]
    monkeypatch.setattr(cpu_shares.time, "monotonic", lambda: clock[0])
    walked(known, of(1), 0.05, times=12)
    assert known.rooms([])

    clock[0] += 10

    assert known.rooms([]) == {}
    assert not known.is_heavy(of(1))


def test_no_more_heavy_runs_are_claimed_than_are_walked_soon() -> None:
    known = CpuShares()
    walked(known, of(1), 0.06, times=12)

    room = known.rooms([])[1]
    later = known.rooms([of(1)] * 8)[1]
    full = known.rooms([of(1)] * 9)[1]

    assert (room, later, full) == (4, 1, 0)


def test_a_heavy_flow_of_which_nothing_is_due_is_asked_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    known, clock = CpuShares(), [100.0]
    monkeypatch.setattr(cpu_shares.time, "monotonic", lambda: clock[0])
    walked(known, of(1), 0.05, times=12)

    known.looked_at(known.rooms([]), exhausted={1})
    at_once = known.rooms([])
    clock[0] += cpu_shares.LOOK_AGAIN
    soon = known.rooms([])
    known.looked_at(soon, exhausted=set())

    assert (at_once, soon) == ({1: 0}, {1: 1})
    assert known.rooms([])[1] > 1


def test_the_workspace_that_used_least_is_first() -> None:
    known = CpuShares()
    walked(known, of(1, workspace=1), 0.05, times=40)
    walked(known, of(2, workspace=2), 0.05, times=30)
    walked(known, of(3, workspace=1), 0.05, times=15)
    lane = HeavyLane(known)
    for one in (of(1, workspace=1), of(3, workspace=1), of(2, workspace=2)):
        lane.add(one)

    assert list(known.rooms([])) == [2, 3, 1]
    assert [lane.take().flow_id for _ in range(3)] == [2, 3, 1]


def test_what_waits_too_long_in_the_lane_is_due_again() -> None:
    known = CpuShares()
    walked(known, of(1), 0.06, times=12)
    lane = HeavyLane(known)
    for number in range(64):
        lane.add(of(1, run_id=number, tries=2, trail=[{"id": "a", "kind": "set", "state": "set"}]))

    surplus = lane.surplus()

    assert len(lane) == 9
    assert {outcome.work_item.run_id for outcome in surplus} == set(range(9, 64))
    assert {(outcome.state, outcome.tries, len(outcome.trail)) for outcome in surplus} == {("queued", 2, 1)}
    assert all(outcome.due_at for outcome in surplus)


@pytest.mark.parametrize(
    ("fence", "marked", "kept"),
    [(7, 7, ("", None)), (7, 6, ("send", 6)), (7, -2, ("send", -2)), (7, None, ("send", None))],
    ids=["ours, and nothing was sent", "of a worker that is gone", "asked of the service", "of an old version"],
)
def test_a_doubt_outlives_a_return(fence: int, marked: int | None, kept: tuple[str, int | None]) -> None:
    outcome = returned(of(1, fence=fence, marked_step="send", marked_fence=marked))

    assert (outcome.marked_step, outcome.marked_fence) == kept
