"""Many slow flows at once, each with a backlog: a fast flow continues, and no worker wastes its time."""

from __future__ import annotations

import asyncio

import pytest

from tests.bench.load import burst
from tests.chaos.stream import Sink, flow, port, publish_documents, rows
from tests.support.running import Relay, wait_until

SLOW_FLOWS, EACH, FAST = 8, 150, 100


@pytest.mark.chaos
def test_many_slow_flows_delay_no_fast_one(relay_up: Relay, sink: Sink) -> None:
    slow = [{**flow(f"{sink.url}?ms=1000"), "name": f"Slow {number}"} for number in range(SLOW_FLOWS)]
    with Sink() as beside:
        *paths, fast = publish_documents(relay_up, *slow, {**flow(beside.url), "name": "Fast"})
        for number, path in enumerate(paths):
            asyncio.run(burst(port(relay_up), path, first=1 + number * EACH, count=EACH))

        load = asyncio.run(burst(port(relay_up), fast, first=1_000_000, count=FAST))
        wait_until(lambda: load.acknowledged.keys() <= beside.delivered(), seconds=5, what="the fast one's arrive")
        meanwhile = len(sink.delivered())
        wait_until(lambda: len(sink.delivered()) == SLOW_FLOWS * EACH, seconds=90, what="the slow ones' arrive")

    taken = rows(relay_up, "SELECT sum(fence), count(*) FROM relay_run")[0]
    assert meanwhile < SLOW_FLOWS * EACH
    assert sink.doubled == 0
    assert taken[0] < 3 * taken[1]  # put back twice on average at most, however long they wait
