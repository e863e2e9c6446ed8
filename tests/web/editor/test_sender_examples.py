"""Tests that the editor, the page of samples and a dry run offer examples of the trigger's sender."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from relay.models import Event, Flow
from tests.support.browsing import collapsed


@pytest.fixture
def live(flow: Flow) -> Flow:
    """A live flow whose draft receives events of GitHub."""
    flow.draft = flow.draft | {"trigger": {"kind": "webhook", "preset": "github"}}
    flow.save(update_fields=["draft"])
    return flow


@pytest.fixture
def github(live: Flow) -> Flow:
    """The same flow, which was never published."""
    live.live_version = None
    live.save(update_fields=["live_version"])
    return live


def edit(client: Client, flow: Flow, do: str) -> str:
    data = {"step": "trigger", "form": "1", "do": do, "sender": "github"}
    return collapsed(client.post(reverse("edit-flow", args=(flow.pk,)), data, follow=True))


def test_the_trigger_offers_the_examples_of_its_sender(alice: Client, github: Flow) -> None:
    page = collapsed(alice.get(reverse("flow", args=(github.pk,)), {"step": "trigger"}))

    assert "Send an example from GitHub" in page
    assert 'value="sample example github.0"' in page


def test_an_example_arrives_with_its_headers(alice: Client, github: Flow) -> None:
    page = edit(alice, github, "sample example github.0")

    event = Event.objects.get(flow=github)
    assert "because the flow is a draft" in page
    assert event.headers["x-github-event"] == "push"
    assert b'"refs/heads/main"' in bytes(event.body)


def test_a_live_flow_asks_first_and_then_sends_the_example(alice: Client, live: Flow) -> None:
    asked = edit(alice, live, "sample example github.1")
    before = Event.objects.filter(flow=live).count()
    edit(alice, live, "sample now")

    assert 'value="sample now"' in asked
    assert before == 0
    assert Event.objects.get(flow=live).headers["x-github-event"] == "issues"


@pytest.mark.parametrize("wanted", ["github.99", "github", "", "../../catalog/github.0", "nobody.0", "github.-1"])
def test_an_example_that_is_not_there_is_refused(alice: Client, github: Flow, wanted: str) -> None:
    assert "no such example" in edit(alice, github, f"sample example {wanted}")
    assert Event.objects.filter(flow=github).count() == 0


def test_an_example_becomes_a_sample(alice: Client, github: Flow) -> None:
    address = reverse("samples", args=(github.pk,))

    page = collapsed(alice.get(address))
    alice.post(address, {"name": "A push", "event": "example:github.0"})

    assert '<option value="example:github.0">GitHub: Push</option>' in page
    assert github.samples.get().event["headers"]["x-github-event"] == "push"
    refused = alice.post(address, {"name": "B", "event": "example:nobody.0"})
    assert "no such example" in refused.content.decode()


def test_a_flow_without_a_sender_has_no_examples(alice: Client, flow: Flow) -> None:
    assert "Send an example" not in collapsed(alice.get(reverse("flow", args=(flow.pk,)), {"step": "trigger"}))
