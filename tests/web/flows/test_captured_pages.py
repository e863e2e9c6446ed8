"""Tests of captured events: each can be opened, kept as a sample, and run."""

from __future__ import annotations

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import sample_events
from relay.models import Event, Flow, Membership, Role, Run, User, Workspace
from tests.web.conftest import DOCUMENT


@pytest.fixture
def captured(alices: tuple[Client, Workspace]) -> Event:
    """An event that a draft received."""
    flow = flow_lifecycle.create_flow(alices[1], DOCUMENT)
    return sample_events.send_sample(flow, b'{"id": "HELD-11", "total": 30, "note": "<b>"}')


def test_the_list_names_events_by_their_first_values(alice: Client, captured: Event) -> None:
    page = alice.get("/inbox/captured/").content.decode()

    assert "id: HELD-11 · total: 30 · note: &lt;b&gt;" in page
    assert f"/inbox/captured/{captured.ref}/" in page


def test_an_event_is_opened_and_becomes_a_sample(alice: Client, captured: Event) -> None:
    page = alice.get(f"/inbox/captured/{captured.ref}/").content.decode()
    assert "HELD-11" in page
    assert "Run it now" not in page  # the flow is a draft

    answer = alice.post(f"/inbox/captured/{captured.ref}/", {"do": "sample"}, follow=True)

    assert captured.flow.samples.get().event["body"] == captured.body.decode()
    assert "was added to the samples of Orders" in answer.content.decode()


def test_an_event_is_run_after_a_question(alice: Client, captured: Event) -> None:
    flow_lifecycle.publish(captured.flow)
    address = f"/inbox/captured/{captured.ref}/"

    asked = alice.post(address, {"do": "run"}).content.decode()
    assert "Run this event now?" in asked
    assert not Run.objects.exists()
    page = alice.post(address, {"do": "run", "sure": "1"}, follow=True).content.decode()

    assert "this is its run" in page
    assert bytes(Run.objects.get().event.body) == bytes(captured.body)


@pytest.mark.parametrize(("do", "message"), [("run", "flow is a draft"), ("", "Choose what"), ("x", "Choose what")])
def test_what_cannot_be_done_is_said(alice: Client, captured: Event, do: str, message: str) -> None:
    page = alice.post(f"/inbox/captured/{captured.ref}/", {"do": do, "sure": "1"}, follow=True).content.decode()

    assert message in page
    assert not Run.objects.exists()


def test_events_that_ran_and_those_of_others_are_not_found(
    alice: Client, bob: Client, flow: Flow, captured: Event
) -> None:
    ran = sample_events.send_sample(flow)

    assert alice.get(f"/inbox/captured/{ran.ref}/").status_code == 404
    assert bob.get(f"/inbox/captured/{captured.ref}/").status_code == 404
    assert bob.post(f"/inbox/captured/{captured.ref}/", {"do": "sample"}).status_code == 404


def test_a_viewer_sees_the_event_and_no_buttons(alice: Client, captured: Event) -> None:
    Membership.objects.filter(user=User.objects.get(email="alice@example.com")).update(role=Role.VIEWER)

    page = alice.get(f"/inbox/captured/{captured.ref}/").content.decode()

    assert "HELD-11" in page
    assert "Use as sample" not in page
