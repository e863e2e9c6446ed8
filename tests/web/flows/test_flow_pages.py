"""Tests of the list of flows, and of creating, pausing and deleting one."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import sample_events
from relay.models import Flow, InboxMessage, Run, Workspace
from relay.web.flows import flow_rows
from relay.web.ui import times
from tests.web.conftest import DOCUMENT


def test_a_flow_says_where_it_leads_and_how_it_does(alice: Client, flow: Flow) -> None:
    run = sample_events.send_sample(flow).runs.get()
    Run.objects.filter(pk=run.pk).update(state="failed", due_at=None)

    page = alice.get("/flows/").content.decode()

    assert "Built-in inbox" in page
    assert "1 runs in 24 hours: 1 failed" in page
    assert '<path class="bad"' in page


def test_a_search_by_name(alice: Client, flow: Flow) -> None:
    assert "Orders" in alice.get("/flows/", {"q": "ORD"}).content.decode()
    assert "No flow has this name" in alice.get("/flows/", {"q": "%"}).content.decode()
    assert "<html" not in alice.get("/flows/", {"q": "ord"}, headers={"HX-Request": "true"}).content.decode()


def test_the_list_of_flows_has_a_query_budget(
    alices: tuple[Client, Workspace], flow: Flow, django_assert_max_num_queries: Any
) -> None:
    for number in range(8):
        other = flow_lifecycle.import_document(alices[1], {**DOCUMENT, "name": f"Flow {number}"}, publish_it=True)
        sample_events.send_sample(other)

    with django_assert_max_num_queries(11):
        alices[0].get("/flows/")


def test_an_empty_workspace_offers_the_next_step(alice: Client) -> None:
    page = alice.get("/flows/").content.decode()

    assert "Your flows will be here" in page
    assert reverse("new-flow") in page


def test_bars_are_stacked_and_fill_the_height() -> None:
    bars = flow_rows.draw({100: Counter(good=6, bad=2), 99: Counter(rest=4)}, newest=100)

    assert [(bar.x, bar.tone, bar.y, bar.height) for bar in bars] == [
        (92, "good", 7.0, 21.0),
        (92, "bad", 0.0, 7.0),
        (88, "rest", 14.0, 14.0),
    ]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ({"name": "  New order  "}, "New order"),
        ({"document": json.dumps(DOCUMENT)}, "Orders"),
        ({"document": "relay: 1\nname: Yaml\ntrigger: {kind: webhook}\nsteps: []\n"}, "Yaml"),
        ({"name": "x" * 5_000}, "x" * 200),
    ],
)
def test_a_new_flow(alice: Client, sent: dict[str, str], name: str) -> None:
    answer = alice.post("/flows/new/", sent)

    flow = Flow.objects.get()
    assert answer["Location"] == f"/flows/{flow.pk}/"
    assert flow.name == name


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({}, "Give the flow a name"),
        ({"document": "{"}, "1"),
        (
            {"document": '{"relay": 1, "name": "x", "trigger": {"kind": "webhook"}, "steps": [{"kind": "what"}]}'},
            "steps[0]",
        ),
        ({"document": "[" * 50_000}, "deep"),
    ],
)
def test_an_invalid_document_is_refused(alice: Client, sent: dict[str, str], message: str) -> None:
    answer = alice.post("/flows/new/", sent)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not Flow.objects.exists()


def test_pausing_holds_and_resuming_releases(alice: Client, flow: Flow) -> None:
    alice.post(f"/flows/{flow.pk}/switch/", {"to": "paused"})
    run = sample_events.send_sample(flow).runs.get()

    assert run.state == "held"
    assert "1 held" in alice.get("/flows/").content.decode()
    assert run.ref in alice.get("/inbox/held/").content.decode()

    confirmation = alice.post(f"/flows/{flow.pk}/switch/", {"to": "live"}, follow=True)
    answer = alice.post(f"/flows/{flow.pk}/resume/", {"do": "all"}, follow=True)

    run.refresh_from_db()
    assert "1 run is held because the flow is paused" in confirmation.content.decode()
    assert run.state == "queued"
    assert "1 held run is queued" in answer.content.decode()


def test_a_flow_is_removed_only_by_its_name(alice: Client, flow: Flow) -> None:
    alice.post(f"/flows/{flow.pk}/delete/", {"sure": "Order"})
    assert Flow.objects.exists()

    alice.post(f"/flows/{flow.pk}/delete/", {"sure": "Orders"})

    assert not Flow.objects.exists()


def test_the_inbox_shows_messages_by_channel(alices: tuple[Client, Workspace], flow: Flow) -> None:
    alice, workspace = alices
    for channel in ("orders", "alarms"):
        text = f"<b>to {channel}</b>"
        InboxMessage.objects.create(workspace=workspace, run_id=1, channel=channel, text=text, created_at=times.now())

    everything = alice.get("/inbox/").content.decode()
    orders = alice.get("/inbox/", {"channel": "orders"}).content.decode()

    assert "&lt;b&gt;to alarms&lt;/b&gt;" in everything
    assert "to alarms" not in orders
    assert "to orders" in orders


def test_the_inbox_is_sent_only_if_it_changed(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    message = InboxMessage.objects.create(
        workspace=workspace, run_id=1, channel="a", text="first", created_at=times.now()
    )
    from relay import ids

    headers = {"HX-Request": "true"}
    assert alice.get("/inbox/", {"seen": ids.text(message.pk)}, headers=headers).status_code == 204
    assert alice.get("/inbox/", {"seen": ""}, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("trigger", "source"),
    [
        ({"kind": "webhook"}, "Webhook"),
        ({"kind": "webhook", "preset": "stripe"}, "Stripe"),
        ({"kind": "schedule", "every": "1h"}, "Schedule"),
        ({"kind": "manual"}, "By hand"),
        ({"kind": []}, "Webhook"),
        ([], "Webhook"),
    ],
)
def test_the_list_says_what_starts_a_flow(trigger: Any, source: str) -> None:
    assert flow_rows.route(Flow(draft={"trigger": trigger, "steps": []})) == [source]
