"""Tests the adapter in a session of requests, as libraries with their own session use it."""

from __future__ import annotations

import pytest
import requests
from pytest_httpserver import HTTPServer

from relay.errors import RequestRefused
from relay.outbound import GuardedAdapter


@pytest.fixture
def session() -> requests.Session:
    adapter = GuardedAdapter(["127.0.0.0/8"], {}, timeout=2.0, keep=1000, ca_file=None)
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def test_a_session_sends_through_the_guard(session: requests.Session, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/token", method="POST", data="grant=code").respond_with_json({"access": "yes"})

    response = session.post(
        httpserver.url_for("/token").replace("localhost", "127.0.0.1"), data={"grant": "code"}, timeout=2
    )

    assert response.json() == {"access": "yes"}
    assert response.request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_session_reaches_nothing_private(session: requests.Session) -> None:
    with pytest.raises(RequestRefused):
        session.get("http://169.254.169.254/latest/meta-data/", timeout=2)
