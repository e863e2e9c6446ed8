"""The authorization server of the tests refuses what a real one refuses; else the other tests would prove nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from relay.connectors.oauth_requests import challenge_of
from tests.support.authorization_server import CLIENT_ID, CLIENT_SECRET, REDIRECT, AuthorizationServer

VERIFIER = "v" * 43
QUERY = {
    "response_type": "code",
    "client_id": CLIENT_ID,
    "redirect_uri": REDIRECT,
    "state": "s",
    "scope": "read",
    "code_challenge": challenge_of(VERIFIER),
    "code_challenge_method": "S256",
    "decision": "allow",
}
EXCHANGE = {
    "grant_type": "authorization_code",
    "redirect_uri": REDIRECT,
    "code_verifier": VERIFIER,
    "client_id": CLIENT_ID,
    "client_secret": CLIENT_SECRET,
}


@pytest.fixture
def server() -> Iterator[AuthorizationServer]:
    with AuthorizationServer() as running:
        yield running


def authorized(server: AuthorizationServer, **changes: Any) -> dict[str, str]:
    """What the browser brings back."""
    query = {name: value for name, value in {**QUERY, **changes}.items() if value is not None}
    answer = requests.get(f"{server.url}/authorize", query, allow_redirects=False, timeout=5)
    if answer.status_code != 302:
        return {"shown": answer.text}
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def exchanged(server: AuthorizationServer, **changes: Any) -> requests.Response:
    form = {name: value for name, value in {**EXCHANGE, **changes}.items() if value is not None}
    return requests.post(f"{server.url}/token", form, timeout=5)


def test_it_gives_tokens_for_a_right_request(server: AuthorizationServer) -> None:
    answer = exchanged(server, code=authorized(server)["code"])

    assert answer.status_code == 200
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    assert requests.post(f"{server.url}/api/x", b"{}", headers=headers, timeout=5).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"decision": "deny"}, "access_denied"),
    ],
)
def test_it_refuses_broken_authorizations(server: AuthorizationServer, changes: dict[str, Any], error: str) -> None:
    changes = {"code_challenge": "x"} | changes if changes.get("code_challenge") == "" else changes
    assert authorized(server, **changes)["error"] == error


@pytest.mark.parametrize("changes", [{"client_id": "other"}, {"redirect_uri": "https://evil.example/"}])
def test_it_sends_nobody_to_an_address_that_is_not_registered(
    server: AuthorizationServer, changes: dict[str, str]
) -> None:
    assert "<h1>" in authorized(server, **changes)["shown"]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_grant"),
        ({"redirect_uri": f"{REDIRECT}x"}, "invalid_grant"),
        ({"code": "guess"}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": None}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_it_refuses_broken_exchanges(server: AuthorizationServer, changes: dict[str, Any], error: str) -> None:
    answer = exchanged(server, **{"code": authorized(server)["code"], **changes})

    assert (answer.status_code // 100, answer.json()["error"]) == (4, error)


def test_a_code_and_a_rotated_token_work_once(server: AuthorizationServer) -> None:
    code = authorized(server)["code"]
    first = exchanged(server, code=code).json()
    refresh = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "code_verifier": None}

    statuses = [exchanged(server, code=code).status_code]
    statuses += [exchanged(server, **refresh, redirect_uri=None).status_code for _ in range(2)]

    assert statuses == [400, 200, 400]
    assert server.refreshes == 1
    server.revoke_all()
    assert not server.accepts(f"Bearer {first['access_token']}")
