"""`relay ingest`: a separate ingest process with the same database, without pages."""

from __future__ import annotations

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.supervision.processes import is_healthy
from tests.bench.__main__ import free_port
from tests.chaos.stream import Sink, Stream, assert_all_is_well, publish
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes long


@pytest.fixture(scope="module")
def relay(prepared: Path) -> Iterator[Relay]:
    running = Relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8").with_account(prepared)
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="module")
def door(relay: Relay) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """A `relay ingest` beside a whole Relay: its port and its process."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "relay", "ingest", "--port", str(port)], env=relay.env)
    wait_until(lambda: is_healthy("127.0.0.1", port), seconds=40, what="it answers")
    yield port, process
    process.kill()
    process.wait()


def test_it_has_no_pages(door: tuple[int, subprocess.Popen[bytes]]) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://127.0.0.1:{door[0]}/sign-in/", timeout=10)

    assert refused.value.code == 404
    refused.value.close()


# The last one, since it ends the process.
def test_events_that_come_in_there_are_delivered(relay: Relay, door: tuple[int, subprocess.Popen[bytes]]) -> None:
    port, process = door

    with Sink() as sink:
        with Stream(port, publish(relay, sink.url)) as stream:
            stream.wait_for(50)
            process.terminate()
        assert process.wait(20) == 0
        assert_all_is_well(relay, sink, stream.books, twice=0)
    assert not stream.books.cut
    assert not stream.books.refused
