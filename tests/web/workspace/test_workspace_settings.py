"""Tests of the page of the workspace: retention, time zone and storage."""

from __future__ import annotations

import pytest
from django.test import Client

from relay.engine.intake import sample_events
from relay.models import Flow, Workspace
from tests.support.browsing import collapsed


def test_it_says_how_much_is_stored(alice: Client, flow: Flow) -> None:
    sample_events.send_sample(flow)

    page = collapsed(alice.get("/workspace/"))

    assert "1 event, 1 run, 0 attempts and 0 files" in page
    assert 'value="30"' in page


@pytest.mark.parametrize(("days", "kept"), [("7", 7), ("0", 0), ("3650", 3650), (" 14 ", 14)])
def test_days_are_kept(alices: tuple[Client, Workspace], days: str, kept: int) -> None:
    alice, workspace = alices

    answer = alice.post("/workspace/", {"days": days})

    workspace.refresh_from_db()
    assert answer.status_code == 302
    assert workspace.retention_days == kept


@pytest.mark.parametrize("days", ["", "-1", "3651", "soon", "1.5", "²", "9" * 50])
def test_invalid_days_are_refused(alices: tuple[Client, Workspace], days: str) -> None:
    alice, workspace = alices

    answer = alice.post("/workspace/", {"days": days})

    workspace.refresh_from_db()
    assert answer.status_code == 422
    assert "Write a number of days" in answer.content.decode()
    assert workspace.retention_days == 30


@pytest.mark.parametrize(("zone", "status", "kept"), [("Europe/Paris", 302, "Europe/Paris"), ("Mars", 422, "UTC")])
def test_a_workspace_has_a_time_zone(alices: tuple[Client, Workspace], zone: str, status: int, kept: str) -> None:
    alice, workspace = alices

    answer = alice.post("/workspace/", {"days": "30", "timezone": zone})

    workspace.refresh_from_db()
    assert (answer.status_code, workspace.timezone) == (status, kept)
