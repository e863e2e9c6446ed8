"""JSON Web Key Sets: the key that a message names, of those that a sender publishes."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.signatures.fetching import Wanted, fetched
from relay.signatures.named.asked import Asked
from relay.signatures.verdict import Refused


def key(asked: Asked, url: str, kid: str) -> dict[str, Any]:
    """The key called `kid` at the sender's address, or of the set that stands in for it."""
    stand_in = asked.given("jwks")
    keys = _keys(stand_in or fetched(asked.fetch, Wanted(url)))
    found = next((one for one in keys if isinstance(one, dict) and one.get("kid") == kid), None)
    if found is None:
        raise Refused("The key that it was signed with is not one that the sender publishes")
    return found


def _keys(document: Any) -> list[Any]:
    try:
        value = msgspec.json.decode(document) if isinstance(document, str | bytes) else document
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        raise Refused("The sender's keys can't be read")
    return keys
