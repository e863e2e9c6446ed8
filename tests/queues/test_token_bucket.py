"""Tests the token bucket in a real Valkey."""

from __future__ import annotations

import time

import pytest

from relay import queues
from relay import valkey as server
from tests.conftest import FOLDER
from tests.support.running import Valkey, wait_until


@pytest.mark.parametrize(
    ("asked", "had"),
    [
        ([(10, 4), (10, 4), (10, 4)], [4, 4, 2]),
        ([(10, 100), (10, 1)], [10, 0]),
        ([(1, 1), (1, 1)], [1, 0]),
        ([(3, 1)] * 4, [1, 1, 1, 0]),
    ],
)
def test_all_that_take_share_one_bucket(valkey: Valkey, asked: list[tuple[int, int]], had: list[int]) -> None:
    taken = [queues.take_tokens("a", number, 3600.0, want) for number, want in asked]

    assert [share[0] for share in taken if share] == had


def test_when_it_is_empty_it_says_for_how_long(valkey: Valkey) -> None:
    queues.take_tokens("a", 10, 3600.0, 10)

    share = queues.take_tokens("a", 10, 3600.0, 1)

    assert share is not None
    assert share[0] == 0
    assert 350 < share[1] <= 360


def test_it_fills_again(valkey: Valkey) -> None:
    queues.take_tokens("a", 1000, 1.0, 1000)

    again = wait_until(lambda: (share := queues.take_tokens("a", 1000, 1.0, 50)) and share[0], what="it fills")

    assert 1 <= again <= 50


def test_it_outlives_a_clock_that_is_set_back(valkey: Valkey) -> None:
    later = int((time.time() + 86_400) * 1e6)
    server.command(FOLDER, "SET", "relay:share:a", str(later))

    share = queues.take_tokens("a", 10, 60.0, 1)

    assert share is not None
    assert share[1] <= 6.0


def test_without_redis_there_is_no_answer(valkey: Valkey) -> None:
    valkey.stop()

    assert queues.take_tokens("a", 10, 60.0, 1) is None
