"""Buckets: so many at once, then one by one."""

from __future__ import annotations

import pytest

from relay import token_bucket
from relay.token_bucket import TokenBucket


@pytest.mark.parametrize(("text", "number", "seconds"), [("50/s", 50, 1.0), (" 30 / m ", 30, 60.0), ("1/h", 1, 3600.0)])
def test_rates(text: str, number: int, seconds: float) -> None:
    rate = token_bucket.rate(text)

    assert (rate.number, rate.seconds) == (number, seconds)


@pytest.mark.parametrize("text", ["", "50", "0/s", "-1/s", "1/d", "1/s/s", "1e3/s", "١/s"])
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        token_bucket.rate(text)


@pytest.mark.parametrize(("number", "seconds"), [(1, 1.0), (3, 1.0), (7, 60.0), (1000, 3600.0)])
def test_so_many_at_once_and_then_one_by_one(number: int, seconds: float) -> None:
    bucket = TokenBucket(number, seconds)
    each = seconds / number

    at_once = [bucket.take(100.0) for _ in range(number)]
    wait = bucket.take(100.0)

    assert at_once == [0.0] * number
    assert wait == pytest.approx(each)
    assert bucket.take(100.0 + each / 2) == pytest.approx(each / 2)
    assert bucket.take(100.0 + each * 1.001) == 0.0
    assert bucket.take(100.0 + each * 1.001) > 0


def test_looking_takes_nothing() -> None:
    bucket = TokenBucket(1, 1.0)

    assert [bucket.wait(5.0), bucket.wait(5.0), bucket.take(5.0), bucket.wait(5.0)] == [0.0, 0.0, 0.0, 1.0]
