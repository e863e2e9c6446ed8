"""Defines what a named verifier is given: the request, the secret and the options; and readers that several share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.signatures.encodings import decoded
from relay.signatures.fetching import Fetch
from relay.signatures.keys import Secret, part
from relay.signatures.request import SenderRequest, as_bytes
from relay.signatures.scheme import Encoding
from relay.signatures.verdict import Refused


@dataclass(frozen=True, slots=True)
class VerifierInput:
    """A request to verify with a secret. `tolerance`: in seconds; `options`: those of the preset."""

    request: SenderRequest
    secret: Secret
    now: float
    tolerance: int | None
    options: Mapping[str, Any]
    fetch: Fetch | None

    def header(self, name: str) -> bytes:
        """The value of a required header."""
        value = self.request.headers.get(name)
        if not value:
            raise Refused(f"The header {name} is missing")
        return as_bytes(value)

    def signature(self, name: str, encoding: Encoding = "base64") -> bytes:
        """The signature in a required header."""
        return readable(self.header(name), encoding)

    def part(self, name: str) -> str:
        """A required part of the secret."""
        value = part(self.secret, name)
        if not value:
            raise Refused(f"The secret has no {name.replace('_', ' ')}; without it everything is refused")
        return value

    def optional_part(self, name: str) -> Any:
        """A part of a secret that has several, or None."""
        return None if isinstance(self.secret, str) else self.secret.get(name)


def readable(text: bytes, encoding: Encoding = "base64") -> bytes:
    """The decoded signature; raises Refused for a malformed one."""
    signature = decoded(text, encoding)
    if signature is None:
        raise Refused("The signature can't be read")
    return signature


def mismatch() -> Refused:
    return Refused("The signature does not match")
