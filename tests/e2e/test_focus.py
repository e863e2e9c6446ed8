"""Keyboard focus stays useful after a part of the editor is shown again; rows of runs turn in place."""

from __future__ import annotations

import re
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


def test_the_focus_goes_to_the_form_of_a_card_and_to_the_row_that_was_added(editor: Page, relay: Relay) -> None:
    flow, _ = make(
        relay, note(), {"id": "f", "kind": "filter", "when": {"all": [{"left": "{{ event.body.id }}", "op": "exists"}]}}
    )
    open_step(editor, relay, flow, "note")

    editor.locator(".card-main", has_text="event.body.id").focus()
    editor.keyboard.press("Enter")
    expect(editor.locator("#form-title")).to_be_focused()
    expect(editor.locator("#form-title")).to_have_text("Filter")
    editor.get_by_role("button", name="Add a row").focus()
    editor.keyboard.press("Enter")
    expect(editor.get_by_label("Value 2")).to_be_focused()
    editor.get_by_role("button", name="Remove row 2").focus()
    editor.keyboard.press("Enter")
    expect(editor.get_by_label("Value 1")).to_be_focused()
    expect(editor.get_by_label("Value 2")).to_have_count(0)


def test_a_question_and_an_undo_get_the_focus(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note(), publish=True)
    open_step(editor, relay, flow, "note")

    editor.get_by_label(re.compile("More for")).click()
    editor.get_by_role("button", name="Remove", exact=True).click()
    expect(editor.get_by_role("button", name="Undo")).to_be_focused()
    editor.get_by_role("button", name="Publish").click()
    expect(editor.locator("#question-title")).to_be_focused()


def test_a_double_click_on_discard_does_not_pause_the_flow(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note(), publish=True)
    open_step(editor, relay, flow, "note")
    editor.locator("[name='in.text']").fill("changed")
    discard = editor.get_by_role("button", name="Discard draft")
    expect(discard).to_be_visible()
    pause = editor.get_by_role("button", name="Pause").bounding_box()

    discard.dblclick()

    expect(editor.get_by_text("Draft reset to the live version.")).to_be_visible()
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
