"""What every answer says to browsers, and what no page holds: inline scripts, styles, ways out of this host."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse

from relay.engine import publish
from relay.models import Flow, Role, Workspace
from tests.ingest.asking import Answered, in_turn
from tests.running import environment
from tests.web.test_permissions import CASES, NOBODY, World, _wanted, flow_of, world

__all__ = ["flow_of", "world"]  # the fixtures

TEMPLATES = sorted((Path(__file__).parents[2] / "templates").rglob("*.html"))
GETS = [name for name, method in CASES if method == "GET"]
POSTS = [name for name, method in CASES if method == "POST"]
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
SAID = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# address, what is sent, the status
ANSWERS = {
    "a page": ("/flows/", {}, 200),
    "a fragment": ("/runs/newer/", {"HX-Request": "true"}, 200),
    "a way elsewhere": ("/", {}, 302),
    "signing in": ("/sign-in/", {}, 302),
    "a style sheet": ("/static/relay.css", {}, 200),
    "a module": ("/static/relay.js", {}, 200),
    "nothing": ("/nothing/", {}, 404),
    "an unknown host": ("/flows/", {"Host": "evil.example"}, 400),
    "the API": ("/api/v1/flows", {}, 401),
    "nothing of the API": ("/api/v1/nothing", {}, 404),
}
HOSTILE = (
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "http:///evil.example",
    "https://testserver@evil.example/",
    "https://testserver.evil.example/",
    "javascript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    " https://evil.example",
    "\x00https://evil.example",
    "/%09/evil.example",
    "https://evil.example%2f..",
)
NAMES = ("next", "back", "url", "return", "return_to", "redirect", "redirect_to", "continue")


class Page(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    @property
    def inline(self) -> list[tuple[str, dict[str, str]]]:
        """What a strict policy would refuse."""
        return [
            (tag, found)
            for tag, found in self.tags
            if tag == "style"
            or (tag == "script" and "src" not in found and found.get("type") != "application/json")
            or any(name == "style" or name.startswith(("on", "hx-on")) for name in found)
            or any(value.strip().lower().startswith("javascript:") for value in found.values())
        ]

    @property
    def addresses(self) -> list[str]:
        """Where links, forms and htmx lead."""
        names = ("href", "action", "formaction", "src", "hx-get", "hx-post")
        return [found[name] for tag, found in self.tags for name in names if name in found]


def policy(value: str) -> dict[str, str]:
    return {part.split()[0]: part.strip().partition(" ")[2] for part in value.split(";") if part.strip()}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_answer_says_what_browsers_must_not_do(alice: Client, kind: str) -> None:
    address, headers, status = ANSWERS[kind]

    answer = alice.get(address, headers=headers)

    assert answer.status_code == status
    assert policy(answer["Content-Security-Policy"]) == POLICY
    assert {name: answer[name] for name in SAID} == SAID
    assert "camera=()" in answer["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer


def test_with_https_browsers_are_told_to_stay_with_it(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://relay.example")

    assert [alice.get(address)["Strict-Transport-Security"] for address in ("/flows/", "/x/", "/static/relay.css")] == [
        "max-age=31536000"
    ] * 3


@pytest.mark.parametrize(("url", "secure"), [("https://relay.example", True), ("http://relay.example", False)])
def test_cookies_are_secure_exactly_where_the_public_url_is(tmp_path: Path, url: str, secure: bool) -> None:
    code = (
        "from relay import settings as s; from django.conf import global_settings as g;"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.CSRF_COOKIE_HTTPONLY, g.SESSION_COOKIE_HTTPONLY)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, {"RELAY_PUBLIC_URL": url}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [str(secure), str(secure), "True", "True"]


def test_cookies_are_not_for_scripts_nor_for_other_sites(client: Client, owner: Any) -> None:
    client.get("/sign-in/")
    client.post("/sign-in/", {"login": owner.email, "password": "correct horse battery"})

    kept = {name: (cookie["httponly"], cookie["samesite"]) for name, cookie in client.cookies.items()}

    assert {name: kept[name] for name in ("sessionid", "csrftoken")} == dict.fromkeys(
        ("sessionid", "csrftoken"), (True, "Lax")
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_script_or_a_style(path: Path) -> None:
    text = re.sub(r"{%.*?%}", "", path.read_text())

    assert Page(text).inline == []


@pytest.mark.parametrize("name", GETS)
def test_no_page_holds_a_script_or_a_style(world: World, name: str) -> None:
    text = world.ask(Role.OWNER, name, "GET").content.decode()

    assert Page(text).inline == []


@pytest.mark.parametrize("name", POSTS)
def test_what_changes_something_wants_its_token(world: World, name: str) -> None:
    for who in (Role.OWNER, NOBODY):
        browser = world.clients[who]
        browser.handler.enforce_csrf_checks = True

        answer = world.ask(who, name, "POST")

        assert answer.status_code == 403
        assert "Please do that once more" in answer.content.decode()


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_page_leads_to_another_host(world: World, name: str, method: str) -> None:
    if (name, method) not in CASES:
        return
    address = reverse(name, kwargs={key: world.arguments[key] for key in _wanted(name)})
    for hostile in HOSTILE:
        data = dict.fromkeys(NAMES, hostile)

        answer = getattr(world.clients[Role.OWNER], method.lower())(address, data)

        leads = [answer.get("Location", ""), answer.get("HX-Redirect", ""), answer.get("HX-Location", "")]
        leads += Page(answer.content.decode(errors="replace")).addresses
        assert [lead for lead in leads if _is_elsewhere(lead)] == []


@pytest.mark.parametrize("hostile", HOSTILE)
def test_signing_in_leads_to_a_page_of_ours(client: Client, owner: Any, hostile: str) -> None:
    page = client.get("/sign-in/", {"next": hostile})
    answer = client.post("/sign-in/", {"login": owner.email, "password": "correct horse battery", "next": hostile})

    assert answer.status_code == 302
    assert not _is_elsewhere(answer["Location"])
    assert not any(_is_elsewhere(one) for one in Page(page.content.decode()).addresses)


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_fragment_leads_to_signing_in_on_this_host(client: Client, db: None, hostile: str) -> None:
    asked = hostile.replace("\x00", "").replace("\t", "")

    answer = client.get("/runs/newer/", headers={"HX-Request": "true", "HX-Current-URL": asked})

    assert answer["HX-Redirect"].startswith("/sign-in/?next=/")
    assert "evil" not in answer["HX-Redirect"]


def _is_elsewhere(lead: str) -> bool:
    """Whether a browser that is told this goes to another host, or runs something. Services' own pages are known."""
    plain = lead.replace("\\", "/").replace("\t", "").strip("\x00 ")
    found = urlsplit(urljoin("http://testserver/x/", plain))
    return "evil" in (found.hostname or "") or found.scheme not in ("http", "https")


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"headers": {"Content-Type": "text/html", "Set-Cookie": "sessionid=x"}, "body": "<script>alert(1)</script>"},
        {"status": 204},
    ],
)
def test_what_a_flow_answers_runs_in_no_browser(workspace: Workspace, response: dict[str, Any]) -> None:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "response": response}, "steps": []}
    flow = Flow.objects.get(pk=publish.create_flow(workspace, document).pk)

    found: list[Answered] = in_turn((f"/in/{flow.trigger.token}", {}), ("/in/unknown-token-unknown-token", {}))

    for answer in found:
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    assert found[1].headers["x-content-type-options"] == "nosniff"
