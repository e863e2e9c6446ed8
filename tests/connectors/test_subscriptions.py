"""Tests the calls of all subscriptions: their names, their hosts, and the published descriptions of services."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from relay.connectors import registry, request_builder
from relay.connectors.calls import as_action
from relay.connectors.conformance import samples
from relay.connectors.credential_scope import template_texts
from relay.connectors.definition import Call, Connector, Preset, Subscription
from relay.connectors.request_builder import RelayHeaders
from relay.engine.service_calls import webhook
from relay.engine.walk import action_request
from relay.engine.walk.action_inputs import Inputs
from relay.errors import ValueRefused
from relay.templating import names
from tests.connectors.conformance import descriptions

URL = "https://relay.example.com/in/7vTnmCVbJxsa0yZ3lqgGkQ2WbPzXhE5d"
NAMES = {"url": URL, "secret": "made-by-relay-0123456789", "ends": "2026-02-03T12:00:00Z"}
ALL = [
    pytest.param(connector, preset, preset.subscription, id=key)
    for key, (connector, preset) in registry.presets().items()
    if preset.subscription is not None
]


def calls(subscription: Subscription) -> Iterator[Call]:
    yield subscription.subscribe
    yield subscription.unsubscribe
    yield from filter(None, (subscription.renew, subscription.existing))
    yield from subscription.before


def made(connector: Connector, subscription: Subscription, call: Call) -> action_request.ActionRequest:
    inputs: dict[str, Any] = samples.inputs_of(subscription.inputs)
    answers = {one.key: {"body": one.example, "status": 200} for one in subscription.before}
    known = {**NAMES, "subscription": {"id": "5abbe4b7ddc1b351ef961499"}, "calls": answers}
    return action_request.make(
        connector,
        as_action(call, subscription.inputs),
        Inputs(inputs, inputs),
        samples.connection_of(connector),
        key="relay-1",
        onward=RelayHeaders(1),
        names=Inputs(known, known),
    )


@pytest.mark.parametrize(("connector", "preset", "subscription"), ALL)
def test_requests(connector: Connector, preset: Preset, subscription: Subscription) -> None:
    secrets = request_builder.secrets_of(connector, samples.connection_of(connector))
    for call in calls(subscription):
        request = made(connector, subscription, call)
        assert urlsplit(request.request.url).scheme == "https"
        assert not [secret for secret in secrets if secret in request.record()]

    sent = made(connector, subscription, subscription.subscribe).request
    body = (sent.body or b"").decode()
    assert urlsplit(URL).netloc in body + sent.url
    assert ("made-by-relay" in body) is subscription.makes_secret


@pytest.mark.parametrize(("connector", "preset", "subscription"), ALL)
def test_records(connector: Connector, preset: Preset, subscription: Subscription) -> None:
    assert webhook.coerced(subscription, samples.inputs_of(subscription.inputs))
    assert subscription.docs.startswith("https://")
    assert not (subscription.makes_secret or subscription.secret) or len(preset.secret) == 1
    keys = {f"inputs.{one.key}" for one in subscription.inputs}
    assert all(call.example for call in subscription.before)
    for call in calls(subscription):
        texts = template_texts((call.url, call.headers, call.query, call.json, call.body))
        used = {name for text in texts for name in names(text)}
        assert not {name for name in used if name.startswith("inputs.")} - keys
    for one in subscription.inputs:
        assert one.label
        assert not one.source or connector.source(one.source), one.source


def test_published_descriptions() -> None:
    """Each call that a published description has is as that describes it."""
    descriptions.published_or_skip()
    checked = set()
    for connector, preset in registry.presets().values():
        for call in calls(preset.subscription) if preset.subscription else ():
            request = made(connector, preset.subscription, call).request
            operation = descriptions.operation_of(connector, request)
            if operation is not None and operation.description.is_published:
                assert descriptions.faults(connector, request, operation) == []
                checked.add(f"{preset.key}.{call.key}")

    assert checked == {"trello.subscribe", "calendly.subscribe", "calendly.me"}


def test_graph_is_asked_for_what_a_person_chose() -> None:
    connector, preset = registry.presets()["microsoft_graph"]
    calls_ = preset.subscription
    assert calls_ is not None

    def body(**inputs: Any) -> dict[str, Any]:
        values = webhook.coerced(calls_, inputs)
        request = action_request.make(
            connector,
            as_action(calls_.subscribe, calls_.inputs),
            Inputs(values, values),
            samples.connection_of(connector),
            key="relay-1",
            onward=RelayHeaders(1),
            names=Inputs(NAMES, NAMES),
        )
        sent: dict[str, Any] = json.loads(request.request.body or b"")
        return sent

    inbox = body(about="mail in the inbox", changes=["created", "deleted"])
    assert (inbox["resource"], inbox["changeType"]) == ("me/mailFolders('inbox')/messages", "created,deleted")
    assert body(about="OneDrive")["changeType"] == "updated"
    assert body(about="another resource", resource="/chats/1/messages")["resource"] == "/chats/1/messages"
    with pytest.raises(ValueRefused, match="Resource is empty"):
        body(about="another resource")
