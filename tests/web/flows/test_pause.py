"""Tests that resuming asks what to do with the held runs, without JavaScript too."""

from __future__ import annotations

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import sample_events
from relay.models import Flow, Run, Workspace


@pytest.fixture
def paused(flow: Flow) -> Flow:
    """Alice's flow, which holds three runs."""
    flow_lifecycle.pause(flow)
    for _ in range(3):
        sample_events.send_sample(flow)
    return flow


def test_it_asks(alice: Client, paused: Flow) -> None:
    answer = alice.post(f"/flows/{paused.pk}/switch/", {"to": "live", "back": "flow"})

    page = alice.get(answer["Location"]).content.decode()
    assert answer["Location"] == f"/flows/{paused.pk}/resume/?back=flow"
    assert "3 runs are held because the flow is paused" in page
    assert all(f'value="{do}"' in page for do in ("all", "pace", "discard"))
    assert Flow.objects.get(pk=paused.pk).paused


def test_it_does_not_ask_where_nothing_is_held(alice: Client, flow: Flow) -> None:
    flow_lifecycle.pause(flow)

    answer = alice.post(f"/flows/{flow.pk}/switch/", {"to": "live"})

    assert answer["Location"] == "/flows/"
    assert not Flow.objects.get(pk=flow.pk).paused


@pytest.mark.parametrize(
    ("sent", "message", "state", "back"),
    [
        ({"do": "all"}, "3 held runs are queued", "queued", "/flows/"),
        (
            {"do": "pace", "per_minute": "6", "back": "held"},
            "3 held runs are released, 6 a minute",
            "queued",
            "/inbox/",
        ),
        ({"do": "discard", "back": "flow"}, "3 held runs are discarded", "cancelled", "/flows/"),
    ],
)
def test_the_chosen_action_is_executed(
    alice: Client, paused: Flow, sent: dict[str, str], message: str, state: str, back: str
) -> None:
    answer = alice.post(f"/flows/{paused.pk}/resume/", sent, follow=True)

    assert message in answer.content.decode()
    assert answer.redirect_chain[0][0].startswith(back)
    assert set(Run.objects.values_list("state", flat=True)) == {state}
    assert not Flow.objects.get(pk=paused.pk).paused


@pytest.mark.parametrize(
    "sent",
    [{}, {"do": "burn"}, {"do": "pace", "per_minute": "0"}, {"do": "pace", "per_minute": "²"}, {"do": "pace"}],
)
def test_an_invalid_choice_changes_nothing(alice: Client, paused: Flow, sent: dict[str, str]) -> None:
    answer = alice.post(f"/flows/{paused.pk}/resume/", sent)

    assert answer.status_code == 422
    assert 'role="alert"' in answer.content.decode()
    assert Flow.objects.get(pk=paused.pk).paused
    assert set(Run.objects.values_list("state", flat=True)) == {"held"}


def test_the_inbox_leads_there_for_what_a_pause_holds(alice: Client, paused: Flow) -> None:
    other = Run.objects.order_by("id")[0]
    Run.objects.filter(pk=other.pk).update(held_by="destination", reason="It keeps failing")

    page = alice.get("/inbox/held/").content.decode()

    assert "2 held because the flow is paused" in page
    assert f"/flows/{paused.pk}/resume/?back=held" in page
    assert "It keeps failing" in page


def test_a_strangers_flow_stays_paused(bob: Client, paused: Flow, bobs: tuple[Client, Workspace]) -> None:
    answer = bob.post(f"/flows/{paused.pk}/resume/", {"do": "discard"})

    assert answer.status_code == 404
    assert Flow.objects.get(pk=paused.pk).paused
