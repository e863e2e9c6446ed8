"""Distinctive secrets everywhere, every feature driven, and no secret in anything that Relay outputs."""

from __future__ import annotations

import base64
import html
import json
import re
import subprocess
import sys
import urllib.request
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import pytest
import requests
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from tests.support.listening import found, processes
from tests.support.running import Relay, wait_until
from tests.web.auth.test_account import code, secret_on

EMAIL = "ada@example.com"
PASSWORD = 'canary "pass" <wörd> & 7f3a/x+y='
HOOK = "CanaryHookPath5b1e9d2c"
KEY, TOKEN = "CanaryKey4711aa00bb11cc22", "CanaryToken0815dd33ee44ff55"
SMS = "CanarySmsToken99887766554433"
SIGNING = "whsec_" + base64.b64encode(b"canary-signing-key-of-32-bytes!!").decode()
KNOCK = 'canary-knock "é" <7&> 1234567890'
VARIABLE = "canary variable é/ 2718281828"
PROXY = "canaryproxy-p4ss/w0rd"
CONNECTIONS = {
    "Team Slack": ("slack", {"webhook_url": f"https://hooks.slack.com/services/T000/B000/{HOOK}"}),
    "Board": ("trello", {"key": KEY, "token": TOKEN}),
    "Phone": ("twilio", {"account_sid": "AC" + "0" * 32, "auth_token": SMS}),
    "Signed": ("http", {"signing_secret": SIGNING}),
}
# Created in the database: secrets that a page shows once, and those that only pages accept.
PLANT = """
import json, sys
from relay.supervision import processes
processes.set_up_django()
from relay.engine.configuration import trigger_secrets
from relay.engine.people import api_tokens, members
from relay.models import Flow, Role, Scope, Workspace
here = Workspace.objects.get()
flow = Flow.objects.get(name="Guarded")
trigger_secrets.add(flow, {field.key: sys.argv[1] for field in trigger_secrets.fields(flow)})
print(json.dumps({
    "api": api_tokens.create(here, "Deploy", Scope.WRITE, days=0),
    "invitation": members.invite(here, Role.EDITOR, days=7).rstrip("/").rpartition("/")[2],
}))
"""

# Lists have links for each way to narrow and to sort them.
MOST_OF_ONE = 4


def action(action: str, connection: str, **inputs: Any) -> dict[str, Any]:
    step = {"id": "do", "kind": "action", "action": action, "connection": connection, "inputs": inputs}
    return {**step, "retry": {"delays": ["1s"]}}


def flows(origin: str) -> dict[str, dict[str, Any]]:
    signed = {"method": "POST", "url": f"{origin}/signed", "body": {"json": {"x": 1}}, "sign": "standard-webhooks"}
    token = "{{ vars.token }}"
    named = {"method": "POST", "url": f"{origin}/named", "headers": {"X-Token": "{{ vars.token | urlencode }}"}}
    named["body"] = {"json": {"token": token, "again": "{{ vars.token | base64_encode }}"}}
    return {
        "Told": action("slack.post_message", "Team Slack", text="hello"),
        "Carded": action("trello.create_card", "Board", list_id="5abbe4b7ddc1b351ef961414", name="Pack"),
        "Texted": action("twilio.send_sms", "Phone", **{"to": "+15005550006", "from": "+15005550001", "body": "hello"}),
        "Signed": action("http.request", "Signed", **signed),
        "Named": {**action("http.request", "Signed", **named)},
        "Guarded": {"id": "do", "kind": "set", "values": {"all": "{{ event }}"}},
    }


def echo(request: Request) -> Response:
    """Answers with everything received, in the body, in a header and in base64; the path chooses the status."""
    status = 503 if HOOK in request.path else 400 if "cards" in request.path else 200
    status = 500 if "Messages" in request.path else status
    came = {"url": request.url, "headers": dict(request.headers), "body": request.get_data(as_text=True)}
    came["again"] = base64.b64encode(json.dumps(came).encode()).decode()
    shown = re.sub(r"[^\x20-\x7e]", "?", f"{request.full_path} {request.headers.get('Authorization', '')}")
    return Response(json.dumps(came), status, {"X-Echo": shown, "Content-Type": "application/json"})


