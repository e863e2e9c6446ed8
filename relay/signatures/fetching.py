"""What some verifiers must fetch: keys and certificates, from hosts that they pin before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.errors import RelayError
from relay.signatures.verdict import Refused, Undecided


@dataclass(frozen=True, slots=True)
class Wanted:
    """One document to fetch; the answer must be 200. `keep`: whether it may serve for other requests, too."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    keep: bool = True


# Returns the body; raises RelayError where there is none. It is the caller's: the package itself opens no connection.
Fetch = Callable[[Wanted], bytes]


def pinned(url: object, pattern: str) -> str:
    """`url`, if all of it is as `pattern` says; raises Refused before anything is sent.

    A pattern over the whole text and not a parser: what parses as the right host here may be another elsewhere.
    """
    if not isinstance(url, str) or not re.fullmatch(pattern, url, re.ASCII):
        raise Refused("The address of the sender's key is not one of the sender's own")
    return url


def fetched(fetch: Fetch | None, wanted: Wanted) -> bytes:
    """The document; raises Undecided where it can't be had now."""
    if fetch is None:
        raise Undecided("The sender's key would have to be fetched, which is not done here")
    try:
        return fetch(wanted)
    except RelayError as error:
        raise Undecided(f"The sender's key could not be fetched: {error}") from None
