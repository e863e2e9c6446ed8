"""The editor loses nothing that somebody types and starts nothing by accident, in a real browser."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import requests
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.conftest import Console
from tests.support.examples import a_few
from tests.support.running import EMAIL, PASSWORD, Relay

URL = "http://127.0.0.1:9/orders"


@pytest.fixture(scope="module")
def relay(shared_relay: Relay) -> Relay:
    """One for all tests here: each has a flow of its own."""
    return shared_relay


@pytest.fixture(scope="module")
def cookies(browser: Browser, relay: Relay) -> list[Any]:
    """What a sign-in leaves, so that not every test has to sign in."""
    page = browser.new_page()
    sign_in(page, relay)
    kept = page.context.cookies()
    page.close()
    return kept


@pytest.fixture
def editor(page: Page, relay: Relay, cookies: list[Any]) -> Page:
    """A page of somebody who is signed in."""
    page.context.add_cookies(cookies)
    page.goto(relay.url)
    return page


def sign_in(page: Page, relay: Relay) -> None:
    page.goto(f"{relay.url}/sign-in/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()


def make(relay: Relay, *steps: dict[str, Any], publish: bool = False, **parts: Any) -> tuple[int, str]:
    """A flow of its own: its id and URL."""
    document = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": list(steps), **parts}
    words = ["--publish"] if publish else []
    made = relay.json("import", "-", *words, given=json.dumps(document))
    return made["flow"], made["url"]


def draft(relay: Relay, flow: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(relay.command("export", str(flow), "--draft"))
    return found


def step(relay: Relay, flow: int, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in draft(relay, flow)["steps"] if one["id"] == name)
    return found


def send(name: str = "send", **inputs: Any) -> dict[str, Any]:
    return {"id": name, "kind": "action", "action": "http.request", "inputs": {"url": URL, **inputs}}


def note(text: str = "Order") -> dict[str, Any]:
    return {"id": "note", "kind": "action", "action": "inbox.post", "inputs": {"text": text}}


def open_step(page: Page, relay: Relay, flow: int, name: str) -> None:
    page.goto(f"{relay.url}/flows/{flow}/?step={name}")
    expect(page.locator("#form")).to_be_visible()


def is_saved(page: Page) -> None:
    expect(page.locator("#saved")).to_contain_text(re.compile(r"^\s*Saved"), timeout=30_000)


@pytest.mark.exhaustive
@pytest.mark.parametrize("field", ["name", "in.text"])
def test_enter_saves_and_does_nothing_else(editor: Page, relay: Relay, field: str) -> None:
    flow, _ = make(relay, note(), publish=True)
    open_step(editor, relay, flow, "note")

    place = editor.locator(f"[name='{field}']")
    place.fill("Parcel!")
    place.press("Enter" if field == "name" else "Control+s")

    is_saved(editor)
    expect(place).to_be_focused()
    expect(editor.get_by_text("is live")).to_have_count(0)
    editor.reload()
    expect(editor.locator(f"[name='{field}']")).to_have_value("Parcel!")
    expect(editor.get_by_text("not published yet")).to_be_visible()


@pytest.mark.exhaustive
def test_the_first_button_of_every_form_of_the_editor_saves(editor: Page, relay: Relay) -> None:
    """Without scripts, Enter presses the form's first button."""
    steps = [
        note(),
        {"id": "f", "kind": "filter", "when": {"all": []}},
        {"id": "s", "kind": "set", "values": {"a": "1"}},
    ]
    flow, _ = make(relay, *steps)
    for name in ("trigger", "flow", "note", "f", "s", "note&pick=1", "trigger&check=1"):
        open_step(editor, relay, flow, name)
        first = editor.evaluate(
            "[...document.getElementById('form').elements].find((one) => one.type === 'submit').value"
        )
        assert first == "save", name


