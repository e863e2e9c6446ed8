"""Signs requests, so that receivers can verify that they are from Relay and unchanged."""

from __future__ import annotations

from datetime import UTC, datetime

from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError

from relay.errors import RequestRefused, ValueRefused

SCHEMES = ("standard-webhooks",)


def signature_headers(scheme: str, secret: str, *, key: str, body: bytes | None, now: float) -> dict[str, str]:
    """The headers that sign `body` under `scheme`. `key` is the message's id, the same for all tries; `now` Unix time.

    Standard Webhooks: the secret is base64, with or without `whsec_` before it. Source: standardwebhooks.com, 1.0.0.
    """
    check(scheme, secret)
    moment = datetime.fromtimestamp(int(now), UTC)
    try:
        signature = Webhook(secret).sign(key, moment, (body or b"").decode())
    except (EmptyWebhookSecretError, ValueError):
        raise ValueRefused("The signing secret can't be read: it is base64, often with whsec_ before it") from None
    return {"webhook-id": key, "webhook-timestamp": str(int(now)), "webhook-signature": signature}


def check(scheme: str, secret: str) -> None:
    """Raises RequestRefused for an unknown scheme or a missing secret."""
    if scheme not in SCHEMES:
        raise RequestRefused(f"Relay doesn't know the signature “{scheme}”; there is {', '.join(SCHEMES)}")
    if not secret:
        raise ValueRefused("Signing needs a connection that holds the signing secret; choose one in this step")
