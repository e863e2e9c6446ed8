"""What stays in its place: buttons under a double click, and the rows of runs that change."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from tests.e2e.test_safe_editing import make, note, open_step, sign_in
from tests.support.running import Relay


@pytest.fixture(scope="module")
def relay(shared_relay: Relay) -> Relay:
    return shared_relay


@pytest.fixture(scope="module")
def cookies(browser: Browser, relay: Relay) -> list[Any]:
    page = browser.new_page()
    sign_in(page, relay)
    kept: list[Any] = page.context.cookies()
    page.close()
    return kept


@pytest.fixture
def editor(page: Page, relay: Relay, cookies: list[Any]) -> Page:
    page.context.add_cookies(cookies)
    return page


def test_a_double_click_on_discard_does_not_pause_the_flow(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note(), publish=True)
    open_step(editor, relay, flow, "note")
    editor.locator("[name='in.text']").fill("changed")
    discard = editor.get_by_role("button", name="Discard draft")
    expect(discard).to_be_visible()
    pause = editor.get_by_role("button", name="Pause").bounding_box()

    discard.dblclick()

    expect(editor.locator("#editor").get_by_text("Draft reset to the live version.")).to_be_visible()
    expect(editor.locator(".editor-head .state")).to_have_text("Live")
    assert editor.get_by_role("button", name="Pause").bounding_box() == pause


def test_a_row_turns_from_waiting_to_succeeded_in_place(editor: Page, relay: Relay) -> None:
    wait = {"id": "w", "kind": "delay", "for": "4s"}
    flow, url = make(relay, wait, note("x"), publish=True)
    requests.post(url, json={"id": 1}, timeout=10)
    editor.goto(f"{relay.url}/flows/{flow}/runs/")
    row = editor.locator(".run-table tbody tr").first
    box = row.get_by_role("checkbox")
    box.check()

    expect(row).to_contain_text("Succeeded", timeout=40_000)

    expect(box).to_be_checked()
    expect(editor.locator("#row-updates")).to_have_count(0)


def test_the_head_of_the_form_stays_below_the_bar_at_the_end_of_the_page(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note())
    editor.set_viewport_size({"width": 1280, "height": 500})
    open_step(editor, relay, flow, "note")
    editor.evaluate("scrollTo(0, document.body.scrollHeight)")

    head, bar = editor.locator(".editor-form").bounding_box(), editor.locator(".top").bounding_box()

    assert editor.evaluate("scrollY") > 0
    assert head
    assert bar
    assert head["y"] >= bar["y"] + bar["height"]


def test_tabs_have_no_scrollbar_of_their_own(editor: Page, relay: Relay) -> None:
    editor.goto(f"{relay.url}/connections/")

    heights = editor.locator(".tabs").evaluate("element => [element.scrollHeight, element.clientHeight]")

    assert heights[0] == heights[1]
