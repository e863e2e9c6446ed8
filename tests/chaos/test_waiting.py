"""kill -9 at random moments, while flows wait, gather and deduplicate."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence

import pytest

from tests.chaos.listener import Listener
from tests.chaos.test_kill_rounds import kill
from tests.chaos.waiting import Waiting
from tests.support.running import Relay

VICTIMS = ("worker", "workers", "upkeep", "everything", "workers", "worker")


def storm(relay: Relay, victims: Sequence[str] = VICTIMS) -> None:
    """Kill one process after the other while all flows have callers, and check the results."""
    with Listener() as listener:
        waiting = Waiting(relay, listener)
        waiting.wait_for(3)
        for who in victims:
            time.sleep(random.uniform(0, 0.6))  # a moment nobody chose
            kill(relay, who)
            waiting.wait_for(3)
        waiting.stop()

        waiting.check()


@pytest.mark.chaos
def test_what_waits_and_remembers_outlives_any_kill(start_relay: Callable[..., Relay]) -> None:
    storm(start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LEASE="1"))
