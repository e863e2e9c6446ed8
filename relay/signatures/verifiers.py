"""A scheme becomes a verifier, be it data for the interpreter or the name of code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from relay.signatures.fetching import Fetch
from relay.signatures.interpreter import Interpreter
from relay.signatures.keys import Secret
from relay.signatures.named import NamedVerifier
from relay.signatures.request import Request
from relay.signatures.scheme import Named, Scheme
from relay.signatures.verdict import Verdict


class Verifier(Protocol):
    """Says whether a request comes from its sender. `fetches`: it may call out, so not in an event loop."""

    @property
    def fetches(self) -> bool: ...

    def verify(self, request: Request, secrets: Sequence[Secret], now: float) -> Verdict: ...


def verifier(how: Scheme | Named, *, tolerance: int | None = None, fetch: Fetch | None = None) -> Verifier:
    """`tolerance`: seconds in place of the scheme's own. Raises ValueError where the scheme is not sound."""
    if isinstance(how, Named):
        return NamedVerifier(how, tolerance, fetch)
    return Interpreter(how, tolerance)
