"""A whole Relay makes webhooks: the handshake arrives while the call is open, and events that follow are verified."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from pytest_httpserver import HTTPServer

from tests.support import connecting, webhook_service
from tests.support.running import Relay, wait_until
from tests.support.webhook_service import (
    ASANA,
    BOARD,
    CALENDLY,
    GITHUB,
    GRAPH_TOKENS,
    HOOK_SECRET,
    TRELLO,
    WebhookService,
)

pytestmark = pytest.mark.exhaustive  # it takes long

CONNECTIONS = {"trello": TRELLO, "github": GITHUB, "asana": ASANA, "calendly": CALENDLY}


@pytest.fixture
def service(httpserver: HTTPServer) -> WebhookService:
    double = WebhookService()
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(double)
    return double


@pytest.fixture
def relay(prepared: Path, service: WebhookService, httpserver: HTTPServer) -> Iterator[Relay]:
    urls = json.dumps(dict.fromkeys(webhook_service.ORIGINS, httpserver.url_for("").rstrip("/")))
    relay = Relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_CONNECTOR_URLS=urls).with_account(prepared)
    try:
        service.reach = relay.start().url
        for key, values in CONNECTIONS.items():
            relay.command("connection", "set", key, key, given=json.dumps(values))
        connecting.give_tokens(relay, "microsoft_graph", "microsoft_graph", GRAPH_TOKENS)
        for key in (*CONNECTIONS, "microsoft_graph"):
            document = {"relay": 1, "name": f"From {key}", "trigger": {"kind": "webhook", "preset": key}, "steps": []}
            relay.command("import", "-", given=json.dumps(document))
        yield relay
    finally:
        relay.remove()


def connect(relay: Relay, key: str, **inputs: str) -> str:
    words = [word for name, value in inputs.items() for word in ("--input", f"{name}={value}")]
    return relay.command("subscription", "connect", f"From {key}", key, *words)


def listed(relay: Relay) -> dict[str, Any]:
    return {row["sender"]: row for row in relay.json("subscription", "list", "--json")}


def test_webhooks_of_a_whole_relay(relay: Relay, service: WebhookService) -> None:
    said = connect(relay, "trello", board_id=BOARD)
    assert f"can't reach {relay.url}" in said
    assert f"From trello is connected to Trello (Board: {BOARD})." in said
    assert service.handshakes == [200]

    connect(relay, "asana", workspace="1204619611402200", project="1204619611402300")
    assert service.handshakes == [200, 200]
    target = next(hook["target"] for hook in service.hooks.values() if "target" in hook)
    body = b'{"events": [{"action": "changed"}]}'
    signature = hmac.new(HOOK_SECRET.encode(), body, hashlib.sha256).hexdigest()
    assert send(relay, target, body, {"X-Hook-Signature": signature}) == 200
    assert send(relay, target, body, {"X-Hook-Signature": signature[::-1]}) == 401

    connect(relay, "github", repository="acme/shop", events="push,issues")
    url = next(hook["config"]["url"] for hook in service.hooks.values() if "config" in hook)
    signed = hmac.new(service.secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-GitHub-Event": "ping", "X-Hub-Signature-256": f"sha256={signed}"}
    assert send(relay, url, body, headers) == 200

    connect(relay, "calendly", events="invitee.created")
    url = next(hook["callback_url"] for hook in service.hooks.values() if "callback_url" in hook)
    stamp = str(int(time.time()))
    signed = hmac.new(service.secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert send(relay, url, body, {"Calendly-Webhook-Signature": f"t={stamp},v1={signed}"}) == 202
    assert send(relay, url, body, {"Calendly-Webhook-Signature": f"t={stamp},v1={signed[::-1]}"}) == 401

    connect(relay, "microsoft_graph", about="all mail")
    assert service.handshakes == [200, 200, 200]
    url = next(hook["notificationUrl"] for hook in service.hooks.values() if "notificationUrl" in hook)
    told = {"changeType": "created", "resource": "Users/1/Messages/2", "clientState": service.secret}
    assert send(relay, url, json.dumps({"value": [told]}).encode(), {}) == 202
    # One wrong state among several is enough.
    forged = {"value": [told, {**told, "clientState": "guessed"}]}
    assert send(relay, url, json.dumps(forged).encode(), {}) == 401

    rows = listed(relay)
    assert {key: row["state"] for key, row in rows.items()} == dict.fromkeys(
        (*CONNECTIONS, "microsoft_graph"), "connected"
    )
    assert rows["microsoft_graph"]["ends"] > rows["microsoft_graph"]["since"]
    assert service.secret not in json.dumps(rows) + relay.log
    assert url.rpartition("/")[2] not in json.dumps(rows) + relay.log

    relay.command("subscription", "disconnect", "From trello")
    assert list(listed(relay)) == ["asana", "calendly", "github", "microsoft_graph"]
    assert not any("callbackURL" in hook for hook in service.hooks.values())
    remove_flow(relay, "From github")
    wait_until(lambda: not any("config" in hook for hook in service.hooks.values()), what="upkeep removes the webhook")


def send(relay: Relay, url: str, body: bytes, headers: dict[str, str]) -> int:
    address = f"{relay.url}/in/{url.rpartition('/')[2]}"
    return requests.post(address, body, headers={"Content-Type": "application/json", **headers}, timeout=10).status_code


def remove_flow(relay: Relay, name: str) -> None:
    """As a person does on the page."""
    from tests.support.running import EMAIL, PASSWORD

    person = requests.Session()
    token = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
    page = person.get(f"{relay.url}/sign-in/", timeout=10)
    form = {"login": EMAIL, "password": PASSWORD, "csrfmiddlewaretoken": token.findall(page.text)[0]}
    page = person.post(page.url, form, headers={"Referer": page.url}, timeout=10)
    flow = next(row for row in relay.json("flows", "--json") if row["name"] == name)
    page = person.get(f"{relay.url}/flows/{flow['flow']}/", timeout=10)
    form = {"csrfmiddlewaretoken": token.findall(page.text)[0], "sure": name}
    gone = person.post(f"{relay.url}/flows/{flow['flow']}/delete/", form, headers={"Referer": page.url}, timeout=10)
    assert gone.ok, gone.text
