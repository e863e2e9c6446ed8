"""Finds the key that a message names in the JSON Web Key Set of its sender."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.signatures.fetching import KeyDocument, fetched
from relay.signatures.named.verifier_input import VerifierInput
from relay.signatures.verdict import Refused


def key(inputs: VerifierInput, url: str, kid: str) -> dict[str, Any]:
    """The key `kid` in the set at the sender's address, or in the set of the secret that replaces it."""
    override = inputs.optional_part("jwks")
    keys = _keys(override or fetched(inputs.fetch, KeyDocument(url)))
    match = next((candidate for candidate in keys if isinstance(candidate, dict) and candidate.get("kid") == kid), None)
    if match is None:
        raise Refused("The key that it was signed with is not one that the sender publishes")
    return match


def _keys(document: Any) -> list[Any]:
    try:
        value = msgspec.json.decode(document) if isinstance(document, str | bytes) else document
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    keys = value.get("keys") if isinstance(value, dict) else None
    if not isinstance(keys, list):
        raise Refused("The sender's keys can't be read")
    return keys
