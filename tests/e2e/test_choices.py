"""Choices from a service, in a real browser: loaded, picked, saved, and loaded again when the board changes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from pytest_httpserver import HTTPServer

from tests.e2e.test_first_flow import EMAIL, PASSWORD
from tests.support.running import Relay
from tests.support.service_double import TRELLO, ServiceDouble, answer

pytestmark = pytest.mark.exhaustive  # it takes long

BOARDS = [{"id": f"{number}" * 24, "name": name} for number, name in ((1, "Orders"), (2, "<b>Returns</b>"))]
INPUTS = {"list_id": "0" * 24, "name": "x"}
STEP = {"id": "card", "kind": "action", "action": "trello.create_card", "connection": "Trello", "inputs": INPUTS}
DOCUMENT: dict[str, Any] = {"relay": 1, "name": "Cards", "trigger": {"kind": "webhook"}, "steps": [STEP]}


@pytest.fixture
def service(httpserver: HTTPServer) -> ServiceDouble:
    double = ServiceDouble(httpserver)
    double.answers["/1/members/me"] = answer({"fullName": "relay-bot"})
    double.answers["/1/members/me/boards"] = answer(BOARDS)
    for board, name in ((1, "Doing"), (2, "Arrived")):
        double.answers[f"/1/boards/{str(board) * 24}/lists"] = answer([{"id": f"{board + 2}" * 24, "name": name}])
    return double


@pytest.fixture
def editor(page: Page, start_relay: Callable[..., Relay], service: ServiceDouble) -> Page:
    """The editor with an action of Trello open."""
    urls = json.dumps({"https://api.trello.com": service.origin})
    relay = start_relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_CONNECTOR_URLS=urls)
    relay.command("user", "add", EMAIL, given=f"{PASSWORD}\n")
    relay.command("connection", "set", "Trello", "trello", given=json.dumps(TRELLO))
    assert relay.command("connection", "test", "Trello") == "Connected to Trello as relay-bot.\n"
    flow = json.loads(relay.command("import", "-", given=json.dumps(DOCUMENT)))["flow"]
    page.goto(f"{relay.url}/flows/{flow}/?step=card")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Trello: Create a card")).to_be_visible()
    return page


def pick(editor: Page, field: str, label: str) -> None:
    """Pick a choice, and wait for the preview: one that is replaced by the next is an error in the console."""
    with editor.expect_response(re.compile("/preview/$")):
        editor.get_by_label(f"Choices for {field}").select_option(label=label)


@pytest.mark.browser
def test_choices_are_picked_and_reloaded(editor: Page) -> None:
    board, list_ = editor.get_by_label("Board", exact=False).first, editor.locator("#f-in-list-id")
    editor.get_by_role("button", name="Load choices for List").click()
    expect(editor.get_by_text("Choose Board first")).to_be_visible()

    editor.get_by_role("button", name="Load choices for Board").click()
    expect(editor.get_by_role("button", name="Reload for Board")).to_be_focused()
    pick(editor, "Board", "Orders")

    expect(board).to_have_value("1" * 24)
    expect(editor.get_by_text("Chosen: Orders")).to_be_visible()
    pick(editor, "List", "Doing")
    expect(list_).to_have_value("3" * 24)
    pick(editor, "Board", "<b>Returns</b>")
    expect(editor.get_by_label("Choices for List").get_by_role("option", name="Arrived")).to_be_attached()
    expect(editor.locator("#saved")).to_have_text(re.compile("Saved"))

    editor.reload()

    expect(editor.locator("#f-in-board-id")).to_have_value("2" * 24)
    expect(editor.locator("#f-in-list-id")).to_have_value("3" * 24)
    expect(editor.get_by_text("Chosen: <b>Returns</b>")).to_be_visible()


@pytest.mark.browser
def test_a_typed_value_stays(editor: Page) -> None:
    editor.get_by_role("button", name="Load choices for Board").click()
    pick(editor, "Board", "Orders")
    field = editor.locator("#f-in-board-id")
    field.fill("{{ event.body.board }}")
    field.blur()

    expect(editor.locator("#saved")).to_have_text(re.compile("Saved"))
    editor.get_by_role("button", name="Load choices for List").click()

    expect(editor.get_by_text("Board is a template")).to_be_visible()
    editor.reload()
    expect(editor.locator("#f-in-board-id")).to_have_value("{{ event.body.board }}")
