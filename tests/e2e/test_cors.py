"""Pages of another origin: a real browser asks before it sends JSON, and reads what the flow answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.support.running import Relay

pytestmark = pytest.mark.exhaustive  # it takes long

SEND = """async (url) => {
  try {
    const answer = await fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body: '{"n": 1}'});
    return [answer.status, await answer.text()];
  } catch (error) { return [0, error.name]; }
}"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The origin of another server, with an empty page."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def flow(relay: Relay, name: str, response: dict[str, Any], *steps: dict[str, Any]) -> str:
    document = {"relay": 1, "name": name, "trigger": {"kind": "webhook", "response": response}, "steps": list(steps)}
    return str(relay.json("import", "-", "--publish", given=json.dumps(document))["url"])


def respond(**headers: str) -> dict[str, Any]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"id": "r", "kind": "respond", "headers": named, "body": "n={{ event.body.n }}"}


def test_a_page_elsewhere_reads_what_a_flow_answers(browser: Browser, shared_relay: Relay, elsewhere: str) -> None:
    name, also = "Access-Control-Allow-Origin", {"Access_Control_Allow_Headers": "content-type"}
    wait, slow = {"wait": "20s"}, {"id": "slow", "kind": "delay", "for": "1h"}
    own = {"status": 200, "headers": {name: "*", "Access-Control-Allow-Headers": "content-type"}}
    urls = {
        "static": flow(shared_relay, "static", {**own, "body": "ok"}),
        "any": flow(shared_relay, "any", wait, respond(Access_Control_Allow_Origin="*", **also)),
        "this": flow(shared_relay, "this", wait, respond(Access_Control_Allow_Origin=elsewhere, **also)),
        "trigger": flow(shared_relay, "trigger", {**own, **wait}, respond()),
        "over": flow(shared_relay, "over", {"wait": "0.1s"}, slow, respond(Access_Control_Allow_Origin="*", **also)),
        "other": flow(shared_relay, "other", wait, respond(Access_Control_Allow_Origin="https://a.example", **also)),
        "template": flow(
            shared_relay, "t", wait, respond(Access_Control_Allow_Origin="{{ event.headers.origin }}", **also)
        ),
        "none": flow(shared_relay, "none", wait, respond()),
    }
    page = browser.new_page()
    page.goto(elsewhere)
    found = {kind: page.evaluate(SEND, url) for kind, url in urls.items()}
    page.close()

    status, text = found.pop("over")
    assert (status, "event" in json.loads(text)) == (202, True)
    assert found == {
        "static": [200, "ok"],
        "any": [200, "n=1"],
        "this": [200, "n=1"],
        "trigger": [200, "n=1"],
        "other": [0, "TypeError"],
        "template": [0, "TypeError"],
        "none": [0, "TypeError"],
    }
