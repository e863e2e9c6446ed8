"""A person connects Google Sheets by clicks, from the registered client to a row that arrives, and disconnects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Page, Route, expect

from tests.support.authorization_server import CLIENT_ID, CLIENT_SECRET, AuthorizationServer
from tests.support.running import Relay, wait_until

pytestmark = pytest.mark.exhaustive  # it takes long

SERVICE = "https://accounts.google.com"
SCOPES = {
    "openid",
    "https://www.googleapis.com/auth/spreadsheets",
    "https://www.googleapis.com/auth/userinfo.email",
}
STEP = {
    "id": "add",
    "kind": "action",
    "action": "google_sheets.append_row",
    "connection": "Books",
    "inputs": {"spreadsheet": "abc", "range": "Orders!A1", "values": ["{{ event.body.id }}", "paid"]},
}
FLOW = {"relay": 1, "name": "Orders to a sheet", "trigger": {"kind": "webhook"}, "steps": [STEP]}


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as running:
        running.scopes, running.client_in = SCOPES, {"body"}
        yield running


@pytest.fixture
def relay(server: AuthorizationServer, start_relay: Callable[..., Relay]) -> Relay:
    origins = ("https://oauth2.googleapis.com", "https://sheets.googleapis.com")
    urls = json.dumps(dict.fromkeys(origins, server.url))
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_CONNECTOR_URLS=urls)
    server.redirects = {f"{relay.url}/connections/authorized/"}
    return relay


def answer_as_google(page: Page, server: AuthorizationServer) -> None:
    """Let the local server answer what the browser asks Google; the addresses stay Google's."""

    def answer(route: Route) -> None:
        path = route.request.url.removeprefix(f"{SERVICE}/o/oauth2/v2/auth")
        given = requests.get(f"{server.url}/authorize{path}", allow_redirects=False, timeout=5)
        headers = {name: given.headers[name] for name in ("Content-Type", "Location") if name in given.headers}
        route.fulfill(status=given.status_code, headers=headers, body=given.text)

    page.route(f"{SERVICE}/**", answer)


@pytest.mark.browser
def test_connecting_by_clicks(page: Page, relay: Relay, server: AuthorizationServer) -> None:
    answer_as_google(page, server)
    page.goto(relay.setup_url)
    page.get_by_label("E-mail address").fill("ada@example.com")
    page.get_by_label("Password").fill("correct horse battery")
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()

    _add(page, relay)
    _enter_the_client(page, relay)
    _decline(page, relay)
    _allow(page)
    url = relay.json("import", "-", "--publish", given=json.dumps(FLOW))["url"]
    requests.post(url, json={"id": "1001"}, timeout=10)
    wait_until(lambda: server.told, what="the row has arrived")
    _disconnect(page)
    requests.post(url, json={"id": "1002"}, timeout=10)
    wait_until(lambda: relay.json("runs", "--json")[0]["state"] == "held", what="the run is held")
    _reconnect(page)
    wait_until(lambda: len(server.told) == 2, what="the held run has continued")

    assert json.loads(server.told[1])["values"] == [["1002", "paid"]]
    assert len(server.revoked) == 1


def _add(page: Page, relay: Relay) -> None:
    page.goto(f"{relay.url}/connections/new/")
    page.get_by_role("link", name="Google Sheets").click()
    page.get_by_label("Name").fill("Books")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Not connected yet")).to_be_visible()
    expect(page.get_by_text("see, change, create and delete your spreadsheets")).to_be_visible()


def _enter_the_client(page: Page, relay: Relay) -> None:
    page.get_by_role("link", name="Register a client").click()
    expect(page.locator("#redirect")).to_have_text(f"{relay.url}/connections/authorized/")
    page.get_by_label("Client id").fill(CLIENT_ID)
    page.get_by_label("Client secret").fill(CLIENT_SECRET)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was saved. Its secret is stored encrypted")).to_be_visible()
    page.get_by_role("link", name="Connect Books").click()


def _decline(page: Page, relay: Relay) -> None:
    page.get_by_role("button", name="Connect to Google Sheets").click()
    page.get_by_role("link", name="Deny").click()
    expect(page.get_by_text("the permission was declined")).to_be_visible()
    assert page.url.startswith(relay.url)


def _allow(page: Page) -> None:
    page.get_by_role("button", name="Connect to Google Sheets").click()
    expect(page.get_by_role("heading", name="Allow Relay?")).to_be_visible()
    page.get_by_role("link", name="Allow").click()
    expect(page.get_by_text("Runs that waited for it continue")).to_be_visible()
    expect(page.get_by_text("Connected as ada@example.com")).to_be_visible()
    assert "code=" not in page.url


def _disconnect(page: Page) -> None:
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("Not connected yet")).to_be_visible()


def _reconnect(page: Page) -> None:
    page.get_by_role("button", name="Connect to Google Sheets").click()
    page.get_by_role("link", name="Allow").click()
    expect(page.get_by_text("Runs that waited for it continue")).to_be_visible()
