"""Tests the renewal of webhooks that end: in time, under a lease, in threads, with an issue if it fails."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.connectors import registry
from relay.connectors.definition import Call, Connector, Field, HeaderAuth, Preset, Reply, Subscription
from relay.engine.alerts import alerts, issues
from relay.engine.configuration import flow_lifecycle, subscription_renewal, subscriptions
from relay.engine.database import statements
from relay.engine.settle.issue_counting import ALERT_DELAY
from relay.engine.upkeep.subscriptions import SubscriptionThreads
from relay.errors import RelayError
from relay.models import AuditEntry, Connection, Flow, Issue, SubscriptionState, TriggerSubscription, Workspace
from relay.signatures import Scheme, Signature
from tests.support import service_double, webhook_service
from tests.support.running import wait_until
from tests.support.service_double import answer
from tests.support.webhook_service import WebhookService

pytestmark = pytest.mark.django_db(transaction=True)

DAYS = 86_400
BRIEF = Connector(
    key="brief",
    label="Brief",
    connection=(Field("token", "Token", required=True, secret=True),),
    hosts=("api.brief.example",),
    base_url="https://api.brief.example",
    auth=HeaderAuth("X-Token", "{{ connection.token }}"),
    reply=Reply(error="message", refused=(401,)),
    presets=(
        Preset(
            key="brief",
            label="Brief",
            body_types=("json",),
            verify=Scheme(kind="hmac", signature=Signature("header:x-signature", "hex")),
            subscription=Subscription(
                subscribe=Call("subscribe", "Make", "POST", "/hooks", json={"url": "{{ url }}", "until": "{{ ends }}"}),
                unsubscribe=Call(
                    "remove", "Remove", "DELETE", "/hooks/{{ subscription.id | urlencode }}", absent=(404,)
                ),
                renew=Call(
                    "renew",
                    "Renew",
                    "PATCH",
                    "/hooks/{{ subscription.id | urlencode }}",
                    json={"until": "{{ ends }}"},
                    absent=(404,),
                ),
                existing=Call("hooks", "List", url="/hooks"),
                id="hook.id",
                rows="hooks",
                match="{{ row.url == url }}",
                makes_secret=True,
                lifetime=4 * DAYS,
            ),
        ),
    ),
)


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any, monkeypatch: pytest.MonkeyPatch) -> WebhookService:
    monkeypatch.setitem(registry._connectors(), "brief", BRIEF)
    monkeypatch.setitem(registry.presets(), "brief", (BRIEF, BRIEF.presets[0]))
    return webhook_service.in_place_of_all(httpserver, settings)


@pytest.fixture
def flow(workspace: Workspace, service: WebhookService) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "preset": "brief"}, "steps": []}
    flow = flow_lifecycle.create_flow(workspace, document)
    subscriptions.connect(flow, service_double.connect(workspace, "brief", "Brief"), {})
    return flow


def row() -> TriggerSubscription:
    return TriggerSubscription.objects.get()


def make_due() -> None:
    TriggerSubscription.objects.update(due_at=timezone.now() - timedelta(seconds=1))


def upkeep() -> None:
    threads = SubscriptionThreads()
    threads.tick()
    threads.wait(20)


def test_it_is_renewed_at_three_quarters(flow: Flow, service: WebhookService) -> None:
    made = row()
    assert made.ends_at is not None
    assert abs((made.ends_at - timezone.now()).total_seconds() - 4 * DAYS) < 60
    assert abs((made.due_at - timezone.now()).total_seconds() - 3 * DAYS) < 60
    upkeep()
    assert not any(call.startswith("PATCH") for call in service.calls)
    TriggerSubscription.objects.update(ends_at=timezone.now())
    make_due()

    upkeep()

    renewed = row()
    assert renewed.webhook_id == made.webhook_id
    assert abs((renewed.ends_at - timezone.now()).total_seconds() - 4 * DAYS) < 60
    assert service.hooks[made.webhook_id]["until"] == f"{renewed.ends_at:%Y-%m-%dT%H:%M:%SZ}"
    assert renewed.renewed_at is not None
    assert subscription_renewal.due(10) == []


@pytest.fixture
def graph(workspace: Workspace, service: WebhookService) -> Flow:
    document = {"relay": 1, "name": "G", "trigger": {"kind": "webhook", "preset": "microsoft_graph"}, "steps": []}
    flow = flow_lifecycle.create_flow(workspace, document)
    subscriptions.connect(flow, webhook_service.graph_connection(workspace), {"about": "calendar"})
    return flow


def test_a_subscription_of_graph_is_renewed(graph: Flow, service: WebhookService) -> None:
    made = row()
    (hook,) = service.hooks.values()
    assert (hook["resource"], hook["changeType"]) == ("me/events", "created")
    assert graph.trigger.secrets.get().unseal() == {"secret": service.secret}
    assert made.ends_at is not None
    assert abs((made.ends_at - timezone.now()).total_seconds() - 252_000) < 60
    assert abs((made.due_at - timezone.now()).total_seconds() - 189_000) < 60
    TriggerSubscription.objects.update(ends_at=timezone.now())
    make_due()

    upkeep()

    renewed = row()
    assert renewed.webhook_id == made.webhook_id
    assert f"PATCH /v1.0/subscriptions/{made.webhook_id}" in service.calls
    assert hook["expirationDateTime"] == f"{renewed.ends_at:%Y-%m-%dT%H:%M:%SZ}"

    service.hooks.clear()  # its end has passed before Relay could renew it
    make_due()
    upkeep()
    assert [row().webhook_id] == list(service.hooks)
    assert graph.trigger.secrets.get().unseal() == {"secret": service.secret}


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        (lambda now: (now + timedelta(hours=2)).isoformat(), 7_200),
        (lambda now: (now + timedelta(days=900)).isoformat(), 4 * DAYS),
        (lambda now: (now - timedelta(days=1)).isoformat(), 1_200),
        (lambda now: "9999-12-31T23:59:59.9999999Z", 4 * DAYS),
        (lambda now: "2026-01-31T12:00:00", 4 * DAYS),  # without an offset
        (lambda now: "soon", 4 * DAYS),
        (lambda now: 1e300, 4 * DAYS),
        (lambda now: {"at": 1}, 4 * DAYS),
        (lambda now: None, 4 * DAYS),
    ],
)
def test_an_earlier_end_that_the_service_says_counts(
    flow: Flow, service: WebhookService, monkeypatch: pytest.MonkeyPatch, said: Any, seconds: int
) -> None:
    (preset,) = BRIEF.presets
    ending = replace(preset, subscription=replace(preset.subscription, ends="end"))
    monkeypatch.setitem(registry.presets(), "brief", (BRIEF, ending))
    service.faults[f"PATCH /hooks/{row().webhook_id}"] = answer({"end": said(timezone.now())})
    make_due()

    upkeep()

    assert abs((row().ends_at - timezone.now()).total_seconds() - seconds) < 60
    assert abs((row().due_at - timezone.now()).total_seconds() - seconds * 0.75) < 60


def test_one_that_is_gone_is_made_again(flow: Flow, service: WebhookService) -> None:
    service.hooks.clear()
    secret = flow.trigger.secrets.get()
    make_due()

    upkeep()

    assert [row().webhook_id] == list(service.hooks)
    assert row().state == SubscriptionState.CONNECTED
    assert flow.trigger.secrets.get() == secret


def test_a_failure_becomes_an_issue_and_is_tried_again(flow: Flow, service: WebhookService) -> None:
    call = f"PATCH /hooks/{row().webhook_id}"
    service.faults[call] = answer({"message": f"no such token {service_double.SECRET}"}, 401)
    for faults in (1, 2):
        make_due()
        upkeep()
        failing = row()
        assert (failing.state, failing.faults) == (SubscriptionState.FAILING, faults)
        assert failing.due_at > timezone.now() + timedelta(seconds=50 * faults)

    issue = Issue.objects.get()
    assert issue.cause.startswith("The webhook can't be renewed: Brief refuses the credential")
    assert (issue.kind, issue.count, issue.state, issue.run_ref) == ("webhook", 2, "open", "")
    assert issue.alert_at is not None
    assert service_double.SECRET not in issue.reason + issue.cause + failing.error
    assert alerts.send_due(statements.now() + 2 * ALERT_DELAY) == 1
    assert Issue.objects.get().alerted_at is not None
    Issue.objects.update(last_at=1, alert_at=None)
    assert issues.resolve_finished(statements.now()) == 0

    service.faults.clear()
    make_due()
    upkeep()

    assert (row().state, row().faults, row().error) == (SubscriptionState.CONNECTED, 0, "")
    assert Issue.objects.get().state == "resolved"


def test_a_connection_that_is_gone(flow: Flow) -> None:
    Connection.objects.all().delete()
    make_due()

    upkeep()

    assert "doesn't exist any more" in row().error


def test_a_slow_service_does_not_delay_upkeep(flow: Flow, service: WebhookService) -> None:
    going, made = threading.Event(), row()

    def slow(_request: Request, made_id: str) -> Response:
        going.wait(20)
        return answer({"id": made_id})

    service._renew = slow  # type: ignore[method-assign]
    make_due()
    threads = SubscriptionThreads()
    began = time.monotonic()

    threads.tick()
    assert time.monotonic() - began < 5
    wait_until(lambda: any(call.startswith("PATCH") for call in service.calls))
    # Disconnected meanwhile, and what the renewal stores then is nothing.
    subscriptions.disconnect(flow, forget=True)
    going.set()
    threads.wait(20)

    assert not TriggerSubscription.objects.exists()
    assert service.hooks[made.webhook_id]
    assert AuditEntry.objects.filter(verb="flow.disconnected").count() == 1


def test_a_flow_that_is_removed_while_it_is_connected(flow: Flow, service: WebhookService) -> None:
    subscriptions.disconnect(flow)
    make_hook = service._brief

    def slow(request: Request) -> Response:
        flow_lifecycle.delete(Flow.objects.get())
        connection.close()
        return make_hook(request)

    service._brief = slow  # type: ignore[method-assign]
    with pytest.raises(RelayError, match="was removed meanwhile"):
        subscriptions.connect(flow, Connection.objects.get(), {})
    assert len(service.hooks) == 1

    upkeep()
    assert (service.hooks, TriggerSubscription.objects.count()) == ({}, 0)


def test_a_process_that_died_while_it_connected(flow: Flow, service: WebhookService) -> None:
    TriggerSubscription.objects.update(webhook_id="", state=SubscriptionState.CONNECTING)
    flow_lifecycle.delete(flow)
    make_due()

    upkeep()

    assert (service.hooks, TriggerSubscription.objects.count()) == ({}, 0)


def test_few_of_one_workspace_at_once(flow: Flow, workspace: Workspace) -> None:
    threads = SubscriptionThreads()
    waiting = threading.Event()

    def wait() -> None:
        waiting.wait(20)

    for _ in range(2):
        threads._threads.start(workspace.pk, wait)
    make_due()

    threads.start()
    assert len(subscription_renewal.due(10)) == 1

    waiting.set()
    threads.wait(20)
    threads.start()
    threads.wait(20)
    assert subscription_renewal.due(10) == []
    assert row().renewed_at is not None
