"""Makes a verifier of a scheme, which is data for the interpreter or names code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from relay.signatures.fetching import Fetch
from relay.signatures.interpreter import Interpreter
from relay.signatures.keys import Secret
from relay.signatures.named import NamedVerifier
from relay.signatures.request import SenderRequest
from relay.signatures.scheme import Handshake, Named, Scheme
from relay.signatures.verdict import Verdict


class Verifier(Protocol):
    """Verifies requests. `fetches`: whether it may send requests itself, so it must not run in an event loop."""

    @property
    def fetches(self) -> bool: ...

    def verify(self, request: SenderRequest, secrets: Sequence[Secret], now: float) -> Verdict: ...


def verifier(
    how: Scheme | Named,
    handshakes: Sequence[Handshake] = (),
    *,
    tolerance: int | None = None,
    fetch: Fetch | None = None,
) -> Verifier:
    """Makes the verifier of a scheme. `tolerance`: seconds in place of the scheme's own.

    `handshakes`: those that are answered with the same secret. Raises ValueError if the scheme is not sound, alone or
    together with these handshakes.
    """
    if isinstance(how, Named):
        return NamedVerifier(how, tolerance, fetch, handshakes)
    return Interpreter(how, tolerance, handshakes)
