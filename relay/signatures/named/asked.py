"""What a named verifier is asked, with the readings that several of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.signatures.encodings import decoded
from relay.signatures.fetching import Fetch
from relay.signatures.keys import Secret, part
from relay.signatures.request import Request, as_bytes
from relay.signatures.scheme import Encoding
from relay.signatures.verdict import Refused


@dataclass(frozen=True, slots=True)
class Asked:
    """Did the holder of `secret` send `request`? `tolerance`: seconds; `options`: the preset's."""

    request: Request
    secret: Secret
    now: float
    tolerance: int | None
    options: Mapping[str, Any]
    fetch: Fetch | None

    def header(self, name: str) -> bytes:
        """A header that must be there."""
        value = self.request.headers.get(name)
        if not value:
            raise Refused(f"The header {name} is missing")
        return as_bytes(value)

    def signature(self, name: str, encoding: Encoding = "base64") -> bytes:
        """A header that holds a signature."""
        return readable(self.header(name), encoding)

    def part(self, name: str) -> str:
        """A part of the secret that must be there."""
        value = part(self.secret, name)
        if not value:
            raise Refused(f"The secret has no {name.replace('_', ' ')}; without it everything is refused")
        return value

    def given(self, name: str) -> Any:
        """A part of a secret that has parts; None where it isn't there."""
        return None if isinstance(self.secret, str) else self.secret.get(name)


def readable(text: bytes, encoding: Encoding = "base64") -> bytes:
    """A signature, decoded; raises Refused where it isn't written as it should be."""
    signature = decoded(text, encoding)
    if signature is None:
        raise Refused("The signature can't be read")
    return signature


def mismatch() -> Refused:
    return Refused("The signature does not match")
