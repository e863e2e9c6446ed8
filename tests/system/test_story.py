"""One order arrives at the URL of a real Relay, and Slack and Trello get exactly the right requests."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.running import Relay, wait_until

KEY, TOKEN = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"
SECRET_PATH = "/services/T000/B000/XXXXXXXXXXXXXXXXXXXXXXXX"
ORDER = {"id": 1001, "total": "149.90", "currency": "EUR", "customer": {"name": 'Ada "the Countess" Lovelace'}}
FLOW = {
    "relay": 1,
    "name": "Big orders",
    "title": "Order #{{ event.body.id }}",
    "trigger": {"kind": "webhook"},
    "steps": [
        {
            "id": "big",
            "kind": "filter",
            "when": {"all": [{"left": "{{ event.body.total | float }}", "op": "greater_than", "right": 100}]},
        },
        {
            "id": "tell",
            "kind": "action",
            "action": "slack.post_message",
            "connection": "Team Slack",
            "inputs": {
                "text": "Order #{{ event.body.id }} from {{ event.body.customer.name }}: {{ event.body.total }}"
            },
        },
        {
            "id": "card",
            "kind": "action",
            "action": "trello.create_card",
            "connection": "Our Trello",
            "inputs": {"list_id": "5abbe4b7ddc1b351ef961414", "name": "Pack order {{ event.body.id }}"},
        },
    ],
}


@pytest.fixture
def services(httpserver: HTTPServer) -> HTTPServer:
    """Slack and Trello, as one local server."""
    httpserver.expect_request(SECRET_PATH, method="POST").respond_with_data("ok", content_type="text/html")
    card = {"id": "65f", "url": "https://trello.com/c/x/1", "shortUrl": "https://trello.com/c/x"}
    httpserver.expect_request("/1/cards", method="POST").respond_with_json(card)
    return httpserver


@pytest.fixture(scope="module")
def relay(make_httpserver: HTTPServer, prepared: Path) -> Iterator[Relay]:
    """A Relay set up without a browser, whose Slack and Trello are this machine."""
    origin = make_httpserver.url_for("").rstrip("/")
    urls = {"https://hooks.slack.com": origin, "https://api.trello.com": origin}
    relay = Relay(RELAY_CONNECTOR_URLS=json.dumps(urls), RELAY_ALLOWED_NETWORKS="127.0.0.0/8")
    try:
        relay.with_account(prepared).start()
        slack = {"webhook_url": f"https://hooks.slack.com{SECRET_PATH}"}
        relay.command("connection", "set", "Team Slack", "slack", given=json.dumps(slack))
        relay.command("connection", "set", "Our Trello", "trello", given=json.dumps({"key": KEY, "token": TOKEN}))
        yield relay
    finally:
        relay.remove()


@pytest.fixture
def flow(relay: Relay) -> dict[str, Any]:
    """The flow, live, as `relay import` prints it."""
    return dict(relay.json("import", "-", "--publish", given=json.dumps(FLOW)))


def post(url: str, order: dict[str, Any]) -> tuple[int, dict[str, str]]:
    request = urllib.request.Request(url, json.dumps(order).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.status, json.loads(answer.read())


def received(services: HTTPServer, path: str) -> list[Request]:
    return [request for request, _ in services.log if request.path == path]


def ended(relay: Relay, flow: dict[str, Any], count: int = 1) -> list[dict[str, Any]]:
    """Return the runs of a flow, newest first, once the given number have ended."""

    def look() -> list[dict[str, Any]] | None:
        runs = relay.json("runs", "--flow", str(flow["flow"]), "--json")
        return runs if len([run for run in runs if run["finished"]]) == count else None

    return list(wait_until(look))


def test_an_order_reaches_slack_and_trello(relay: Relay, services: HTTPServer, flow: dict[str, Any]) -> None:
    assert flow["live"] is True
    assert flow["url"].startswith(f"{relay.url}/in/")

    status, answer = post(flow["url"], ORDER)

    assert status == 202
    (run,) = ended(relay, flow)
    assert run["event"] == answer["event"]
    assert run["state"] == "succeeded"
    assert run["title"] == "Order #1001"
    (slack,) = received(services, SECRET_PATH)
    assert slack.json == {"text": 'Order #1001 from Ada "the Countess" Lovelace: 149.90'}
    assert slack.query_string == b""
    (trello,) = received(services, "/1/cards")
    assert trello.args.to_dict() == {"key": KEY, "token": TOKEN}
    assert trello.json == {"idList": "5abbe4b7ddc1b351ef961414", "name": "Pack order 1001", "pos": "bottom"}
    keys = [request.headers["Idempotency-Key"] for request in (slack, trello)]
    assert all(run["run"] in key for key in keys)
    assert len(set(keys)) == 2

    again = relay.json("replay", run["run"], "--json")

    newest, _ = ended(relay, flow, 2)
    assert newest["run"] == again["run"]
    assert newest["replay_of"] == run["run"]
    assert len(received(services, SECRET_PATH)) == 2
    assert received(services, SECRET_PATH)[1].headers["Idempotency-Key"] not in keys


def test_a_small_order_is_filtered(relay: Relay, services: HTTPServer, flow: dict[str, Any]) -> None:
    post(flow["url"], {**ORDER, "total": "99.90"})

    assert ended(relay, flow)[0]["state"] == "filtered"
    assert services.log == []


def test_no_secret_is_in_the_clear_in_the_folder_or_the_log(
    relay: Relay, services: HTTPServer, flow: dict[str, Any]
) -> None:
    post(flow["url"], ORDER)
    ended(relay, flow)

    relay.stop()
    relay.start("--port", relay.url.rpartition(":")[2])

    kept = b"".join(path.read_bytes() for path in relay.folder.parent.rglob("*") if path.is_file())
    assert b"Pack order 1001" in kept  # what was sent is there
    for secret in (KEY, TOKEN, SECRET_PATH, flow["url"].rpartition("/")[2]):
        assert secret.encode() not in kept


def test_what_was_acknowledged_survives_a_kill_of_everything(
    relay: Relay, services: HTTPServer, flow: dict[str, Any]
) -> None:
    for number in range(20):
        post(flow["url"], {**ORDER, "id": number})

    relay.kill()
    relay.start("--port", relay.url.rpartition(":")[2])

    runs = ended(relay, flow, 20)
    assert {run["state"] for run in runs} == {"succeeded"}
    names = {request.json["name"] for request in received(services, "/1/cards")}
    assert names == {f"Pack order {number}" for number in range(20)}


def test_a_failing_service_is_tried_again(relay: Relay, services: HTTPServer) -> None:
    hurry = {**FLOW["steps"][1], "retry": {"delays": ["1s", "1s"]}}
    flow = relay.json("import", "-", "--publish", given=json.dumps({**FLOW, "steps": [hurry]}))
    services.clear()
    services.expect_ordered_request(SECRET_PATH).respond_with_response(Response(status=503))
    services.expect_ordered_request(SECRET_PATH).respond_with_data("ok")

    post(flow["url"], ORDER)

    assert ended(relay, flow)[0]["state"] == "succeeded"
    first, second = received(services, SECRET_PATH)
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"]
