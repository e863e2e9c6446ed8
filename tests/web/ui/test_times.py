"""Tests of the reader's time zone, which a cookie names."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.utils import timezone

from relay.engine.intake import sample_events
from relay.models import Event, Flow, Run
from relay.search import filters
from relay.templatetags.web import local_times
from relay.web.ui import times


@pytest.mark.parametrize(
    "name",
    ["", "UTC", "../../etc/passwd", "/etc/passwd", "Europe", "Europe/Nowhere", "a" * 500, "Europe/Berlin\0", "é"],
)
def test_what_is_no_zone_is_utc(name: str) -> None:
    assert str(times.zone(name)) == "UTC"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Waits until 2026-11-29 16:21:59 UTC.", "Waits until 2026-11-29 17:21:59 CET."),
        ("2026-07-29T15:31:38+00:00", "2026-07-29 17:31:38 CEST"),
        ("2026-07-29T15:31:38.123Z", "2026-07-29 17:31:38 CEST"),
        ("2026-13-29 16:21:59 UTC", "2026-13-29 16:21:59 UTC"),
        ("order 2026-11-29", "order 2026-11-29"),
    ],
)
def test_times_in_sentences_are_in_the_readers_zone(text: str, shown: str) -> None:
    with timezone.override("Europe/Berlin"):
        assert local_times(text) == shown


def test_a_page_writes_times_in_the_readers_zone(alice: Client, flow: Flow) -> None:
    run = sample_events.send_sample(flow).runs.get()
    Event.objects.update(received_at=datetime(2026, 1, 31, 23, 30, tzinfo=UTC))
    Run.objects.update(state="waiting", reason="Waits at “delay” until 2026-02-01 08:00:00 UTC")
    alice.cookies["zone"] = "Asia/Tokyo"

    page = alice.get(f"/runs/{run.ref}/").content.decode()

    assert "2026-02-01 08:30:00 JST" in page
    assert "until 2026-02-01 17:00:00 JST" in page


def test_days_of_filters_are_days_of_the_reader() -> None:
    for zone, since, until in [
        ("UTC", datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)),
        ("America/New_York", datetime(2026, 3, 1, 5, tzinfo=UTC), datetime(2026, 3, 2, 5, tzinfo=UTC)),
    ]:
        with timezone.override(zone):
            chosen = times.day_range("2026-03-01", "2026-03-01")
        first, end = filters.bounds(chosen)
        assert [times.created_at(number) for number in (first, end)] == [since, until]


@pytest.mark.parametrize(
    "text", ["", "x", "2026-03-01T00:00:00", "0001-01-01T00:00:00+23:59", "9999-12-31", "2026-3-1"]
)
def test_other_texts_are_no_days(text: str) -> None:
    first, end = filters.bounds({"since": text, "until": text})

    assert first >= 0
    assert end > 0
