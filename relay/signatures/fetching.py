"""Fetches keys and certificates that verifiers need, from hosts that are pinned before anything is sent."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from relay.errors import RelayError
from relay.signatures.verdict import Refused, Undecided


@dataclass(frozen=True, slots=True)
class KeyDocument:
    """A document to fetch; the answer must be 200. `keep`: whether it may be kept for other requests."""

    url: str
    method: str = "GET"
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | None = None
    keep: bool = True


# Returns the body, or raises RelayError. The caller provides it: this package itself opens no connection.
Fetch = Callable[[KeyDocument], bytes]


def pinned(url: object, pattern: str) -> str:
    """Returns `url` if it matches `pattern` as a whole; raises Refused before anything is sent.

    The pattern covers the whole text, because another parser might read another host than one here.
    """
    if not isinstance(url, str) or not re.fullmatch(pattern, url, re.ASCII):
        raise Refused("The address of the sender's key is not one of the sender's own")
    return url


def fetched(fetch: Fetch | None, wanted: KeyDocument) -> bytes:
    """The document; raises Undecided if it can't be fetched now."""
    if fetch is None:
        raise Undecided("The sender's key would have to be fetched, which is not done here")
    try:
        return fetch(wanted)
    except RelayError as error:
        raise Undecided(f"The sender's key could not be fetched: {error}") from None
