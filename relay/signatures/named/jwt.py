"""Parses JSON Web Tokens in compact form strictly; the verifier decides the algorithm, not the token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from relay.signatures.encodings import decoded
from relay.signatures.verdict import Refused

MAX_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Token:
    """Header and claims, the bytes that are signed, and the signature."""

    header: dict[str, Any]
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def parse(text: bytes, algorithm: str, *, most: int = MAX_BYTES) -> Token:
    """Raises Refused for invalid tokens, and tokens with another algorithm, such as `none`."""
    pieces = text.split(b".")
    raw = [None if b"=" in piece else decoded(piece, "base64url") for piece in pieces]
    if len(text) > most or len(pieces) != 3 or None in raw:
        raise Refused("The signature is not a JSON Web Token")
    header, claims, signature = (piece or b"" for piece in raw)
    token = Token(_object(header), _object(claims), text.rpartition(b".")[0], signature)
    if token.header.get("alg") != algorithm or "crit" in token.header:
        raise Refused(f"The token's algorithm is not {algorithm}")
    return token


def check_times(token: Token, now: float, *, leeway: float, needed: tuple[str, ...] = ("exp",)) -> None:
    """Raises Refused outside of `nbf` and `exp`, or if a required one is missing."""
    for name in ("exp", "nbf"):
        value = token.claims.get(name)
        if value is None and name not in needed:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Refused(f"The token's {name} is missing or not a number")
        if (name == "exp" and now > value + leeway) or (name == "nbf" and now < value - leeway):
            raise Refused("The token is not in force " + ("any more" if name == "exp" else "yet"))


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused("The signature is not a JSON Web Token")
    return value
