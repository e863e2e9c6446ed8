import time

import pytest

from relay.backoff import DEFAULT_DELAYS, next_delay, parse_retry_after, seconds

NOW = 1_700_000_000.0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250ms", 0.25),
        ("0s", 0),
        ("10s", 10),
        ("1.5m", 90),
        ("1m", 60),
        (" 2h ", 7200),
        ("2 h", 7200),
        ("1d", 86_400),
        ("30d", 2_592_000),
    ],
)
def test_reads_a_time(text: str, expected: float) -> None:
    assert seconds(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "text",
    ["", "10", "s", "-1s", "1w", "1e3s", "nans", "31d", "999999999h", "1h30m", "\uff11s", "1s\n2s"],
)
def test_refuses_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="is"):
        seconds(text)


def test_the_default_delays_can_be_read() -> None:
    assert [seconds(text) for text in DEFAULT_DELAYS] == [10, 60, 600, 3600, 21_600, 86_400]


@pytest.mark.parametrize(("attempt", "expected"), [(0, None), (1, 10), (2, 60), (3, None)])
def test_each_try_has_its_delay_until_there_is_none(attempt: int, expected: float | None) -> None:
    delay = next_delay(attempt, [10, 60], None, now=NOW, random=lambda low, high: (low + high) / 2)

    assert delay == expected


def test_the_delay_is_spread_around_its_length() -> None:
    spread = [next_delay(1, [10], None, now=NOW) or 0 for _ in range(500)]

    assert min(spread) >= 5
    assert max(spread) <= 15
    assert len(set(spread)) > 400


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ("", None),
        ("120", 120),
        (" 1.5 ", 1.5),
        ("0", 0),
        ("-1", None),
        ("1e9", None),
        ("soon", None),
        ("99999999999", 86_400),
        ("9" * 400, 86_400),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("Tue Nov 14 22:14:20 2023", 60),
        ("Tue, 14 Nov 2023 22:12:20 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Fri, 31 Dec 99999 23:59:59 GMT", None),
        ("Fri, 99 Dec 2023 23:59:59 GMT", None),
        ("1970-01-01T00:00:00Z", None),
        ("\0", None),
    ],
)
def test_reads_what_the_server_asks_for(value: str | None, expected: float | None) -> None:
    assert parse_retry_after(value, NOW) == expected


@pytest.mark.parametrize(("retry_after", "expected"), [("5", 10), ("30", 30), ("99999999", 86_400), ("junk", 10)])
def test_retry_after_is_a_floor(retry_after: str, expected: float) -> None:
    delay = next_delay(1, [10], retry_after, now=NOW, random=lambda low, high: (low + high) / 2)

    assert delay == expected


def test_retry_after_does_not_add_a_try() -> None:
    assert next_delay(2, [10], "30", now=NOW) is None


def test_a_hostile_header_is_read_fast() -> None:
    started = time.monotonic()

    parse_retry_after("1" * 60_000 + "x", NOW)
    parse_retry_after("(" * 60_000, NOW)

    assert time.monotonic() - started < 1
