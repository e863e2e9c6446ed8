"""Tests of the security headers, and that no page has inline scripts, inline styles or links to another host."""

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

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow, Role, Workspace
from tests.support.asgi_requests import Answered, in_turn
from tests.support.running import environment
from tests.web.auth.test_permissions import CASES, NOBODY, World, _parameters, flow_of, world

__all__ = ["flow_of", "world"]  # the fixtures

TEMPLATES = sorted((Path(__file__).parents[3] / "templates").rglob("*.html"))
GETS = [name for name, method in CASES if method == "GET"]
POSTS = [name for name, method in CASES if method == "POST"]
STATIC = "http://testserver/static/ http://127.0.0.1:8000/static/"
POLICY = {
    "default-src": "'none'",
    "script-src": STATIC,
    "style-src": STATIC,
    "img-src": f"{STATIC} data:",
    "connect-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
EXPECTED_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# address, headers, status
ANSWERS = {
    "a page": ("/flows/", {}, 200),
    "a fragment": ("/runs/newer/", {"HX-Request": "true"}, 200),
    "a way elsewhere": ("/", {}, 302),
    "signing in": ("/sign-in/", {}, 302),
    "a style sheet": ("/static/base.css", {}, 200),
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
        """Tags that a strict policy would refuse."""
        return [
            (tag, attributes)
            for tag, attributes in self.tags
            if tag == "style"
            or (tag == "script" and "src" not in attributes and attributes.get("type") != "application/json")
            or any(name == "style" or name.startswith(("on", "hx-on")) for name in attributes)
            or any(value.strip().lower().startswith("javascript:") for value in attributes.values())
        ]

    @property
    def addresses(self) -> list[str]:
        """The targets of links, forms and htmx requests."""
        names = ("href", "action", "formaction", "src", "hx-get", "hx-post")
        return [attributes[name] for tag, attributes in self.tags for name in names if name in attributes]


def policy(value: str) -> dict[str, str]:
    return {part.split()[0]: part.strip().partition(" ")[2] for part in value.split(";") if part.strip()}


@pytest.mark.parametrize("kind", ANSWERS)
def test_every_response_has_the_security_headers(alice: Client, kind: str) -> None:
    address, headers, status = ANSWERS[kind]

    answer = alice.get(address, headers=headers)

    assert answer.status_code == status
    named = "http://127.0.0.1:8000/static/" if "Host" in headers else STATIC
    assert policy(answer["Content-Security-Policy"]) == {
        part: value.replace(STATIC, named) for part, value in POLICY.items()
    }
    assert {name: answer[name] for name in EXPECTED_HEADERS} == EXPECTED_HEADERS
    assert "camera=()" in answer["Permissions-Policy"]
    assert "Strict-Transport-Security" not in answer


@pytest.mark.parametrize(
    ("public", "host", "scheme", "named"),
    [
        ("https://relay.example", "relay.example", "https", "https://relay.example/static/"),
        ("https://relay.example:8443", "relay.example:8443", "https", "https://relay.example:8443/static/"),
        # A proxy that doesn't pass on the scheme, the port or the host.
        (
            "https://relay.example",
            "relay.example",
            "http",
            "http://relay.example/static/ https://relay.example/static/",
        ),
        (
            "https://relay.example:8443",
            "relay.example",
            "https",
            "https://relay.example/static/ https://relay.example:8443/static/",
        ),
        (
            "http://127.0.0.1:8000",
            "LOCALHOST:9000",
            "http",
            "http://localhost:9000/static/ http://127.0.0.1:8000/static/",
        ),
        # No policy can name an IPv6 address.
        ("http://[::1]:8000", "[::1]:8000", "http", "'self'"),
        ("https://relay.example", "[::1]:8000", "http", "'self'"),
        ("https://relay.example", "relay.example.", "https", "https://relay.example/static/"),
    ],
)
def test_scripts_and_styles_come_from_the_static_path_of_the_host(
    client: Client, db: None, settings: Any, public: str, host: str, scheme: str, named: str
) -> None:
    settings.PUBLIC_URL, settings.ALLOWED_HOSTS = public, ["relay.example", "localhost", "[::1]"]
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

    answer = client.get("/sign-in/", headers={"Host": host, "X-Forwarded-Proto": scheme})

    directives = policy(answer["Content-Security-Policy"])
    assert (directives["script-src"], directives["style-src"], directives["img-src"]) == (
        named,
        named,
        f"{named} data:",
    )


def test_hsts_is_sent_with_an_https_public_url(alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "PUBLIC_URL", "https://relay.example")

    assert [alice.get(address)["Strict-Transport-Security"] for address in ("/flows/", "/x/", "/static/base.css")] == [
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


def test_no_template_holds_a_script_or_a_style() -> None:
    texts = {path.name: re.sub(r"{%.*?%}", "", path.read_text()) for path in TEMPLATES}

    assert {name: inline for name, text in texts.items() if (inline := Page(text).inline)} == {}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", GETS)
def test_no_page_holds_a_script_or_a_style(world: World, name: str) -> None:
    answer = world.ask(Role.OWNER, name, "GET")

    if answer.streaming:  # a file, which is no page
        assert answer["Content-Disposition"].startswith("attachment")
    else:
        assert Page(answer.content.decode()).inline == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", POSTS)
def test_every_post_needs_a_csrf_token(world: World, name: str) -> None:
    for who in (Role.OWNER, NOBODY):
        browser = world.clients[who]
        browser.handler.enforce_csrf_checks = True

        answer = world.ask(who, name, "POST")

        assert answer.status_code == 403
        assert "That form was refused" in answer.content.decode()


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_no_page_leads_to_another_host(world: World, name: str, method: str) -> None:
    if (name, method) not in CASES:
        return
    address = reverse(name, kwargs={key: world.arguments[key] for key in _parameters(name)})
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
    current_url = hostile.replace("\x00", "").replace("\t", "")

    answer = client.get("/runs/newer/", headers={"HX-Request": "true", "HX-Current-URL": current_url})

    assert answer["HX-Redirect"].startswith("/sign-in/?next=/")
    assert "evil" not in answer["HX-Redirect"]


def _is_elsewhere(lead: str) -> bool:
    """Return whether a browser that follows this target leaves the host or runs a script."""
    plain = lead.replace("\\", "/").replace("\t", "").strip("\x00 ")
    url = urlsplit(urljoin("http://testserver/x/", plain))
    return "evil" in (url.hostname or "") or url.scheme not in ("http", "https")


@pytest.mark.parametrize(
    "response",
    [
        {},
        {"headers": {"Content-Type": "text/html", "Set-Cookie": "sessionid=x"}, "body": "<script>alert(1)</script>"},
        {"status": 204},
    ],
)
def test_a_flows_response_cannot_run_in_a_browser(workspace: Workspace, response: dict[str, Any]) -> None:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", "response": response}, "steps": []}
    flow = Flow.objects.get(pk=flow_lifecycle.create_flow(workspace, document).pk)

    answers: list[Answered] = in_turn((f"/in/{flow.trigger.token}", {}), ("/in/unknown-token-unknown-token", {}))

    for answer in answers:
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "set-cookie" not in answer.headers
    assert answers[1].headers["x-content-type-options"] == "nosniff"
