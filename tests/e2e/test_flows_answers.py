"""What a flow answers is no part of a page: a real browser takes no script, style or picture from it."""

from __future__ import annotations

import json

import pytest
import requests
from playwright.sync_api import Browser

from tests.support.running import Relay

pytestmark = pytest.mark.exhaustive  # it takes long

# What became of an element that is put into a page and loads an address.
LOAD = """([tag, name, address]) => new Promise((resolve) => {
  const element = document.createElement(tag);
  if (tag === "link") element.rel = "stylesheet";
  element.onload = () => resolve("loaded");
  element.onerror = () => resolve("refused");
  element[name] = address;
  document.head.append(element);
})"""
KINDS = {
    "script": ("src", "application/javascript", "window.ran = 1", "relay.js"),
    "link": ("href", "text/css", "body { display: none }", "base.css"),
    "img": ("src", "image/svg+xml", "<svg xmlns='http://www.w3.org/2000/svg'/>", "icon.svg"),
}


def answering(relay: Relay, kind: str, body: str) -> str:
    """The path of a flow's URL that answers with such a document."""
    response = {"status": 200, "headers": {"Content-Type": kind}, "body": body}
    trigger = {"kind": "webhook", "methods": ["GET"], "response": response}
    document = json.dumps({"relay": 1, "name": kind, "trigger": trigger, "steps": []})
    url: str = relay.json("import", "-", "--publish", given=document)["url"]
    return url.removeprefix(relay.url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_pages_load_nothing_that_a_flow_answers(browser: Browser, shared_relay: Relay, host: str) -> None:
    found = {}
    page = browser.new_page()
    page.goto(f"{shared_relay.url}/sign-in/".replace("127.0.0.1", host))
    for tag, (name, kind, body, file) in KINDS.items():
        place = answering(shared_relay, kind, body)
        answer = requests.get(f"{shared_relay.url}{place}", timeout=10)
        assert (answer.text, answer.headers["Content-Type"]) == (body, kind)
        found[tag] = [page.evaluate(LOAD, [tag, name, address]) for address in (place, f"/static/{file}")]
    ran = page.evaluate("window.ran")
    page.close()

    assert (found, ran) == ({tag: ["refused", "loaded"] for tag in KINDS}, None)
