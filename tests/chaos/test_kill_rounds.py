"""kill -9 at random moments, round after round, while orders stream in."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable

import pytest

from tests.chaos.stream import IN_HAND, Sink, Stream, again, assert_all_is_well, port, publish
from tests.support.running import Relay, wait_until

ROUNDS = 4
LEASE = "3"

# Who is killed, and how many workers' hands that empties in a round.
VICTIMS = {"web": 0, "worker": 1, "workers": 2, "upkeep": 0, "valkey": 0, "everything": 2}


def victims(relay: Relay, who: str) -> list[int]:
    """Process ids: one worker for `worker`, else all that are called so."""
    pids = [pid for name, pid in relay.children().items() if who.removesuffix("s") in name]
    return random.sample(pids, min(1, len(pids))) if who == "worker" else pids


def kill(relay: Relay, who: str) -> None:
    """End them without a word; return when they are there again."""
    if who == "everything":
        for pid in [relay.pid, *relay.children().values()]:
            os.kill(pid, signal.SIGKILL)
        again(relay)
        return
    before = relay.children()
    # A process that was just started has no name yet.
    for pid in wait_until(lambda: victims(relay, who), what=f"there is a {who}"):
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(relay.children()) == len(before) and relay.children() != before, what=f"{who} is back")


@pytest.mark.chaos
@pytest.mark.parametrize("who", VICTIMS)
def test_killed_again_and_again_loses_nothing(who: str, start_relay: Callable[..., Relay], sink: Sink) -> None:
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE=LEASE)
    path = publish(relay, sink.url)

    with Stream(port(relay), path) as stream:
        for _ in range(ROUNDS):
            time.sleep(random.uniform(0, 0.6))  # a moment nobody chose
            kill(relay, who)
            stream.wait_for(30)

    assert_all_is_well(relay, sink, stream.books, twice=ROUNDS * VICTIMS[who] * IN_HAND)
    assert not stream.books.cut or who in ("web", "everything")
    assert not stream.books.refused
