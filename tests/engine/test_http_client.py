"""Tests that the sender uses the settings."""

from __future__ import annotations

from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from relay.engine.http_client import sender
from relay.errors import RequestRefused
from relay.outbound import Request


@pytest.mark.parametrize(
    ("name", "value", "url", "reason"),
    [
        ("ALLOWED_NETWORKS", [], "http://127.0.0.1:8080/", "private"),
        ("OUTBOUND_PORTS", ["443"], "http://127.0.0.1:8080/", "port 8080"),
        ("CONNECTOR_URLS", {"https://api.example": "http://10.0.0.1"}, "https://api.example/", "10.0.0.1 leads to"),
    ],
)
def test_what_settings_shut_is_refused(settings: Any, name: str, value: object, url: str, reason: str) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    setattr(settings, name, value)

    with pytest.raises(RequestRefused, match=reason):
        sender.__wrapped__().send(Request("GET", url))


def test_the_proxy_of_the_settings_is_asked(settings: Any, httpserver: HTTPServer) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.OUTBOUND_PROXY = f"http://127.0.0.1:{httpserver.port}"
    httpserver.expect_request("", method="CONNECT").respond_with_response(Response(status=403))

    with pytest.raises(RequestRefused, match="proxy refuses"):
        sender.__wrapped__().send(Request("GET", "http://127.0.0.1:8080/"))
