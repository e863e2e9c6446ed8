"""Passkeys in a real browser, with the authenticator that Chromium brings for tests."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.support.running import EMAIL, PASSWORD, Relay

pytestmark = pytest.mark.exhaustive  # it takes long

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.mark.browser
def test_a_passkey_is_added_and_signs_in(page: Page, start_relay: Callable[..., Relay]) -> None:
    relay = start_relay()
    # Browsers know passkeys only at names.
    home = relay.url.replace("127.0.0.1", "localhost")
    elsewhere: list[str] = []
    page.on("request", lambda request: None if request.url.startswith(home) else elsewhere.append(request.url))
    devices = page.context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})

    _make_the_account(page, relay.setup_url.replace("127.0.0.1", "localhost"))
    _add_a_passkey(page, home)
    page.goto(f"{home}/account/")
    page.get_by_label("Account").click()
    page.get_by_role("button", name="Sign out", exact=True).click()
    page.get_by_role("button", name="Use a passkey").click()

    expect(page.get_by_role("heading", name="Flows")).to_be_visible()
    assert [url for url in elsewhere if not url.startswith("data:")] == []


def _make_the_account(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()


def _add_a_passkey(page: Page, home: str) -> None:
    page.goto(f"{home}/account/")
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill("My laptop")
    page.get_by_role("button", name="Add it").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have saved them").click()
    expect(page.get_by_role("link", name="Rename My laptop")).to_be_visible()
