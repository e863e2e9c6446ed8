"""Verifies HTTP's Basic authentication: a user name and a password."""

from __future__ import annotations

import hmac
from base64 import b64encode

from relay.signatures.keys import Secret, part


def expected(secret: Secret) -> bytes | None:
    """`user:password` in base64, as a request must carry it after "Basic "; None without a password.

    A secret that is a single text contains both, with a colon between them.
    """
    if isinstance(secret, str):
        user, _, password = secret.partition(":")
    else:
        user, password = part(secret, "username"), part(secret, "password")
    return b64encode(f"{user}:{password}".encode()) if password.strip() else None


def is_given(wanted: bytes, _: bytes, headers: list[bytes]) -> bool:
    """Whether one of the Authorization headers carries `wanted`."""
    given = [text.partition(b" ") for text in headers]
    values = [value.strip() for scheme, _, value in given if scheme.lower() == b"basic"]
    return any([hmac.compare_digest(wanted, value) for value in values])  # noqa: C419 - all are compared
