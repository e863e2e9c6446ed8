"""Tests the limits per destination, flow and workspace, and the rates that all workers share."""

from __future__ import annotations

import math

import pytest

from relay import backoff, queues
from relay.engine.flow_control.failure_rate import MIN_SENDS
from relay.engine.flow_control.limiter import Limiter, OpenCircuit, SendPermit, SendTarget, SharedLimits, Wait
from tests.support.running import Valkey, wait_until

HERE = SendTarget(1, "https://a.example", "")
THERE = SendTarget(1, "https://b.example", "")


def acquire_permit(
    limiter: Limiter, target: SendTarget = HERE, flow: int = 1, concurrency: int = 16, **more: object
) -> SendPermit:
    result = limiter.acquire(target, flow, concurrency, **more)
    assert isinstance(result, SendPermit)
    return result


def shared_slots() -> SharedLimits:
    return SharedLimits(acquire_slot=queues.acquire_slot, release_slot=queues.release_slot)


def send(limiter: Limiter, seconds: float = 0.01, *, fault: str = "", flow: int = 1) -> None:
    limiter.release(acquire_permit(limiter, flow=flow), seconds=seconds, fault=fault)


def test_a_flow_takes_a_quarter_of_the_threads_for_one_place() -> None:
    limiter = Limiter(threads=8)
    send(limiter)
    for _ in range(2):
        acquire_permit(limiter)

    result = limiter.acquire(HERE, 1, 16)

    assert isinstance(result, Wait)
    assert limiter.capacities() == {1: 0}
    acquire_permit(limiter, THERE)
    acquire_permit(limiter, HERE, flow=2)


def test_a_pass_given_back_is_free_again() -> None:
    limiter = Limiter(threads=4)
    permit = acquire_permit(limiter)
    limiter.acquire(HERE, 1, 16)

    limiter.release(permit, seconds=0.1)

    assert limiter.capacities() == {1: 1}
    limiter.clear_crowded({1})
    assert limiter.capacities() == {}
    acquire_permit(limiter)


def test_slow_flows_together_leave_a_quarter_to_the_fast() -> None:
    limiter = Limiter(threads=8)
    send(limiter, 0.01, flow=99)
    slow = [limiter.acquire(HERE, flow, 16) for flow in range(8)]

    assert [isinstance(one, SendPermit) for one in slow] == [True] * 6 + [False] * 2
    acquire_permit(limiter, flow=99)
    assert limiter.capacities() == {6: 0, 7: 0}


def test_what_is_left_for_slow_ones_goes_by_turns() -> None:
    limiter = Limiter(threads=16)
    permits = [acquire_permit(limiter, flow=flow % 3, concurrency=16) for flow in range(12)]
    for flow in range(3):
        limiter.acquire(HERE, flow, 16)
    for permit in permits[:2]:
        limiter.release(permit, seconds=2.0)

    capacities = [limiter.capacities() for _ in range(3)]

    assert [sum(one.values()) for one in capacities] == [2, 2, 2]
    assert [max(one[flow] for one in capacities) for flow in range(3)] == [1, 1, 0]


def test_more_workers_than_a_flow_sends_at_once_still_send(valkey: Valkey) -> None:
    workers = [Limiter(32, shared_slots()) for _ in range(17)]
    for limiter in workers:
        limiter.workers = 17

    results = [limiter.acquire(HERE, 1, 16) for limiter in workers]

    assert [isinstance(result, SendPermit) for result in results] == [True] * 16 + [False]


def test_a_rate_sets_how_many_have_a_chance_at_once() -> None:
    limiter = Limiter(32, SharedLimits(throttle=lambda key, interval: 0.001))
    limiter.acquire(HERE, 1, 16, rate="50/s")

    wait_until(lambda: limiter.capacities() == {1: 5})


def test_it_is_known_when_what_was_turned_away_has_a_chance() -> None:
    limiter = Limiter(32, SharedLimits(throttle=lambda key, interval: interval))
    before = limiter.next_capacity_in

    limiter.acquire(HERE, 1, 16, rate="2/s")
    put_back = limiter.next_capacity_in
    limiter.clear_crowded({1})

    assert (before, limiter.next_capacity_in) == (math.inf, math.inf)
    assert 0.4 < put_back < 0.51


def test_concurrency_is_shared_by_the_workers() -> None:
    limiter = Limiter(threads=64)
    limiter.workers = 2
    for target in (HERE, THERE, HERE, THERE, HERE):
        acquire_permit(limiter, target, concurrency=10)

    assert isinstance(limiter.acquire(HERE, 1, 10), Wait)
    acquire_permit(limiter, flow=2, concurrency=10)


def test_a_small_concurrency_is_counted_over_all_workers(valkey: Valkey) -> None:
    first, second = (Limiter(32, shared_slots()) for _ in range(2))
    permit = acquire_permit(first, concurrency=1)

    kept_out = second.acquire(THERE, 1, 1)
    other = acquire_permit(second, THERE, flow=2, concurrency=1)
    first.release(permit, seconds=0.01)

    assert isinstance(kept_out, Wait)
    assert second.capacities() == {1: 0}
    second.cancel(acquire_permit(second, THERE, concurrency=1))
    second.cancel(other)