@pytest.mark.exhaustive
def test_a_value_goes_only_into_the_field_that_has_the_focus(editor: Page, relay: Relay) -> None:
    flow, url = make(relay, note(), trigger={"kind": "webhook"})
    requests.post(url, json={"email": "ada@example.com", "total": 3}, timeout=10)
    open_step(editor, relay, flow, "trigger")
    value = editor.locator("#data").get_by_role("button", name=re.compile("^email"))

    value.click()

    expect(editor.get_by_text("Click a field first")).to_be_visible()
    assert "dedupe" not in draft(relay, flow)["trigger"]
    open_step(editor, relay, flow, "note")
    text = editor.locator("[name='in.text']")
    text.click()
    editor.get_by_role("heading", name="Data").click()
    expect(editor.locator(".takes-values")).to_have_count(1)
    editor.locator("#form-title").click()
    value.click()
    expect(text).to_have_value("Order")
    text.click()
    text.press("End")
    value.click()
    expect(text).to_have_value("Order{{ event.body.email }}")
    is_saved(editor)
    text.press("Control+z")
    expect(text).to_have_value("Order")


def test_typing_is_saved_while_the_field_keeps_the_focus(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note())
    open_step(editor, relay, flow, "note")
    text = editor.locator("[name='in.text']")

    text.press("End")
    text.press_sequentially(" and more")
    expect(editor.locator("#saved")).to_have_text("Saving…")

    is_saved(editor)
    expect(text).to_be_focused()
    assert step(relay, flow, "note")["inputs"]["text"] == "Order and more"


@pytest.mark.parametrize("leave", a_few(["reload", "back", "link"], ["reload"]))
def test_leaving_at_once_loses_nothing(editor: Page, relay: Relay, leave: str) -> None:
    flow, _ = make(relay, note())
    open_step(editor, relay, flow, "note")
    text = editor.locator("[name='in.text']")

    text.fill("typed in a hurry")
    if leave == "reload":
        editor.reload()
    elif leave == "back":
        editor.go_back()
    else:
        editor.get_by_role("link", name="Runs", exact=True).first.click()

    editor.wait_for_load_state()
    open_step(editor, relay, flow, "note")
    expect(text).to_have_value("typed in a hurry")


@pytest.mark.exhaustive
def test_another_card_opens_only_once_this_one_is_saved(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note(), send())
    open_step(editor, relay, flow, "note")

    editor.locator("[name='in.text']").fill("first")
    editor.locator(".card-main", has_text="Send a request").click()

    expect(editor.locator("[name='in.url']")).to_have_value(URL)
    assert step(relay, flow, "note")["inputs"]["text"] == "first"


def second_tab(context: BrowserContext, relay: Relay, flow: int, name: str) -> Page:
    other = context.new_page()
    other.set_default_timeout(15_000)
    open_step(other, relay, flow, name)
    return other


def test_two_tabs_on_one_step_keep_both_changes(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, send())
    open_step(editor, relay, flow, "send")
    other = second_tab(editor.context, relay, flow, "send")

    editor.locator("[name='in.url']").fill("http://127.0.0.1:9/new")
    is_saved(editor)
    other.locator("[name='name']").fill("To the warehouse")
    expect(other.locator("#saved")).to_contain_text("changed elsewhere too")
    other.locator("[name='name']").fill("To the warehouse!")
    expect(other.locator("#saved")).to_contain_text("Saved")

    found = step(relay, flow, "send")
    assert found["inputs"]["url"] == "http://127.0.0.1:9/new"
    assert found["name"].startswith("To the warehouse")


@pytest.mark.exhaustive
@pytest.mark.parametrize(("choice", "kept"), [("Save mine instead", "mine"), ("Take theirs", "theirs")])
def test_two_tabs_on_one_value_are_asked(editor: Page, relay: Relay, choice: str, kept: str) -> None:
    flow, _ = make(relay, note())
    open_step(editor, relay, flow, "note")
    other = second_tab(editor.context, relay, flow, "note")

    editor.locator("[name='in.text']").fill("theirs")
    is_saved(editor)
    other.locator("[name='in.text']").fill("mine")

    expect(other.locator("#unsaved")).to_contain_text("it is now “theirs”; you have “mine”")
    expect(other.locator("#saved")).to_contain_text("Not saved")
    assert step(relay, flow, "note")["inputs"]["text"] == "theirs"
    other.get_by_text(choice).click()
    expect(other.locator("[name='in.text']")).to_have_value(kept)
    expect(other.locator("#unsaved")).to_be_empty()
    assert step(relay, flow, "note")["inputs"]["text"] == kept