@pytest.fixture
def relay(httpserver: HTTPServer) -> Iterator[Relay]:
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(echo)
    origin = httpserver.url_for("").rstrip("/")
    names = ("https://hooks.slack.com", "https://api.trello.com", "https://api.twilio.com")
    urls = json.dumps(dict.fromkeys(names, origin))
    running = Relay(RELAY_CONNECTOR_URLS=urls, RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_LOG_LEVEL="DEBUG")
    try:
        running.start()
        yield running
    finally:
        running.remove()


@pytest.mark.exhaustive
def test_no_canary_is_in_anything_that_comes_out(relay: Relay, httpserver: HTTPServer) -> None:
    heard: dict[str, str] = {}
    planted = _plant(relay, httpserver.url_for("").rstrip("/"), heard)
    canaries = {
        "password": PASSWORD,
        "hook": HOOK,
        "key": KEY,
        "token": TOKEN,
        "sms": SMS,
        "signing": SIGNING,
        "knock": KNOCK,
        "proxy": PROXY,
        "variable": VARIABLE,
        "set-up": relay.setup_url.rstrip("/").rpartition("/")[2],
        **{name: planted[name] for name in ("api", "invitation", "reset")},
    }

    _send(planted["urls"])
    runs = _ended(relay)
    _command(relay, heard, runs)
    _call(relay, planted["api"], heard)
    canaries |= _look(relay, heard)
    canaries |= _enrol_halfway(relay, planted["invitation"])
    heard |= processes(relay)
    _go_through_a_proxy(relay, planted["urls"], heard)
    relay.stop()
    files = [path for path in relay.folder.parent.rglob("*") if path.is_file()]
    heard |= {f"file {path.name}": path.read_bytes().decode("latin-1") for path in files}

    assert {"file relay.sqlite3", "file up.log"} <= {*heard}
    assert any("appendonly" in name for name in heard)
    assert len(canaries) == 19
    assert {run["flow"]: run["state"] for run in runs} == {
        "Told": "failed",
        "Carded": "failed",
        "Texted": "held",
        "Signed": "succeeded",
        "Named": "succeeded",
        "Guarded": "succeeded",
    }
    assert len(heard) > 60
    assert "\n".join(map(str, found(canaries, heard))) == ""


