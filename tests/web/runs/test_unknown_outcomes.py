"""Tests that a person decides a run with an unknown outcome on its page."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from relay.engine.intake import sample_events
from relay.engine.walk.unknown_outcomes import UNKNOWN
from relay.models import Flow, Run, RunState


@pytest.fixture
def run(flow: Flow) -> Run:
    run = sample_events.send_sample(flow).runs.get()
    Run.objects.filter(pk=run.pk).update(
        state=RunState.HELD, held_by="unknown", reason=UNKNOWN, due_at=None, marked_step="tell"
    )
    return run


def test_the_page_asks(alice: Client, run: Run) -> None:
    page = alice.get(f"/runs/{run.ref}/").content.decode()

    assert "It was done" in page
    assert "Send again" in page
    assert "Release</button>" not in page


def test_the_page_says_when_the_service_is_asked(alice: Client, run: Run) -> None:
    without = alice.get(f"/runs/{run.ref}/").content.decode()
    Run.objects.filter(pk=run.pk).update(due_at=timezone.now() + timedelta(seconds=30))

    page = alice.get(f"/runs/{run.ref}/").content.decode()

    assert "Relay asks the service itself" in page
    assert "Relay asks" not in without
    assert "Release it" not in page


@pytest.mark.parametrize(("do", "steps"), [("it-was-done", ["tell"]), ("send-again", [])])
def test_a_person_decides(alice: Client, run: Run, do: str, steps: list[str]) -> None:
    alice.post(f"/runs/{run.ref}/act/", {"do": do})

    run.refresh_from_db()
    assert (run.state, run.held_by, run.marked_step) == (RunState.QUEUED, "", "")
    assert [entry["id"] for entry in run.steps] == steps


def test_it_is_not_released_with_others(alice: Client, run: Run) -> None:
    answer = alice.post(f"/runs/{run.ref}/act/", {"do": "release"}, follow=True)

    run.refresh_from_db()
    assert run.state == RunState.HELD
    assert "action is unknown" in answer.content.decode()