@pytest.mark.exhaustive
def test_a_step_that_is_gone_is_not_written_over_the_trigger(editor: Page, relay: Relay) -> None:
    answer = {"status": 200, "headers": {"X-A": "1"}, "body": "thanks"}
    flow, _ = make(relay, send("two"), note(), trigger={"kind": "webhook", "response": answer})
    open_step(editor, relay, flow, "two")
    other = second_tab(editor.context, relay, flow, "two")

    editor.get_by_label(re.compile("More for .*Send a request")).click()
    editor.get_by_role("button", name="Remove", exact=True).click()
    expect(editor.locator(".undo")).to_contain_text("removed")
    other.locator("[name='name']").fill("Still here?")

    expect(other.locator("#unsaved")).to_contain_text("removed this step")
    assert draft(relay, flow)["trigger"]["response"] == answer
    other.get_by_role("button", name="Put the step back as I have it").click()
    expect(other.locator("[name='name']")).to_have_value("Still here?")
    assert step(relay, flow, "two")["name"] == "Still here?"


@pytest.mark.exhaustive
def test_nothing_is_published_that_was_not_on_the_page(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note(), publish=True)
    open_step(editor, relay, flow, "note")
    other = second_tab(editor.context, relay, flow, "note")
    editor.locator("[name='in.text']").fill("half done")
    is_saved(editor)

    other.get_by_role("button", name="Publish").click()

    expect(other.get_by_text("Others have changed this flow since the page was loaded")).to_be_visible()
    expect(other.locator("[name='in.text']")).to_have_value("half done")
    other.get_by_role("button", name="Publish").click()
    expect(other.get_by_text("Version 2 is live")).to_be_visible()


@pytest.mark.exhaustive
def test_a_lost_connection_is_told_until_all_is_saved(page: Page, relay: Relay, console: Console) -> None:
    console.is_broken = True
    sign_in(page, relay)
    flow, _ = make(relay, note())
    open_step(page, relay, flow, "note")

    page.context.set_offline(True)
    page.locator("[name='in.text']").fill("typed without a network")

    expect(page.locator("#saved")).to_have_text("Not saved: trying again")
    expect(page.get_by_role("alert")).to_contain_text("What you typed is kept on this page")
    page.context.set_offline(False)
    is_saved(page)
    expect(page.get_by_role("alert")).to_have_count(0)
    assert step(relay, flow, "note")["inputs"]["text"] == "typed without a network"


@pytest.mark.exhaustive
def test_a_session_that_is_over_loses_no_text(page: Page, relay: Relay, console: Console) -> None:
    console.is_broken = True
    sign_in(page, relay)
    flow, _ = make(relay, note())
    open_step(page, relay, flow, "note")

    page.context.clear_cookies()
    page.locator("[name='in.text']").fill("typed after the session")
    expect(page.get_by_role("alert")).to_contain_text("You are signed out")
    expect(page.locator("[name='in.text']")).to_have_value("typed after the session")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in in a new tab").click()
    other = opened.value
    sign_in(other, relay)

    is_saved(page)
    assert step(relay, flow, "note")["inputs"]["text"] == "typed after the session"


@pytest.mark.exhaustive
def test_signing_in_again_in_the_same_tab_brings_the_text_back(page: Page, relay: Relay, console: Console) -> None:
    console.is_broken = True
    sign_in(page, relay)
    flow, _ = make(relay, note())
    open_step(page, relay, flow, "note")
    page.on("dialog", lambda dialog: dialog.accept())

    page.context.clear_cookies()
    page.locator("[name='in.text']").fill("typed before leaving")
    expect(page.get_by_role("alert")).to_contain_text("You are signed out")
    sign_in(page, relay)
    open_step(page, relay, flow, "note")

    expect(page.locator("[name='in.text']")).to_have_value("typed before leaving")
    is_saved(page)


