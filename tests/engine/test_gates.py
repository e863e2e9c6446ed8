"""Gates: caps per place and flow, and a pace that all workers share."""

from __future__ import annotations

import math

import pytest

from relay import backoff, queues
from relay.engine.gates import Gates, Pass, Place, Shared, Shut, Wait
from relay.engine.health import FEWEST
from tests.running import Valkey, wait_until

HERE = Place(1, "https://a.example", "")
THERE = Place(1, "https://b.example", "")


def enter(gates: Gates, place: Place = HERE, flow: int = 1, concurrency: int = 16, **more: object) -> Pass:
    found = gates.enter(place, flow, concurrency, **more)
    assert isinstance(found, Pass)
    return found


def send(gates: Gates, seconds: float = 0.01, *, fault: str = "", flow: int = 1) -> None:
    gates.leave(enter(gates, flow=flow), seconds=seconds, fault=fault)


def test_a_flow_takes_a_quarter_of_the_threads_for_one_place() -> None:
    gates = Gates(threads=8)
    send(gates)
    for _ in range(2):
        enter(gates)

    found = gates.enter(HERE, 1, 16)

    assert isinstance(found, Wait)
    assert gates.rooms() == {1: 0}
    enter(gates, THERE)
    enter(gates, HERE, flow=2)


def test_a_pass_given_back_is_free_again() -> None:
    gates = Gates(threads=4)
    passed = enter(gates)
    gates.enter(HERE, 1, 16)

    gates.leave(passed, seconds=0.1)

    assert gates.rooms() == {1: 1}
    gates.relax({1})
    assert gates.rooms() == {}
    enter(gates)


def test_slow_flows_together_leave_a_quarter_to_the_fast() -> None:
    gates = Gates(threads=8)
    send(gates, 0.01, flow=99)
    slow = [gates.enter(HERE, flow, 16) for flow in range(8)]

    assert [isinstance(one, Pass) for one in slow] == [True] * 6 + [False] * 2
    enter(gates, flow=99)
    assert gates.rooms() == {6: 0, 7: 0}


def test_what_is_left_for_slow_ones_goes_by_turns() -> None:
    gates = Gates(threads=16)
    passes = [enter(gates, flow=flow % 3, concurrency=16) for flow in range(12)]
    for flow in range(3):
        gates.enter(HERE, flow, 16)
    for passed in passes[:2]:
        gates.leave(passed, seconds=2.0)

    rooms = [gates.rooms() for _ in range(3)]

    assert [sum(one.values()) for one in rooms] == [2, 2, 2]
    assert [max(one[flow] for one in rooms) for flow in range(3)] == [1, 1, 0]


def test_more_workers_than_a_flow_sends_at_once_still_send(valkey: Valkey) -> None:
    workers = [Gates(32, Shared(occupy=queues.occupy, vacate=queues.vacate)) for _ in range(17)]
    for gates in workers:
        gates.workers = 17

    found = [gates.enter(HERE, 1, 16) for gates in workers]

    assert [isinstance(one, Pass) for one in found] == [True] * 16 + [False]


def test_a_rate_sets_how_many_have_a_chance_at_once() -> None:
    gates = Gates(32, Shared(admit=lambda key, interval: 0.001))
    gates.enter(HERE, 1, 16, rate="50/s")

    wait_until(lambda: gates.rooms() == {1: 5})


def test_it_is_known_when_what_was_turned_away_has_a_chance() -> None:
    gates = Gates(32, Shared(admit=lambda key, interval: interval))
    before = gates.opens_in

    gates.enter(HERE, 1, 16, rate="2/s")
    turned_away = gates.opens_in
    gates.relax({1})

    assert (before, gates.opens_in) == (math.inf, math.inf)
    assert 0.4 < turned_away < 0.51


def test_concurrency_is_shared_by_the_workers() -> None:
    gates = Gates(threads=64)
    gates.workers = 2
    for place in (HERE, THERE, HERE, THERE, HERE):
        enter(gates, place, concurrency=10)

    assert isinstance(gates.enter(HERE, 1, 10), Wait)
    enter(gates, flow=2, concurrency=10)


