"""Copy buttons, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.support.running import EMAIL, PASSWORD, Relay

pytestmark = pytest.mark.exhaustive  # it takes long


@pytest.mark.parametrize("has_clipboard", [True, False], ids=["clipboard", "by hand"])
def test_the_url_of_a_flow_is_copied(page: Page, shared_relay: Relay, *, has_clipboard: bool) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    if not has_clipboard:  # as on a page over plain HTTP of another host
        page.add_init_script("Clipboard.prototype.writeText = () => Promise.reject(new Error('no clipboard'));")
    page.goto(shared_relay.url)
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Demo").click()
    button = page.locator("[data-copy='#url']")

    button.click()
    button.click()

    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#url").inner_text()
    expect(button).to_have_text("Copy")
