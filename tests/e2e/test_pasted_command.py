"""A cURL command is pasted into a step, in a real browser."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Console
from tests.e2e.test_safe_editing import make, sign_in
from tests.support.running import Relay

pytestmark = pytest.mark.exhaustive  # it takes long

COMMAND = """curl -k 'https://api.example.com/orders?page=1' \\
  -H 'Authorization: Bearer sk_test_123' \\
  --json '{"name": "Ada"}'"""


def test_a_step_is_filled_in_and_the_filling_is_undone(page: Page, shared_relay: Relay, console: Console) -> None:
    step = {"id": "call", "kind": "action", "action": "http.request", "inputs": {"url": "https://former.example.com/"}}
    flow, _ = make(shared_relay, step)
    sign_in(page, shared_relay)
    page.goto(f"{shared_relay.url}/flows/{flow}/?step=call")

    page.get_by_text("Paste a cURL command").click()
    page.get_by_label("Command", exact=True).fill("curl 'https://api.example.com")
    page.get_by_role("button", name="Fill in", exact=True).click()
    expect(page.get_by_role("alert").filter(has_text="opened and not closed")).to_be_visible()
    expect(page.get_by_label("Command", exact=True)).to_have_value("curl 'https://api.example.com")

    page.get_by_label("Command", exact=True).fill(COMMAND)
    page.get_by_role("button", name="Fill in", exact=True).click()
    expect(page.get_by_text("-k is left out: Relay always verifies certificates.")).to_be_visible()
    expect(page.get_by_label("Command", exact=True)).to_have_value("")
    expect(page.get_by_label("URL", exact=True)).to_have_value("https://api.example.com/orders?page=1")
    draft = json.loads(shared_relay.command("export", str(flow), "--draft"))
    assert draft["steps"][0]["inputs"]["body"] == {"json": {"name": "Ada"}}

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("URL", exact=True)).to_have_value("https://former.example.com/")
    assert console.complaints == []
