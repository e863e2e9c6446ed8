"""SIGTERM while orders stream in: no request is cut, and acknowledged events are delivered after a restart."""

from __future__ import annotations

import math
import signal

import pytest

from tests.chaos.stream import Sink, Stream, again, assert_all_is_well, port, publish
from tests.support.running import Relay

ROUNDS = 3


@pytest.mark.chaos
@pytest.mark.parametrize("orders_a_connection", [math.inf, 1])
def test_stop_under_load_cuts_no_request(orders_a_connection: float, relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)

    with Stream(port(relay_up), path, rate=400, connections=16, most=orders_a_connection) as stream:
        for _ in range(ROUNDS):
            assert relay_up.stop(signal.SIGTERM) == 0
            again(relay_up)
            stream.wait_for(100)

    assert_all_is_well(relay_up, sink, stream.books, twice=0)
    assert not stream.books.cut
    assert not stream.books.refused
