"""Tests that outlines equal the sent requests of every action, with masks in place of secrets."""

from __future__ import annotations

import re
from typing import Any

import pytest

from relay import redaction
from relay.connectors import chains, registry, request_builder, status_checks
from relay.connectors.conformance.samples import names_of
from relay.connectors.definition import Action, Connector
from relay.connectors.masked_request import outline, shown_connection, sketch
from relay.errors import RequestRefused, ValueRefused
from relay.masking import MASK
from relay.outbound import Request, check_url
from tests.connectors.test_catalogue import HTTP_ACTIONS, SECRETS, samples
from tests.support.examples import of_each_service

NOW = 1_700_000_000.0
HTTP = registry.find("http.request")
URL = "https://example.com/a"


def record(request: Request, *secrets: str) -> dict[str, Any]:
    return redaction.request_record(request, secrets)


def of_http(**inputs: Any) -> dict[str, Any]:
    return record(outline(*HTTP, {"url": URL, **inputs}, None, key="k", now=NOW))


def every(action: Action) -> list[Action]:
    """The requests of an action: its calls, and its own."""
    return [*(chains.call_action(action, call) for call in action.before), action]


def _bounded(stored: dict[str, Any]) -> str:
    """A record with the same boundary of its form as others."""
    return re.sub("relay-[0-9a-f]{32}", "BOUNDARY", str(stored))


@pytest.mark.parametrize(("connector", "action"), of_each_service(HTTP_ACTIONS))
def test_an_outline_is_the_request_with_masks(connector: Connector, action: Action) -> None:
    """Where no encoder does anything to the secrets, both ways to mask them give the same."""
    connection = SECRETS.get(connector.key)
    public, secrets = shown_connection(connector, connection), request_builder.secrets_of(connector, connection)
    names = names_of(action)
    for one in (*every(action), *([status_checks.inquiry_action(action)] if action.inquiry else [])):
        sent = request_builder.build(connector, one, samples(one), connection, key="k", now=NOW, names=names)

        shown = outline(connector, one, samples(one), public, key="k", now=NOW, names=names)

        assert _bounded(record(shown)) == _bounded(record(sent, *secrets))
        assert not [secret for secret in secrets if secret in repr(shown)]


@pytest.mark.parametrize(("connector", "action"), of_each_service(HTTP_ACTIONS))
@pytest.mark.parametrize("value", [MASK, f"a{MASK}"])
def test_a_mask_may_stand_in_any_input(connector: Connector, action: Action, value: Any) -> None:
    """Also where a number, a choice or JSON has to be."""
    public = shown_connection(connector, SECRETS.get(connector.key))
    for field in action.inputs:
        inputs = {**samples(action, without=field.excludes), field.key: value}

        names = names_of(action)
        outlines = [outline(connector, one, inputs, public, key="k", names=names) for one in every(action)]
        sketches = [sketch(connector, one, inputs, key="k", names=names) for one in every(action)]
        for shown in (outlines, sketches):
            assert any(MASK in "".join(map(str, record(one).values())) for one in shown), field.key


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"https://example.com/x/{MASK}/y", f"https://example.com/x/{MASK}/y"),
        (f"https://example.com/x?a={MASK}&b=ä", f"https://example.com/x?a={MASK}&b=%C3%A4"),
        (f"https://{MASK}.example.com/a/../b", f"https://{MASK}.example.com/b"),
        (f"https://EXAMPLE.com/{MASK}#part", f"https://example.com/{MASK}"),
        (f"https://example.com:{MASK}/x", f"https://example.com:{MASK}/x"),
        (f"https://ada:{MASK}@example.com/", f"https://ada:{MASK}@example.com/"),
        (f"{MASK}://example.com/", f"{MASK}://example.com/"),
        (f"{MASK}/x", f"{MASK}/x"),
        (MASK, MASK),
    ],
)
def test_a_url_is_shown_as_it_is_called(url: str, shown: str) -> None:
    assert of_http(url=url)["url"] == shown


