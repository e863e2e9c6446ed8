"""*Data* stays with the event that somebody chose, in all steps, in a real browser."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_safe_editing import draft, is_saved, make, note, open_step, sign_in
from tests.support.running import Relay


@pytest.fixture(scope="module")
def relay(shared_relay: Relay) -> Relay:
    return shared_relay


@pytest.fixture(scope="module")
def cookies(browser: Browser, relay: Relay) -> list[Any]:
    page = browser.new_page()
    sign_in(page, relay)
    kept = page.context.cookies()
    page.close()
    return kept


@pytest.fixture
def editor(page: Page, relay: Relay, cookies: list[Any]) -> Page:
    page.context.add_cookies(cookies)
    return page


def add_sample(relay: Relay, flow: int, name: str, body: Any) -> None:
    event = {"method": "POST", "headers": {"content-type": "application/json"}, "body": body}
    relay.command("sample", "add", str(flow), name, "--event", "-", given=json.dumps(event))


def choose(page: Page, title: str) -> None:
    page.get_by_label("Event shown in Data").focus()
    page.get_by_label("Event shown in Data").select_option(label=title)


def test_a_sample_stays_chosen_in_all_steps_and_previews_follow(editor: Page, relay: Relay) -> None:
    flow, url = make(relay, note("Order {{ event.body.id }}"), {"id": "s", "kind": "set", "values": {"a": "x"}})
    add_sample(relay, flow, "Approved", {"id": "A-1"})
    add_sample(relay, flow, "Declined", {"id": "D-2"})
    open_step(editor, relay, flow, "note")
    expect(editor.locator("#p-f-in-text")).to_contain_text("Order A-1")

    choose(editor, "Declined")

    expect(editor.locator("#p-f-in-text")).to_contain_text("Order D-2")
    expect(editor).to_have_url(re.compile("sample=sample%3A"))
    expect(editor.get_by_label("Event shown in Data")).to_be_focused()
    requests.post(url, json={"id": "N-3"}, timeout=10)
    expect(editor.locator("#newer-events")).to_have_text("1 newer event")
    expect(editor.locator("#data-tree")).to_contain_text("D-2")
    editor.locator(".card-main", has_text="Set values").click()
    expect(editor.get_by_role("heading", name="Set values")).to_be_visible()
    expect(editor.get_by_label("Event shown in Data").locator("option:checked")).to_have_text("Declined")
    editor.reload()
    expect(editor.get_by_label("Event shown in Data").locator("option:checked")).to_have_text("Declined")
    editor.get_by_role("link", name="Previous event").click()
    expect(editor.locator("#data-tree")).to_contain_text("A-1")
    requests.post(url, json={"id": "N-4"}, timeout=10)
    editor.get_by_role("link", name="1 newer event").click()
    expect(editor.locator("#data-tree")).to_contain_text("N-4")


def test_the_chosen_sample_is_what_is_sent_to_the_url(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note())
    add_sample(relay, flow, "Approved", {"id": "A-1"})
    add_sample(relay, flow, "Declined", {"id": "D-2"})
    open_step(editor, relay, flow, "note")
    choose(editor, "Declined")
    expect(editor.locator("#data-tree")).to_contain_text("D-2")

    editor.get_by_role("button", name="Send to the URL").click()

    expect(editor.get_by_text("because the flow is a draft")).to_be_visible()
    expect(editor.get_by_label("Event shown in Data").locator("option:checked")).to_have_text("Declined")
    editor.get_by_label("Event shown in Data").select_option(index=2)
    expect(editor).to_have_url(re.compile("sample=event%3A"))
    expect(editor.locator("#data-tree")).to_contain_text("D-2")


def test_a_sample_of_ones_own_that_is_no_json_is_kept_and_not_sent(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note())
    open_step(editor, relay, flow, "trigger")
    editor.get_by_text("Send a sample of your own").click()

    editor.get_by_label("Sample", exact=True).fill('{"id": 1')
    editor.get_by_role("button", name="Send this sample").click()

    expect(editor.get_by_text("Your sample is not valid JSON, so it was not sent.")).to_be_visible()
    expect(editor.get_by_label("Sample", exact=True)).to_have_value('{"id": 1')
    expect(editor.get_by_text("Waiting for the first event…")).to_be_visible()


def test_five_thousand_keys_can_be_searched_and_inserted(editor: Page, relay: Relay) -> None:
    flow, url = make(relay, note("x"))
    requests.post(url, json={f"key_{number}": number for number in range(5_000)}, timeout=10)
    open_step(editor, relay, flow, "note")
    editor.locator("[name='in.text']").fill("")

    editor.get_by_label("Search the data").fill("key_4321")
    leaf = editor.locator("#data-tree").get_by_role("button", name="key_4321")
    expect(leaf).to_be_visible()
    expect(editor.locator("#data-tree .leaf-button")).to_have_count(1)
    editor.locator("[name='in.text']").fill("")
    leaf.click()

    expect(editor.locator("[name='in.text']")).to_have_value("{{ event.body.key_4321 }}")
    expect(editor.locator("#leaf-path")).to_have_text("event.body.key_4321")
    editor.get_by_role("button", name="Copy value").click()
    expect(editor.get_by_text("Copied")).to_be_visible()
    editor.get_by_label("Search the data").fill("no such thing")
    expect(editor.get_by_text("No name or value contains “no such thing”.")).to_be_visible()


def test_a_list_is_inserted_as_a_line_for_each_item(editor: Page, relay: Relay) -> None:
    flow, url = make(relay, note("x"))
    requests.post(url, json={"line_items": [{"title": "Mug"}, {"title": "Shirt"}]}, timeout=10)
    open_step(editor, relay, flow, "note")
    text = editor.locator("[name='in.text']")
    text.fill("")

    editor.get_by_role("button", name="one line for each item").click()

    expect(editor.locator("#p-f-in-text")).to_contain_text("Mug\nShirt")
    is_saved(editor)
    assert draft(relay, flow)["steps"][0]["inputs"]["text"].startswith("{% for item in event.body.line_items %}")
