"""Valkey carries only wakeups: without it, or without its data, no work is lost."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

from relay import valkey
from relay.data_folder import DataFolder
from tests.chaos.stream import Sink, Stream, assert_all_is_well, port, publish
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes minutes, all together

AWAY = 60.0  # seconds
HANGS = 10.0  # seconds, which is longer than anybody waits for an answer of it


def server(relay: Relay) -> int:
    return next(pid for name, pid in relay.children().items() if "valkey" in name)


def test_nothing_waits_for_what_valkey_forgot(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)

    with Stream(port(relay_up), path) as stream:
        for _ in range(5):
            valkey.command(DataFolder(relay_up.folder), "FLUSHALL")
            stream.wait_for(40)

    assert_all_is_well(relay_up, sink, stream.books, twice=0, seconds=10)
    assert not stream.books.refused


def test_valkey_comes_back_without_its_file(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)

    with Stream(port(relay_up), path) as stream:
        shutil.rmtree(relay_up.folder / "appendonlydir")
        os.kill(server(relay_up), signal.SIGKILL)
        wait_until(lambda: valkey.is_ready(DataFolder(relay_up.folder)), what="Valkey is back")
        stream.wait_for(100)

    assert_all_is_well(relay_up, sink, stream.books, twice=0, seconds=10)
    assert not stream.books.refused


@pytest.mark.chaos
def test_events_are_taken_and_delivered_while_valkey_is_away(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)

    with Stream(port(relay_up), path) as stream:
        before = set(stream.books.acknowledged)
        _kill_for(relay_up, AWAY, stream)
        assert sink.delivered() - before  # although no bell has rung
        stream.wait_for(100)

    assert_all_is_well(relay_up, sink, stream.books, twice=0, seconds=10)
    assert not stream.books.refused


def _kill_for(relay: Relay, seconds: float, stream: Stream) -> None:
    """Kill each Valkey that starts, for a while; orders continue to be accepted."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, pid in relay.children().items():
            if "valkey" in name:
                os.kill(pid, signal.SIGKILL)
        stream.wait_for(2)


@pytest.mark.chaos
def test_a_valkey_that_hangs_blocks_nothing_forever(relay_up: Relay, sink: Sink) -> None:
    path = publish(relay_up, sink.url)
    pid = server(relay_up)

    with Stream(port(relay_up), path) as stream:
        os.kill(pid, signal.SIGSTOP)
        try:
            stream.wait_for(200)
            time.sleep(HANGS)
            stream.wait_for(100)
        finally:
            os.kill(pid, signal.SIGCONT)

    assert_all_is_well(relay_up, sink, stream.books, twice=0, seconds=15)
    assert not stream.books.refused
