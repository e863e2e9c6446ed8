"""Defines schemes for senders without a preset."""

from __future__ import annotations

from relay.signatures.scheme import Key, Scheme, Signature, Timestamp

BASIC = Scheme(kind="basic")


def standard_webhooks(start: str = "webhook") -> Scheme:
    """Standard Webhooks, its headers called `<start>-id`, `<start>-timestamp` and `<start>-signature`."""
    return Scheme(
        kind="hmac",
        signature=Signature(f"header:{start}-signature", "base64", split=" ", kv=",", field="v1"),
        signed=f"{{header:{start}-id}}.{{timestamp}}.{{body}}",
        timestamp=Timestamp(f"header:{start}-timestamp"),
        key=Key("base64", strip=("whsec_",)),
    )


def shared(source: str) -> Scheme:
    """A secret that is sent as it is, in a header or a query parameter."""
    return Scheme(kind="shared_secret", signature=Signature(source))