@pytest.mark.parametrize(
    ("inputs", "part", "shown"),
    [
        ({"method": MASK}, "method", MASK),
        ({"query": {"a": [MASK, "b c"], MASK: 1}}, "url", f"{URL}?a={MASK}&a=b+c&{MASK}=1"),
        ({"query": MASK}, "url", f"{URL}?{MASK}={MASK}"),
        ({"body": {"json": {"a": [MASK, 1]}}}, "body", f'{{"a":["{MASK}",1]}}'),
        ({"body": {"json": MASK}}, "body", f'"{MASK}"'),
        ({"body": {"form": {"a b": MASK}}}, "body", f"a+b={MASK}"),
        ({"body": {"form": MASK}}, "body", f"{MASK}={MASK}"),
        ({"body": f'{{"text": "x {MASK}"}}'}, "body", f"x {MASK}"),
        ({"body": MASK}, "body", MASK),
    ],
)
def test_a_part_is_shown_around_the_mask(inputs: dict[str, Any], part: str, shown: str) -> None:
    assert of_http(**inputs)[part] == shown


def test_headers_are_shown_around_the_mask() -> None:
    headers = of_http(headers={"X-One": f"a {MASK}", MASK: "b"})["headers"]

    assert headers["X-One"] == f"a {MASK}"
    assert headers[MASK] == "b"
    assert of_http(headers=MASK)["headers"] == {"Idempotency-Key": "k", MASK: MASK, "Relay-Hops": "1"}


@pytest.mark.parametrize(
    "inputs",
    [
        {"url": f"ftp://example.com/{MASK}"},
        {"url": f"https:///{MASK}"},
        {"method": "FETCH", "headers": {"X": MASK}},
        {"headers": {"Host": MASK}},
        {"body": {"jason": 1}, "headers": {"X": MASK}},
        {"sign": "standard-webhooks", "headers": {"X": MASK}},
    ],
)
def test_what_is_wrong_whatever_the_secret_is_is_refused(inputs: dict[str, Any]) -> None:
    with pytest.raises(RequestRefused):
        of_http(**inputs)


def test_credentials_that_would_go_elsewhere_are_refused() -> None:
    connector, action = registry.find("zendesk.create_ticket")
    public = {**SECRETS["zendesk"], "token": MASK, "subdomain": "evil.example/x"}

    with pytest.raises(RequestRefused):
        outline(connector, action, samples(action), public, key="k")


@pytest.mark.parametrize(
    "connector", [one for one in registry.list_connectors() if one.connection], ids=lambda one: one.key
)
def test_of_a_connection_only_what_is_no_secret_is_shown(connector: Connector) -> None:
    values = {one.key: f"value of {one.key}" for one in connector.connection} | {"unknown": "value"}

    auth = connector.oauth
    values |= dict.fromkeys(auth.public_keys if auth else (), "https://acme.example")
    tokens = auth.own_keys if auth and not auth.is_replaced(values) else ()

    shown = shown_connection(connector, values)

    assert shown == {
        # The tokens of OAuth, which no person enters, and what the service has said with them.
        **dict.fromkeys(tokens, MASK),
        **dict.fromkeys(auth.public_keys if auth else (), "https://acme.example"),
        **{one.key: MASK if one.secret else values[one.key] for one in connector.connection},
        "unknown": MASK,
    }


@pytest.mark.parametrize(
    "url",
    [
        "canary",
        "canary://x/",
        "https://canary^canary/",
        "https://canary canary/",
        "https://a:canary@example.com/",
        "https://example.com:canary/",
        "https://[canary]/",
        "https://xn--canary/",
        "https://0xcanary.1/",
        f"https://example.com/{'canary' * 2000}",
    ],
)
def test_what_is_said_of_a_wrong_url_has_nothing_of_it(url: str) -> None:
    with pytest.raises(ValueRefused) as caught:
        check_url(url)

    assert "canary" not in str(caught.value)