def test_a_small_concurrency_is_counted_over_all_workers(valkey: Valkey) -> None:
    first, second = (Gates(32, Shared(occupy=queues.occupy, vacate=queues.vacate)) for _ in range(2))
    passed = enter(first, concurrency=1)

    kept_out = second.enter(THERE, 1, 1)
    other = enter(second, THERE, flow=2, concurrency=1)
    first.leave(passed, seconds=0.01)

    assert isinstance(kept_out, Wait)
    assert second.rooms() == {1: 0}
    second.back_out(enter(second, THERE, concurrency=1))
    second.back_out(other)


def test_who_was_killed_counts_no_longer_than_a_send_can_take(valkey: Valkey, monkeypatch) -> None:
    monkeypatch.setattr("relay.engine.gates.MARGIN", 0.05)
    first, second = (Gates(32, Shared(occupy=queues.occupy, vacate=queues.vacate)) for _ in range(2))

    enter(first, concurrency=1, lasting=0.05)

    wait_until(lambda: isinstance(second.enter(HERE, 1, 1), Pass))


def test_without_redis_each_worker_keeps_to_its_share(valkey: Valkey) -> None:
    gates = Gates(32, Shared(occupy=queues.occupy, vacate=queues.vacate))
    gates.workers = 2
    valkey.stop()

    found = [gates.enter(HERE, 1, 4) for _ in range(3)]

    assert [isinstance(one, Pass) for one in found] == [True, True, False]


def test_a_slow_place_is_waited_for_longer() -> None:
    gates = Gates(threads=4)
    send(gates, 4.0)
    enter(gates)

    found = gates.enter(HERE, 1, 16)

    assert isinstance(found, Wait)
    assert found.seconds == 2.0


@pytest.mark.parametrize(("failures", "successes", "trips"), [(FEWEST, 0, True), (FEWEST - 1, 0, False), (8, 4, False)])
def test_a_place_that_keeps_failing_trips(failures: int, successes: int, *, trips: bool) -> None:
    gates = Gates(threads=32)
    for fault in [""] * successes + ["503"] * failures:
        send(gates, fault=fault)

    tripped = gates.tripped()

    assert tripped == ({HERE: "503"} if trips else {})
    assert gates.tripped() == {}


def test_a_shut_place_lets_only_its_probe_through() -> None:
    gates = Gates(threads=32)
    shut = Shut(7, "destination", "503")
    gates.learn({HERE: shut})

    assert gates.enter(HERE, 1, 16) == shut
    enter(gates, probe_of=7)
    enter(gates, THERE)


def test_a_refused_credential_shuts_every_origin_of_its_connection() -> None:
    gates = Gates(threads=32)
    shut = Shut(7, "credential", "401")
    gates.learn({Place(1, "", "Board"): shut})

    assert gates.enter(HERE._replace(connection="Board"), 1, 16) == shut
    enter(gates)


def test_a_rate_is_shared_by_all(valkey: object) -> None:
    first, second = Gates(32, Shared(queues.admit)), Gates(32, Shared(queues.admit))
    place = HERE._replace(connection="Board")

    found = [gates.enter(place, 1, 16, rate="2/m") for gates in (first, second)]

    assert isinstance(found[0], Pass)
    assert isinstance(found[1], Wait)
    assert 28 < found[1].seconds <= 30
    assert second.rooms() == {1: 0}


@pytest.mark.parametrize(("rate", "seconds"), [("1/s", 1.0), ("30/m", 2.0), ("7200 / h", 0.5)])
def test_a_rate_is_an_interval(rate: str, seconds: float) -> None:
    assert backoff.interval(rate) == seconds


@pytest.mark.parametrize("rate", ["", "0/s", "1", "1/d", "x/s", "-1/s"])
def test_what_is_no_rate(rate: str) -> None:
    with pytest.raises(ValueError, match="rate"):
        backoff.interval(rate)
