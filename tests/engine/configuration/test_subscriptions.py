"""Tests webhooks that Relay makes at senders: making, finding, storing and removing them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from relay.engine.configuration import (
    connections,
    flow_lifecycle,
    subscription_offers,
    subscription_renewal,
    subscriptions,
    trigger_secrets,
)
from relay.errors import RelayError
from relay.models import AuditEntry, Connection, Flow, SubscriptionState, TriggerSubscription, Workspace
from tests.support import service_double, webhook_service
from tests.support.service_double import answer
from tests.support.webhook_service import ASANA, BOARD, CALENDLY, GITHUB, SHOPIFY, STRIPE, TRELLO, WebhookService

INPUTS: dict[str, dict[str, Any]] = {
    "trello": {"board_id": BOARD},
    "github": {"repository": "acme/shop", "events": ["push", "issues"]},
    "asana": {"workspace": "1204619611402200", "project": "1204619611402300"},
    "stripe": {"events": ["invoice.paid", "charge.refunded"]},
    "shopify": {"topic": "ORDERS_CREATE"},
    "calendly": {"scope": "user", "events": ["invitee.created"]},
}
VALUES = {
    "trello": TRELLO,
    "github": GITHUB,
    "asana": ASANA,
    "stripe": STRIPE,
    "shopify": SHOPIFY,
    "calendly": CALENDLY,
}


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> WebhookService:
    return webhook_service.in_place_of_all(httpserver, settings)


@pytest.fixture
def flow(workspace: Workspace) -> Callable[[str], Flow]:
    def make(preset: str) -> Flow:
        document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "preset": preset}, "steps": []}
        return flow_lifecycle.create_flow(workspace, document)

    return make


def connection(workspace: Workspace, key: str) -> Connection:
    return service_double.connect(workspace, key, key.title(), **VALUES[key])


def connected(flow: Flow, key: str, **options: Any) -> TriggerSubscription:
    return subscriptions.connect(flow, connection(flow.workspace, key), INPUTS[key], **options)


@pytest.mark.parametrize("key", list(VALUES))
def test_connect_and_disconnect(service: WebhookService, flow: Callable[[str], Flow], key: str) -> None:
    one = flow(key)

    row = connected(one, key, labels={"board_id": "Orders"})

    assert row.state == SubscriptionState.CONNECTED
    assert [row.webhook_id.rpartition("/")[2]] == list(service.hooks)
    assert one.trigger.url.encode() not in bytes(row.sealed)
    assert row.due_at is row.ends_at is None
    assert key != "trello" or row.about == "Board: Orders"
    assert AuditEntry.objects.filter(verb="flow.connected").count() == 1

    subscriptions.disconnect(one)

    assert service.hooks == {}
    assert not TriggerSubscription.objects.exists()
    assert not one.trigger.secrets.exists()
    assert AuditEntry.objects.filter(verb="flow.disconnected").count() == 1


def test_a_connection_lists_the_triggers_that_use_it(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    mine, gone = flow("trello"), flow("trello")
    other = Workspace.objects.create(name="Other")
    one = connection(mine.workspace, "trello")
    for each in (mine, gone):
        subscriptions.connect(each, one, INPUTS["trello"])

    flow_lifecycle.delete(gone)

    assert connections.triggers_by_connection(mine.workspace) == {"Trello": [mine]}
    assert connections.triggers_by_connection(other) == {}
    assert connections.used_by(one) == []  # of steps


def test_github_signs_with_a_secret_that_relay_makes(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("github")

    row = connected(one, "github")

    (hook,) = service.hooks.values()
    assert hook["events"] == ["push", "issues"]
    assert hook["config"]["url"] == one.trigger.url
    assert one.trigger.secrets.get().unseal() == {"secret": service.secret}
    assert len(service.secret) > 40
    assert row.secret == one.trigger.secrets.get()
    assert service.secret.encode() not in bytes(row.sealed)


def test_calendly_is_asked_whose_token_it_is(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    mine, all_of_them = flow("calendly"), flow("calendly")
    one = connection(mine.workspace, "calendly")

    subscriptions.connect(mine, one, {"scope": "user", "events": ["invitee.created"]})
    subscriptions.connect(all_of_them, one, {"scope": "organization", "events": ["invitee.canceled"]})

    assert service.calls.count("GET /users/me") == 2  # once for each, before the list
    hooks = {hook["callback_url"]: hook for hook in service.hooks.values()}
    assert (hooks[mine.trigger.url]["scope"], hooks[all_of_them.trigger.url]["scope"]) == ("user", "organization")
    assert all_of_them.trigger.secrets.get().unseal() == {"secret": service.secret}


def test_calendlys_double_refuses_what_calendly_does(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("calendly")
    service.hooks["1"] = {"id": "1", "callback_url": one.trigger.url, "uri": "https://api.calendly.com/x/2"}

    with pytest.raises(RelayError, match="events is invalid"):
        subscriptions.connect(flow("calendly"), connection(one.workspace, "calendly"), {"events": ["booked"]})
    with pytest.raises(RelayError, match="already exists"):  # the list names a webhook that can't be removed
        subscriptions.connect(one, Connection.objects.get(), INPUTS["calendly"])


@pytest.mark.parametrize("body", [None, [], {}, {"resource": None}, {"resource": {"uri": "x"}}])
def test_an_account_that_is_not_said(service: WebhookService, flow: Callable[[str], Flow], body: Any) -> None:
    one = flow("calendly")
    service.faults["GET /users/me"] = answer(body)

    with pytest.raises(RelayError):
        connected(one, "calendly")

    assert (service.hooks, TriggerSubscription.objects.count()) == ({}, 0)
    assert not one.trigger.secrets.exists()


def test_stripe_gives_the_secret(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("stripe")

    row = connected(one, "stripe")

    (hook,) = service.hooks.values()
    assert hook["enabled_events"] == ["invoice.paid", "charge.refunded"]
    assert one.trigger.secrets.get().unseal() == {"secret": "whsec_0123456789abcdef"}
    assert row.secret == one.trigger.secrets.get()
    assert b"whsec_" not in bytes(row.sealed)


def test_a_secret_that_cant_be_stored(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("stripe")
    for number in range(trigger_secrets.MAX_SECRETS):
        trigger_secrets.add(one, {"secret": f"whsec_{number}"})

    with pytest.raises(RelayError, match="may have 10 secrets"):
        connected(one, "stripe")
    assert subscriptions.of_flow(one) is None
    work_all()

    assert (service.hooks, TriggerSubscription.objects.count()) == ({}, 0)


def test_shopify_answers_errors_as_successes(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("shopify")
    connected(one, "shopify")
    service.hooks.clear()
    subscriptions.disconnect(one)
    call = "POST /admin/api/2026-07/graphql.json"
    service.faults[call] = answer({"errors": [{"message": "Access denied"}]})

    with pytest.raises(RelayError, match="has no list of webhooks"):
        subscriptions.connect(one, Connection.objects.get(), INPUTS["shopify"])


def test_what_exists_already_is_kept_or_replaced(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    boards, hooks = flow("trello"), flow("github")
    service.hooks["1"] = {"id": "1", "callbackURL": boards.trigger.url, "idModel": BOARD}
    service.hooks["2"] = {"id": "2", "callbackURL": boards.trigger.url, "idModel": "0" * 24}
    service.hooks["3"] = {"id": "3", "callbackURL": "https://other.example", "idModel": BOARD}
    service.hooks["4"] = {"id": 4, "config": {"url": hooks.trigger.url}}

    row = connected(boards, "trello")
    connected(hooks, "github")

    assert row.webhook_id == "1"
    assert "POST /1/webhooks/" not in service.calls
    assert {"1", "2", "3"} < service.hooks.keys()
    assert "4" not in service.hooks


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (answer({"message": "bad token"}, 401), "Trello refuses the credential"),
        (answer("no", 500), "Trello has a problem of its own"),
        (Response("", 301, {"Location": "http://169.254.169.254/"}), "redirects are not followed"),
        (answer({"name": "no id"}), "doesn't say which webhook"),
        (answer([]), "doesn't say which webhook"),
        (answer({"id": True}), "doesn't say which webhook"),
        (answer({"id": "x" * 501}), "doesn't say which webhook"),
        (answer({"id": "a\nb"}), "doesn't say which webhook"),
    ],
)
def test_a_failure_leaves_nothing(
    service: WebhookService, flow: Callable[[str], Flow], fault: Response, message: str
) -> None:
    one = flow("trello")
    service.faults["POST /1/webhooks/"] = fault

    with pytest.raises(RelayError, match=message):
        connected(one, "trello")

    assert not TriggerSubscription.objects.exists()
    service.faults.clear()
    assert subscriptions.connect(one, Connection.objects.get(), INPUTS["trello"]).webhook_id


def test_a_failure_removes_the_secret_that_was_made(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("github")
    service.faults["POST /repos/acme/shop/hooks"] = answer({"message": f"bad {one.trigger.url}"}, 422)

    with pytest.raises(RelayError) as caught:
        connected(one, "github")

    assert one.trigger.token not in str(caught.value)
    assert not one.trigger.secrets.exists()


def test_an_unknown_outcome_is_removed(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    """The service has made the webhook although its answer is a failure."""
    one = flow("trello")
    calls = iter(([], [{"id": "77", "callbackURL": one.trigger.url, "idModel": BOARD}]))
    service.hooks["77"] = {"id": "77"}
    service._handlers = lambda: {  # type: ignore[method-assign]
        r"GET /1/tokens/\w+/webhooks": lambda _: answer(next(calls)),
        r"DELETE /1/webhooks/(\w+)": service._delete,
        "POST /1/webhooks/": lambda _: answer("away", 502),
    }

    with pytest.raises(RelayError, match="a problem of its own"):
        connected(one, "trello")

    assert service.hooks == {}


def test_who_may_not_be_connected(service: WebhookService, flow: Callable[[str], Flow], workspace: Workspace) -> None:
    one, other = flow("trello"), Workspace.objects.create(name="Other")
    theirs, wrong = connection(other, "trello"), connection(workspace, "github")

    for forbidden in (theirs, wrong):
        with pytest.raises(RelayError, match="Choose a connection to Trello of this workspace"):
            subscriptions.connect(one, forbidden, INPUTS["trello"])
    with pytest.raises(RelayError, match="has no webhook that Relay can make"):
        subscriptions.connect(flow("svix"), theirs, {})

    assert service.calls == []


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "Board is empty"),
        ({"board_id": ""}, "Board is empty"),
        ({"board_id": "../members/me"}, "Board"),
        ({"board_id": "x" * 100_000}, "Board"),
        ({"board_id": [BOARD]}, "Board"),
        ({"board_id": BOARD, "callbackURL": "https://evil.example"}, "There is no input callbackURL"),
    ],
)
def test_hostile_inputs(
    service: WebhookService, flow: Callable[[str], Flow], inputs: dict[str, Any], message: str
) -> None:
    one = flow("trello")

    with pytest.raises(RelayError, match=message):
        subscriptions.connect(one, connection(one.workspace, "trello"), inputs)

    assert service.calls == []
    assert not TriggerSubscription.objects.exists()


def test_the_live_version_has_to_expect_the_sender(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("svix")
    flow_lifecycle.publish(one)
    flow_lifecycle.save_draft(one, {**one.draft, "trigger": {"kind": "webhook", "preset": "trello"}})

    with pytest.raises(RelayError, match="Publish the flow first"):
        connected(one, "trello")

    flow_lifecycle.save_draft(
        one, {**one.draft, "trigger": {"kind": "webhook", "preset": "trello", "verify": {"scheme": "none"}}}
    )
    with pytest.raises(RelayError, match="Let the trigger be verified as Trello"):
        subscriptions.connect(one, Connection.objects.get(), INPUTS["trello"])
    assert service.calls == []


def test_one_webhook_for_each_trigger(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("trello")
    row = connected(one, "trello")

    with pytest.raises(RelayError, match="connected already"):
        subscriptions.connect(one, Connection.objects.get(), INPUTS["trello"])

    TriggerSubscription.objects.update(state=SubscriptionState.CONNECTING, due_at=row.made_at + timedelta(hours=1))
    with pytest.raises(RelayError, match="being connected already"):
        subscriptions.connect(one, Connection.objects.get(), INPUTS["trello"])
    with pytest.raises(RelayError, match="being connected already"):
        subscriptions.disconnect(one)

    # Its process has died: the lease has ended.
    TriggerSubscription.objects.update(due_at=row.made_at - timedelta(hours=1))
    again = subscriptions.connect(one, Connection.objects.get(), INPUTS["trello"])
    assert (again.state, len(service.hooks)) == (SubscriptionState.CONNECTED, 1)


def test_a_service_that_does_not_remove_it(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("trello")
    row = connected(one, "trello")
    service.faults[f"DELETE /1/webhooks/{row.webhook_id}"] = answer("no", 500)

    with pytest.raises(RelayError, match="a problem of its own"):
        subscriptions.disconnect(one)
    assert subscriptions.of_flow(one) == row

    subscriptions.disconnect(one, forget=True)
    assert subscriptions.of_flow(one) is None
    assert len(service.hooks) == 1
    with pytest.raises(RelayError, match="isn't connected"):
        subscriptions.disconnect(one)


def test_a_webhook_that_is_gone_is_disconnected(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("trello")
    connected(one, "trello")
    service.hooks.clear()

    subscriptions.disconnect(one)

    assert subscriptions.of_flow(one) is None


def test_it_is_removed_after_its_flow(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("github")
    row = connected(one, "github")
    service.faults[f"DELETE /repos/acme/shop/hooks/{row.webhook_id}"] = answer("no", 500)
    with pytest.raises(RelayError, match="disconnect that trigger first"):
        connections.remove(Connection.objects.get())

    flow_lifecycle.delete(one)

    work_all()
    left = TriggerSubscription.objects.get()
    assert (left.state, left.faults, left.trigger) == (SubscriptionState.LEAVING, 1, None)
    assert "a problem of its own" in left.error
    assert subscription_renewal.due(10) == []

    service.faults.clear()
    TriggerSubscription.objects.update(due_at=left.made_at)
    work_all()
    assert (service.hooks, TriggerSubscription.objects.count()) == ({}, 0)


def test_a_webhook_that_cant_be_removed_is_given_up(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("trello")
    row = connected(one, "trello")
    service.faults[f"DELETE /1/webhooks/{row.webhook_id}"] = answer("no", 500)
    flow_lifecycle.delete(one)
    TriggerSubscription.objects.update(faults=subscription_renewal.MAX_REMOVAL_TRIES - 1)

    work_all()

    assert not TriggerSubscription.objects.exists()
    entry = AuditEntry.objects.get(verb="webhook.left")
    assert entry.thing_id == row.webhook_id
    assert "could not be removed" in entry.change


def work_all() -> None:
    for one in subscription_renewal.due(10):
        lease = subscription_renewal.take(one)
        assert lease is not None
        assert subscription_renewal.take(one) is None
        subscription_renewal.work(lease)


def test_a_handshake_secret_is_replaced(service: WebhookService, flow: Callable[[str], Flow]) -> None:
    one = flow("asana")
    trigger_secrets.accept_handshake_secret(one.pk, "asana", "former-secret", part="secret")

    connected(one, "asana")

    assert not one.trigger.secrets.exists()


@pytest.mark.parametrize(
    ("origin", "is_unreachable"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("https://192.168.1.5", True),
        ("https://relay", True),
        ("https://relay.example.com", False),
        ("https://8.8.8.8", False),
    ],
)
def test_who_cant_be_reached(settings: Any, origin: str, is_unreachable: bool) -> None:
    settings.PUBLIC_URL, settings.INGEST_URL = origin, ""
    assert (origin in subscription_offers.unreachable_reason()) is is_unreachable

    settings.PUBLIC_URL, settings.INGEST_URL = "https://relay.example.com", origin
    assert (origin in subscription_offers.unreachable_reason()) is is_unreachable
