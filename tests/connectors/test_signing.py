"""Tests that the receiver's library accepts signed requests."""

from __future__ import annotations

import time

import pytest
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from relay.connectors import registry, request_builder
from relay.connectors.signing import signature_headers
from relay.errors import RequestRefused

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def request(inputs: dict, connection: dict | None = None):
    connector, action = registry.find("http.request")
    values = {"url": "https://example.com/x", "body": {"json": {"id": 1}}, **inputs}
    return request_builder.build(connector, action, values, connection, key="run-step")


def test_a_receiver_can_check_it() -> None:
    sent = request({"sign": "standard-webhooks"}, {"signing_secret": SECRET})

    Webhook(SECRET).verify(sent.body, sent.headers)

    assert sent.headers["webhook-id"] == sent.headers["Idempotency-Key"] == "run-step"
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(sent.body + b" ", sent.headers)


def test_nothing_is_signed_unasked() -> None:
    assert "webhook-signature" not in request({}, {"signing_secret": SECRET}).headers


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_§"])
def test_a_secret_that_cannot_sign(secret: str) -> None:
    with pytest.raises(RequestRefused, match="secret"):
        request({"sign": "standard-webhooks"}, {"signing_secret": secret})


def test_an_unknown_scheme() -> None:
    with pytest.raises(RequestRefused, match="standard-webhooks"):
        signature_headers("sha-1", SECRET, key="k", body=b"", now=time.time())
