"""The editor says while somebody types what is wrong with a text that other programs read, in a real browser."""

from __future__ import annotations

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.e2e.test_safe_editing import make, open_step, send, sign_in
from tests.support.running import Relay

pytestmark = pytest.mark.exhaustive  # it takes long


def test_what_breaks_a_text_is_said_while_it_is_typed(page: Page, shared_relay: Relay) -> None:
    rule = {"left": "{{ event.body.total }}", "op": "greater_than", "right": "20"}
    flow, url = make(shared_relay, {"id": "big", "kind": "filter", "when": {"all": [rule]}}, send())
    requests.post(url, json={"title": 'Salt & "Pepper"', "total": "1.019,90"}, timeout=10)
    sign_in(page, shared_relay)

    open_step(page, shared_relay, flow, "big")
    expect(page.locator("#passes")).to_contain_text("“1.019,90” is text")
    page.locator("#f-left-0").fill("{{ event.body.total | parse_number('de') }}")
    expect(page.locator("#passes")).to_contain_text("This event would pass")
    expect(page.locator("#passes")).not_to_contain_text("is text")

    open_step(page, shared_relay, flow, "send")
    page.locator("#f-body-kind").select_option("text")
    page.locator("#f-body-type").fill("application/json")
    text, would = page.locator("textarea[name='in.body.text']"), page.locator("#would")
    text.fill('{"title": "{{ event.body.title }}"}')
    expect(would).to_contain_text("The body isn't valid JSON: line 1: ")
    expect(would).to_contain_text("{{ value | tojson }}")
    text.fill('{"title": {{ event.body.title | tojson }}}')
    expect(would).to_contain_text('Salt & \\"Pepper\\"')

    page.locator("#f-body-type").fill("application/x-www-form-urlencoded")
    text.fill("title={{ event.body.title }}&n=1")
    expect(would).to_contain_text("write {{ event.body.title | urlencode }}")
    text.fill("title={{ event.body.title | urlencode }}&n=1")
    expect(would).to_contain_text("title=Salt%20%26%20%22Pepper%22&n=1")

    page.locator("#f-body-type").fill("text/csv")
    text.fill("title,n\n{{ event.body.title }},1")
    expect(would).to_contain_text("write {{ event.body.title | csv }}")
    text.fill("title,n\n{{ event.body.title | csv }},1")
    expect(would).to_contain_text('"Salt & ""Pepper""",1')
