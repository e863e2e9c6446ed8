"""When scheduled flows start: time zones, clock changes, leap days, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from typing import Any

import pytest

from relay.errors import DocumentFaults
from relay.flows.checks.validation import parse_document
from relay.flows.document import TriggerSettings
from relay.flows.schedules import ticks, upcoming


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def schedule(**keys: Any) -> TriggerSettings:
    return TriggerSettings(kind="schedule", **keys)


@pytest.mark.parametrize(
    ("cron", "zone", "after", "expected"),
    [
        ("0 9 * * 1-5", "Europe/Paris", "2026-11-27T09:00", ["11-30T09:00+01:00", "12-01T09:00+01:00"]),
        # Clocks go forward: 02:30 isn't there on 29 March 2026, and the job runs right after the gap.
        ("30 2 * * *", "Europe/Paris", "2026-03-28T00:00", ["03-28T02:30+01:00", "03-29T03:00+02:00"]),
        ("0 9 * * *", "Europe/Paris", "2026-03-28T00:00", ["03-28T09:00+01:00", "03-29T09:00+02:00"]),
        # Clocks go back: 02:30 comes twice on 25 October 2026, and the job runs once.
        ("30 2 * * *", "Europe/Paris", "2026-10-24T01:00", ["10-25T02:30+02:00", "10-26T02:30+01:00"]),
        # Also for who begins to look in the second of these hours.
        ("30 2 * * *", "Europe/Paris", "2026-10-25T01:10", ["10-26T02:30+01:00"]),
        ("30 1 * * *", "America/New_York", "2026-11-01T05:00", ["11-01T01:30-04:00", "11-02T01:30-05:00"]),
        # Schedules that run all day include the repeated hour twice.
        ("30 * * * *", "Europe/Paris", "2026-10-25T00:00", ["10-25T02:30+02:00", "10-25T02:30+01:00"]),
        ("*/30 * * * *", "Europe/Paris", "2026-03-29T00:45", ["03-29T03:00+02:00", "03-29T03:30+02:00"]),
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00", ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"]),
        ("0 0 L * *", "UTC", "2026-02-01T00:00", ["02-28T00:00+00:00", "03-31T00:00+00:00"]),
        ("15 8 * * MON#1", "Asia/Kolkata", "2026-11-01T00:00", ["11-02T08:15+05:30", "12-07T08:15+05:30"]),
        ("0 0 * * *", "Pacific/Apia", "2026-01-01T00:00", ["01-02T00:00+13:00"]),
    ],
)
def test_cron_by_the_clock_of_its_zone(cron: str, zone: str, after: str, expected: list[str]) -> None:
    found = islice(ticks(schedule(cron=cron, timezone=zone), utc(after)), len(expected))

    moments = [one.isoformat(timespec="minutes") for one in found]
    assert moments == [one if one[4] == "-" else f"2026-{one}" for one in expected]


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC"])
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/15 * * * *", "0 1-3 * * *", "0 */2 * * *"])
def test_moments_of_a_year_come_once_and_in_order(cron: str, zone: str) -> None:
    moments = [
        one.astimezone(UTC) for one in islice(ticks(schedule(cron=cron, timezone=zone), utc("2026-01-01")), 2_000)
    ]

    assert moments == sorted(set(moments))
    if cron == "30 2 * * *":
        days = [one for one in moments if one < utc("2027-01-01")]
        assert len(days) in {364, 365}


@pytest.mark.parametrize(
    ("every", "after", "expected"),
    [
        ("15m", "2026-11-25T10:07", ["10:15", "10:30"]),
        ("15m", "2026-11-25T10:15", ["10:30", "10:45"]),
        ("1h", "2026-10-25T00:30", ["01:00", "02:00"]),
        ("1d", "2026-11-25T10:07", ["00:00"]),
    ],
)
def test_intervals_begin_at_round_moments(every: str, after: str, expected: list[str]) -> None:
    found = islice(ticks(schedule(every=every, timezone="Europe/Paris"), utc(after)), len(expected))

    assert [one.astimezone(UTC).strftime("%H:%M") for one in found] == expected


def test_what_can_not_be_read_has_no_moments() -> None:
    assert upcoming(schedule(cron="nonsense"), utc("2026-01-01")) == []
    assert upcoming(schedule(), utc("2026-01-01")) == []


@pytest.mark.parametrize(
    ("trigger", "said"),
    [
        ({}, "trigger.cron: either cron or every says when it starts"),
        ({"cron": "* * * * *", "every": "5m"}, "trigger.cron: either cron or every"),
        ({"cron": "0 9 * *"}, "trigger.cron: has five parts: minute, hour"),
        ({"cron": "0 0 9 * * *"}, "trigger.cron: has five parts"),
        ({"cron": "@daily"}, "trigger.cron: has five parts"),
        ({"cron": "60 * * * *"}, "trigger.cron: minute can't be read"),
        ({"cron": "0 24 * * *"}, "trigger.cron: hour can't be read"),
        ({"cron": "0 9 * * MOX"}, "trigger.cron: day of the week can't be read"),
        ({"cron": "*/0 * * * *"}, "trigger.cron: minute can't be read"),
        ({"cron": "0 0 30 2 *"}, "trigger.cron: there is no such day in these months"),
        ({"cron": "0 0 31 2,4,6,9,11 *"}, "trigger.cron: there is no such day in these months"),
        ({"cron": "0 0 32 * *"}, "trigger.cron: day of the month can't be read"),
        ({"cron": "1," * 150 + "1 * * * *"}, "trigger.cron: has five parts"),
        ({"cron": "٣ * * * *"}, "trigger.cron: has five parts"),
        (
            {"cron": "0 9 * * *", "timezone": "Europe/Pariss"},
            "trigger.timezone: 'Europe/Pariss' is not a time zone",
        ),
        (
            {"cron": "0 9 * * *", "timezone": "../../etc/passwd"},
            "trigger.timezone: '../../etc/passwd' is not",
        ),
        ({"cron": "0 9 * * *", "timezone": ""}, "trigger.timezone: '' is not a time zone"),
        ({"cron": "0 9 * * *", "timezone": "Europe"}, "trigger.timezone: 'Europe' is not a time zone"),
        ({"every": "soon"}, "trigger.every: "),
        ({"every": "0s"}, "trigger.every: is between 1s and 30d"),
        ({"every": "500d"}, "trigger.every: '500d' is longer than 30 days"),
        ({"every": "5m", "catch_up": "all"}, "trigger.catch_up: 'all' is not possible here; one or skip"),
        ({"every": "5m", "rate": "5/s"}, "trigger.rate: is for triggers of the kind webhook"),
        ({"every": "5m", "inputs": [{"name": "a"}]}, "trigger.inputs: is for triggers of the kind manual"),
    ],
)
def test_what_is_wrong_is_said(trigger: dict[str, Any], said: str) -> None:
    with pytest.raises(DocumentFaults) as caught:
        parse_document({"relay": 1, "name": "F", "trigger": {"kind": "schedule", **trigger}, "steps": []})

    assert said in str(caught.value)
