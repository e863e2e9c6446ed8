"""Tests that forms are accepted from every host that Relay is served under, and that a refusal names its cause."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from relay import origins
from tests.support.running import environment

PUBLIC = "https://relay.example"


@pytest.fixture
def served(settings: Any, owner: Any) -> None:
    """Relay as set up with a public URL over HTTPS and further hosts, and no trusted proxy."""
    settings.PUBLIC_URL = PUBLIC
    origins_served = origins.served(PUBLIC, ["second.example", "third.example:8443", ".inner.example"])
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = origins_served.hosts, origins_served.origins
    settings.CSRF_COOKIE_SECURE = True


def post(headers: dict[str, str], *, cookie: bool = True) -> tuple[int, str]:
    """Send the form of the sign-in page, with a wrong password; the status, and the text of the page."""
    client = Client(enforce_csrf_checks=True)
    page = client.get("/sign-in/", headers={"Host": headers.get("Host", "relay.example")}).content.decode()
    token = re.search('name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token is not None
    if not cookie:
        client.cookies.clear()
    form = {"csrfmiddlewaretoken": token[1], "login": "ann@example.com", "password": "wrong"}
    answer = client.post("/sign-in/", form, headers=headers)
    return answer.status_code, answer.content.decode().replace("&#x27;", "'")


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("relay.example", "https://relay.example"),
        ("localhost", "https://relay.example"),  # a proxy that sends its own Host
        ("second.example", "https://second.example"),
        ("localhost", "https://second.example"),
        ("second.example", "http://second.example"),
        ("second.example:8080", "https://second.example:8080"),
        ("second.example:443", "https://second.example"),
        ("third.example", "https://third.example:8443"),
        ("a.inner.example", "https://a.inner.example"),
        ("localhost", "https://b.inner.example"),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1", "https://127.0.0.1"),
    ],
)
def test_people_sign_in_under_every_host(served: None, host: str, origin: str) -> None:
    status, text = post({"Host": host, "Origin": origin})

    assert status == 422
    assert "That form was refused" not in text


@pytest.mark.parametrize(
    ("headers", "cookie", "message"),
    [
        ({"Origin": "https://evil.example"}, True, "sent from a page at https://evil.example"),
        ({"Origin": "https://evil.example"}, True, "set up to be served at https://relay.example"),
        ({"Origin": "https://relay.example.evil.example"}, True, "RELAY_HOSTS"),
        ({"Origin": "http://relay.example:81"}, True, "sent from a page at http://relay.example:81"),
        ({"Origin": "https://third.example:9443"}, True, "sent from a page at https://third.example:9443"),
        ({"Origin": "null"}, True, "didn't say which page"),
        ({"Origin": "http://relay.example"}, False, "without HTTPS"),
        ({"Origin": "https://relay.example"}, False, "cookies are blocked"),
    ],
)
def test_a_refusal_names_its_cause(served: None, headers: dict[str, str], cookie: bool, message: str) -> None:
    status, text = post({"Host": "relay.example", **headers}, cookie=cookie)

    assert status == 403
    assert message in text


def test_a_page_that_was_open_for_too_long_says_so(served: None) -> None:
    client = Client(enforce_csrf_checks=True)
    client.get("/sign-in/", headers={"Host": "relay.example"})

    answer = client.post("/sign-in/", {"csrfmiddlewaretoken": "x" * 64}, headers={"Host": "relay.example"})

    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()


@pytest.mark.parametrize("url", ["https://Relay.Example:443/", "https://relay.example", "HTTPS://RELAY.EXAMPLE."])
def test_settings_keep_one_spelling(tmp_path: Path, url: str) -> None:
    code = (
        "from relay import settings as s;"
        "print(s.PUBLIC_URL, s.CSRF_TRUSTED_ORIGINS[0], 'relay.example' in s.ALLOWED_HOSTS)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path, {"RELAY_PUBLIC_URL": url}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.split() == [PUBLIC, PUBLIC, "True"]
