"""A separate host for flows' URLs, with a real `relay up`: the responses of each host over HTTP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.support.running import Relay

pytestmark = pytest.mark.exhaustive  # it takes long

HOOKS = "https://hooks.example.com"
HEADERS = {"X-Shop": "Acme", "Content-Type": "text/html"}


@pytest.fixture(scope="module")
def relay(prepared: Path) -> Iterator[Relay]:
    """One whose flows' URLs have a host of their own."""
    running = Relay(RELAY_INGEST_URL=f"{HOOKS}/").with_account(prepared)
    try:
        yield running.start()
    finally:
        running.remove()


def test_flows_have_a_host_of_their_own(relay: Relay) -> None:
    trigger = {"kind": "webhook", "response": {"status": 200, "headers": HEADERS, "body": "<p>"}}
    document = json.dumps({"relay": 1, "name": "F", "trigger": trigger, "steps": []})

    url = relay.json("import", "-", "--publish", given=document)["url"]
    place = f"{relay.url}{urlsplit(url).path}"
    answers = {
        host: requests.post(place, json={}, headers={"Host": host}, timeout=10)
        for host in ("hooks.example.com", "Hooks.Example.com.:8443", "localhost", "elsewhere.example")
    }
    pages = {
        host: requests.get(f"{relay.url}/sign-in/", headers={"Host": host}, timeout=10).status_code
        for host in ("hooks.example.com", "localhost", "elsewhere.example")
    }
    health = requests.get(f"{relay.url}/health/", headers={"Host": "hooks.example.com"}, timeout=10)

    assert url.startswith(f"{HOOKS}/in/")
    assert {(answer.status_code, answer.text) for answer in answers.values()} == {(200, "<p>")}
    kinds = [(answer.headers.get("X-Shop"), answer.headers["Content-Type"]) for answer in answers.values()]
    assert kinds == [("Acme", "text/html")] * 2 + [(None, "text/plain; charset=utf-8")] * 2
    assert pages == {"hooks.example.com": 404, "localhost": 200, "elsewhere.example": 400}
    assert health.status_code == 200


def test_a_command_beside_it_tells_the_same_urls(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(relay.env, "RELAY_INGEST_URL")

    flows = relay.json("flows", "--json")

    assert flows
    assert [flow["url"] for flow in flows if not flow["url"].startswith(f"{HOOKS}/in/")] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Location", "{url}/account/"),  # only a command beside `relay up` knows this origin
        pytest.param("NEL", "{}", marks=pytest.mark.exhaustive),
        pytest.param("Report-To", "{}", marks=pytest.mark.exhaustive),
        pytest.param("Location", "//localhost/account/", marks=pytest.mark.exhaustive),
        pytest.param("X-Foo\r\nNEL", "{}", marks=pytest.mark.exhaustive),
    ],
)
def test_an_attack_on_the_origin_of_the_pages_is_refused_when_it_is_saved(
    shared_relay: Relay, name: str, value: str
) -> None:
    headers = {name: value.replace("{url}", shared_relay.url)}
    trigger = {"kind": "webhook", "response": {"status": 303, "headers": headers}}
    respond = {"id": "say", "kind": "respond", "status": 303, "headers": headers}
    documents = [
        {"relay": 1, "name": "F", "trigger": trigger, "steps": []},
        {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [respond]},
    ]

    said = [shared_relay.run(["import", "-", "--publish"], given=json.dumps(one)) for one in documents]

    assert [one.returncode for one in said] == [1, 1]
    assert ["trigger.response.headers" in said[0].stderr, "steps[0].headers" in said[1].stderr] == [True, True]
