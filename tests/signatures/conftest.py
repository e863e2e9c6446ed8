"""Signs requests for tests."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence

from relay.connectors import registry
from relay.signatures import Handshaker, Secret, SenderRequest, verifier
from relay.signatures.handshakes import HandshakeAnswer
from relay.signatures.scheme import Named, Scheme
from relay.signatures.verdict import Verdict

NOW = 1_795_000_000
URL = "https://relay.example.com/in/abc123"


def request(
    body: bytes = b"{}", headers: dict[str, str] | None = None, method: str = "POST", url: str = URL
) -> SenderRequest:
    return SenderRequest(method, url, headers or {}, body)


def scheme(name: str) -> Scheme | Named:
    how, _ = registry.scheme(name)
    assert how is not None
    return how


def verdict(name: str, sent_request: SenderRequest, secrets: Sequence[Secret], now: float = NOW) -> Verdict:
    return verifier(scheme(name)).verify(sent_request, secrets, now)


def shaken(
    name: str, sent_request: SenderRequest, secrets: Sequence[Secret] = (), *, has_secret: bool | None = None
) -> HandshakeAnswer | None:
    """The answer to a handshake that comes without a signature."""
    stored = bool(secrets) if has_secret is None else has_secret
    return Handshaker(registry.scheme(name)[1]).before(sent_request, secrets, has_secret=stored)


def hex_of(key: str, message: bytes) -> str:
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def base64_of(key: bytes, message: bytes, algorithm: str = "sha256") -> str:
    return base64.b64encode(hmac.new(key, message, algorithm).digest()).decode()