def _plant(relay: Relay, origin: str, heard: dict[str, str]) -> dict[str, Any]:
    heard["user add"] = relay.command("user", "add", EMAIL, given=f"{PASSWORD}\n")
    heard["variable"] = relay.command("variable", "set", "token", "--secret", given=f"{VARIABLE}\n")
    for name, (connector, values) in CONNECTIONS.items():
        heard[f"set {name}"] = relay.command("connection", "set", name, connector, given=json.dumps(values))
    guarded = {"kind": "webhook", "verify": {"scheme": "header", "header": "X-Knock"}}
    urls = {}
    for name, step in flows(origin).items():
        trigger = guarded if name == "Guarded" else {"kind": "webhook"}
        document = {"relay": 1, "name": name, "trigger": trigger, "steps": [step]}
        urls[name] = relay.json("import", "-", "--publish", given=json.dumps(document))["url"]
    script = [sys.executable, "-c", PLANT, KNOCK]
    done = subprocess.run(script, env=relay.env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    link = relay.command("user", "reset-link", EMAIL).split()[-1]
    assert requests.get(link, timeout=10).status_code == 200
    return {"urls": urls, "reset": link.rstrip("/").rpartition("/")[2], **json.loads(done.stdout)}


def _send(urls: dict[str, str]) -> None:
    for name, url in urls.items():
        knock = {"X-Knock": KNOCK.encode()} if name == "Guarded" else {}
        answer = requests.post(url, json={"id": 1}, headers=knock, timeout=10)
        assert answer.status_code == 202, (name, answer.text)
    # What is refused is kept with its reason, and must not tell what was right.
    assert (
        requests.post(urls["Guarded"], json={}, headers={"X-Knock": KNOCK[:-1].encode()}, timeout=10).status_code == 401
    )


def _ended(relay: Relay) -> list[dict[str, Any]]:
    over = {"succeeded", "failed", "held"}
    known = {*flows("")}

    def look() -> list[dict[str, Any]] | None:
        runs = [run for run in relay.json("runs", "--json") if run["flow"] in known]
        return runs if len(runs) == len(known) and all(run["state"] in over for run in runs) else None

    return list(wait_until(look, what="all runs have ended"))


def _command(relay: Relay, heard: dict[str, str], runs: list[dict[str, Any]]) -> None:
    names = list(flows(""))
    words = [
        *(["export", name] for name in names),
        *(["dry-run", name, "--json"] for name in names),
        *(["dry-run", name, "--last", "1", "--json"] for name in names),
        *([name, "--json"] for name in ("runs", "flows", "batches", "storage", "audit", "issues", "alerts")),
        ["connection", "list", "--json"],
        ["vault", "check", "--json"],
        *(["replay", run["run"], "--json"] for run in runs),
        ["replay", "--state", "failed"],
    ]
    for one in words:
        done = relay.run(one)
        heard[" ".join(one)] = done.stdout + done.stderr


def _call(relay: Relay, token: str, heard: dict[str, str]) -> None:
    """Everything that the API has, item by item."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {token}"
    called = {
        noun: session.get(f"{relay.url}/api/v1/{noun}", timeout=10)
        for noun in ("flows", "runs", "connections", "issues")
    }
    heard.update((f"api {noun}", answer.text) for noun, answer in called.items())
    places = [f"flows/{flow['id']}" for flow in called["flows"].json()["flows"]]
    places += [f"runs/{run['id']}" for run in called["runs"].json()["runs"]]
    places += [f"events/{run['event']}" for run in called["runs"].json()["runs"]]
    for place in places:
        answer = session.get(f"{relay.url}/api/v1/{place}", timeout=10)
        assert answer.status_code == 200, place
        heard[f"api {place}"] = answer.text
    for run in called["runs"].json()["runs"]:
        flow = f"flows/{run['flow']}"
        tried = {
            f"{flow}/samples": {"name": f"Of {run['id']}", "event": run["event"]},
            f"{flow}/dry-run": {"run": run["id"], "version": "live"},
            f"{flow}/samples/check": {},
        }
        for place, wanted in tried.items():
            answer = session.post(f"{relay.url}/api/v1/{place}", json=wanted, timeout=30)
            assert answer.status_code == 200, (place, answer.text)
            heard[f"api {place} {run['id']}"] = answer.text
    wrong = session.get(f"{relay.url}/api/v1/flows", headers={"Authorization": f"Bearer {token}x"}, timeout=10)
    heard["api wrong"] = wrong.text


def _look(relay: Relay, heard: dict[str, str]) -> dict[str, str]:
    """Every page that can be reached by links, as the owner, and forms sent back as wrong; what signs the owner in."""
    browser = _signed_in(relay, heard)
    planted = _enrol(relay, browser)
    waiting, seen = [f"{relay.url}/flows/", f"{relay.url}/account/codes/"], Counter[str]()
    while waiting:
        address = waiting.pop()
        place = urlsplit(address)
        elsewhere = place.netloc != urlsplit(relay.url).netloc or place.path.startswith("/static/")
        if elsewhere or f"page {place.path}?{place.query}" in heard or seen[place.path] == MOST_OF_ONE:
            continue
        seen[place.path] += 1
        answer = browser.get(address, timeout=20)
        heard[f"page {place.path}?{place.query}"] = answer.text
        waiting += [
            urljoin(address, html.unescape(one)) for one in re.findall(r'(?:href|hx-get)="([^"#]+)', answer.text)
        ]
        if re.fullmatch(r"/connections/\d+/", place.path):
            given = {"csrfmiddlewaretoken": _token(answer.text), "rate": "nonsense", "value.key": f"{KEY} wrong"}
            heard[f"form {place.path}"] = browser.post(address, data=given, timeout=20).text
        if place.path.endswith("/dry-run/"):
            chosen = re.findall(r'<option value="((?:sample|event):[^"]+)', answer.text)[:1]
            given = {
                "csrfmiddlewaretoken": _token(answer.text),
                "version": "draft",
                "event": "".join(chosen),
                "do": "run",
            }
            heard[f"form {place.path}"] = browser.post(address, data=given, timeout=30).text
    assert {
        "/runs/",
        "/issues/",
        "/connections/",
        "/inbox/rejected/",
        "/account/codes/",
        "/flows/2/dry-run/",
        "/flows/2/samples/",
    } <= {*seen}
    return planted


def _signed_in(relay: Relay, heard: dict[str, str]) -> requests.Session:
    browser = requests.Session()
    for number, password in enumerate((f"{PASSWORD} ", PASSWORD)):
        page = browser.get(f"{relay.url}/sign-in/", timeout=10)
        given = {"csrfmiddlewaretoken": _token(page.text), "login": EMAIL, "password": password}
        heard[f"sign in {number}"] = browser.post(f"{relay.url}/sign-in/", data=given, timeout=10).text
    assert "Sign out" in heard["sign in 1"]
    return browser


def _token(page: str) -> str:
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found
    return found[1]


def _enrol(relay: Relay, browser: requests.Session) -> dict[str, str]:
    """Set up an authenticator app, and see its recovery codes: both are shown this once."""
    page = _confirmed(relay, browser, "/account/app/on/")
    secret = secret_on(page)
    given = {"csrfmiddlewaretoken": _token(page), "code": code(secret)}
    shown = browser.post(f"{relay.url}/account/app/on/", data=given, timeout=10).text
    codes = re.findall(r"\b\d{8}\b", shown.partition('class="codes">')[2])
    assert len(codes) == 10
    return {"app": secret, "recovery": codes[0], "recovery too": codes[9], "session": _cookie(browser)}


def _enrol_halfway(relay: Relay, invitation: str) -> dict[str, str]:
    """Join by an invitation, and begin to set up an authenticator app."""
    browser = requests.Session()
    address = f"{relay.url}/join/{invitation}/"
    page = browser.get(address, timeout=10).text
    given = {"csrfmiddlewaretoken": _token(page), "email": "bob@example.com", "password": PASSWORD}
    assert "Sign out" in browser.post(address, data=given, timeout=10).text
    secret = secret_on(_confirmed(relay, browser, "/account/app/on/"))
    return {"app under way": secret, "other session": _cookie(browser)}


def _confirmed(relay: Relay, browser: requests.Session, path: str) -> str:
    """A page that asks for the password first, where it does."""
    answer = browser.get(f"{relay.url}{path}", timeout=10)
    if "/account/confirm/" in answer.url:
        given = {"csrfmiddlewaretoken": _token(answer.text), "password": PASSWORD}
        answer = browser.post(answer.url, data=given, timeout=10)
    return answer.text


def _cookie(browser: requests.Session) -> str:
    """Return what signs a person in: the signature of the session's key."""
    return str(browser.cookies["sessionid"]).partition(":")[2]


def _go_through_a_proxy(relay: Relay, urls: dict[str, str], heard: dict[str, str]) -> None:
    """Start again behind a proxy with a password that can't be reached, and fail."""
    port = relay.url.rpartition(":")[2]
    relay.stop()
    relay.env["RELAY_OUTBOUND_PROXY"] = f"http://relay:{quote(PROXY, safe='')}@127.0.0.1:1"
    relay.start("--port", port)
    urllib.request.urlopen(urllib.request.Request(urls["Signed"], data=b"{}"), timeout=10).close()
    newest = ["runs", "--flow", "Signed", "--limit", "1", "--json"]
    wait_until(lambda: "proxy" in relay.json(*newest)[0]["reason"], what="the proxy is not reached")
    heard["behind a proxy"] = relay.command(*newest)
    told = processes(relay)
    # The environment is where it was given.
    heard |= {f"{name} behind a proxy": text for name, text in told.items() if name.startswith("cmdline")}