@pytest.mark.exhaustive
def test_a_sample_into_a_live_flow_asks_and_says_what_it_does(editor: Page, relay: Relay) -> None:
    flow, url = make(relay, {**note("Order {{ event.body.id }}"), "name": "Tell the shop"}, publish=True)
    requests.post(url, json={"id": "HELD-11"}, timeout=10)
    editor.goto(relay.url)
    expect(editor.get_by_role("button", name=re.compile("Send a sample|Send to the URL"))).to_have_count(0)
    open_step(editor, relay, flow, "trigger")

    editor.get_by_role("button", name="Send to the URL").click()

    expect(editor.get_by_role("heading", name="This flow is live. Send a sample through it for real?")).to_be_visible()
    expect(editor.locator(".question")).to_contain_text("Tell the shop")
    assert len(relay.json("runs", "--flow", str(flow), "--json")) == 1
    editor.locator(".question").get_by_text("Cancel").click()
    expect(editor.locator(".question")).to_have_count(0)
    editor.get_by_role("button", name="Send to the URL").click()
    editor.get_by_role("button", name="Send it for real").click()
    expect(editor.get_by_text("uses the live version")).to_be_visible()
    assert len(relay.json("runs", "--flow", str(flow), "--json")) == 2


@pytest.mark.exhaustive
def test_a_replay_asks_and_says_what_it_does(editor: Page, relay: Relay) -> None:
    flow, url = make(relay, {**note("Order"), "name": "Tell the shop"}, publish=True)
    requests.post(url, json={"id": 1}, timeout=10)
    editor.goto(f"{relay.url}/runs/?flow={flow}")
    editor.locator(".run-title a").first.click()
    expect(editor.get_by_text("Succeeded.")).to_be_visible()

    editor.locator("summary", has_text="Replay").click()
    editor.get_by_role("button", name=re.compile("today's version")).click()

    expect(editor.get_by_text("1 step of this run succeeded before: it is done again.")).to_be_visible()
    expect(editor.get_by_text("Tell the shop")).to_be_visible()
    assert len(relay.json("runs", "--flow", str(flow), "--json")) == 1
    editor.get_by_role("button", name="Replay it for real").click()
    expect(editor.get_by_text("Replay of")).to_be_visible()


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("parts", "lack"),
    [
        ({"steps": []}, "it has no steps"),
        ({"steps": [{"id": "f", "kind": "filter", "when": {"left": "", "op": "exists"}}]}, "it has no condition yet"),
        ({"steps": [note()], "trigger": {"kind": "webhook", "preset": "github"}}, "no secret of GitHub is stored"),
        ({"steps": [note("From {{ constants.sender }}")], "constants": {"sender": ""}}, "the constant sender is empty"),
    ],
    ids=["no steps", "empty filter", "no secret", "needs of a recipe"],
)
def test_unfinished_flows_go_live_only_on_purpose(editor: Page, relay: Relay, parts: dict[str, Any], lack: str) -> None:
    flow, _ = make(relay, **parts)
    open_step(editor, relay, flow, "flow")

    editor.get_by_role("button", name="Publish").click()

    expect(editor.locator(".question")).to_contain_text(lack)
    expect(editor.get_by_text("is live")).to_have_count(0)
    editor.get_by_role("button", name="Publish anyway").click()
    expect(editor.get_by_text("Version 1 is live")).to_be_visible()


@pytest.mark.exhaustive
def test_checking_samples_does_not_call_an_unfinished_flow_succeeded(editor: Page, relay: Relay) -> None:
    flow, _ = make(relay, note("From {{ constants.sender }}"), constants={"sender": ""})
    event = {"method": "POST", "headers": {"content-type": "application/json"}, "body": {"id": 1}}
    relay.command("sample", "add", str(flow), "Approved", "--event", "-", given=json.dumps(event))
    editor.goto(f"{relay.url}/flows/{flow}/dry-run/")

    editor.get_by_role("button", name="Check all samples").click()

    row = editor.get_by_role("row", name=re.compile("Approved"))
    expect(row).to_contain_text("Not finished")
    expect(row).to_contain_text("the constant sender is empty")