def test_who_was_killed_counts_no_longer_than_a_send_can_take(valkey: Valkey, monkeypatch) -> None:
    monkeypatch.setattr("relay.engine.flow_control.limiter.SLOT_MARGIN_SECONDS", 0.05)
    first, second = (Limiter(32, shared_slots()) for _ in range(2))

    acquire_permit(first, concurrency=1, max_seconds=0.05)

    wait_until(lambda: isinstance(second.acquire(HERE, 1, 1), SendPermit))


def test_without_redis_each_worker_keeps_to_its_share(valkey: Valkey) -> None:
    limiter = Limiter(32, shared_slots())
    limiter.workers = 2
    valkey.stop()

    results = [limiter.acquire(HERE, 1, 4) for _ in range(3)]

    assert [isinstance(result, SendPermit) for result in results] == [True, True, False]


def test_a_slow_place_is_waited_for_longer() -> None:
    limiter = Limiter(threads=4)
    send(limiter, 4.0)
    acquire_permit(limiter)

    result = limiter.acquire(HERE, 1, 16)

    assert isinstance(result, Wait)
    assert result.seconds == 2.0


@pytest.mark.parametrize(
    ("failures", "successes", "trips"), [(MIN_SENDS, 0, True), (MIN_SENDS - 1, 0, False), (8, 4, False)]
)
def test_a_place_that_keeps_failing_trips(failures: int, successes: int, *, trips: bool) -> None:
    limiter = Limiter(threads=32)
    for fault in [""] * successes + ["503"] * failures:
        send(limiter, fault=fault)

    failing = limiter.take_failing()

    assert failing == ({HERE: "503"} if trips else {})
    assert limiter.take_failing() == {}


def test_a_shut_place_lets_only_its_probe_through() -> None:
    limiter = Limiter(threads=32)
    circuit = OpenCircuit(7, "destination", "503")
    limiter.set_open_circuits({HERE: circuit})

    assert limiter.acquire(HERE, 1, 16) == circuit
    acquire_permit(limiter, probe_of=7)
    acquire_permit(limiter, THERE)


def test_a_refused_credential_shuts_every_origin_of_its_connection() -> None:
    limiter = Limiter(threads=32)
    circuit = OpenCircuit(7, "credential", "401")
    limiter.set_open_circuits({SendTarget(1, "", "Board"): circuit})

    assert limiter.acquire(HERE._replace(connection="Board"), 1, 16) == circuit
    acquire_permit(limiter)


def test_a_rate_is_shared_by_all(valkey: object) -> None:
    first, second = Limiter(32, SharedLimits(queues.throttle)), Limiter(32, SharedLimits(queues.throttle))
    target = HERE._replace(connection="Board")

    results = [limiter.acquire(target, 1, 16, rate="2/m") for limiter in (first, second)]

    assert isinstance(results[0], SendPermit)
    assert isinstance(results[1], Wait)
    assert 28 < results[1].seconds <= 30
    assert second.capacities() == {1: 0}


@pytest.mark.parametrize(("rate", "seconds"), [("1/s", 1.0), ("30/m", 2.0), ("7200 / h", 0.5)])
def test_a_rate_is_an_interval(rate: str, seconds: float) -> None:
    assert backoff.interval(rate) == seconds


@pytest.mark.parametrize("rate", ["", "0/s", "1", "1/d", "x/s", "-1/s"])
def test_what_is_no_rate(rate: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        backoff.interval(rate)


def acquire_many(limiter: Limiter, workspace: int, flows: int) -> list[SendPermit]:
    target = SendTarget(workspace, "https://api.example.com", "")
    results = [limiter.acquire(target, workspace * 100 + flow, 64) for flow in range(flows) for _ in range(8)]
    return [result for result in results if isinstance(result, SendPermit)]


def test_a_workspace_leaves_places_to_others() -> None:
    limiter = Limiter(threads=32)
    limiter.workspaces = 5

    taken = {workspace: acquire_many(limiter, workspace, 8) for workspace in (1, 2, 3)}

    assert len(taken[1]) == 18  # of 24 for slow ones
    assert all(taken.values())
    for permit in taken[1]:
        limiter.release(permit, seconds=15.0)
    assert len(acquire_many(limiter, 5, 8)) > 10


def test_a_workspace_alone_has_all_places() -> None:
    assert len(acquire_many(Limiter(threads=32), 1, 8)) == 24


def test_rooms_are_those_that_the_workspace_can_take() -> None:
    limiter = Limiter(threads=32)
    limiter.workspaces = 2

    acquire_many(limiter, 1, 8)

    assert set(limiter.capacities().values()) == {0}


def test_a_destination_fails_for_the_workspace_alone_whose_sends_fail() -> None:
    limiter = Limiter(threads=32)
    for _ in range(20):
        permit = limiter.acquire(SendTarget(1, "https://api.example.com", ""), 100, 64)
        assert isinstance(permit, SendPermit)
        limiter.release(permit, seconds=0.01, fault="The answer was 500")

    assert [target.workspace_id for target in limiter.take_failing()] == [1]
