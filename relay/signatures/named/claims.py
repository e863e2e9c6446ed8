"""Tokens whose claims hold the hash of the body, by a shared secret or a key to ask for; bodies that are a token."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Any

import msgspec

from relay.signatures import publickeys
from relay.signatures.fetching import Wanted, fetched
from relay.signatures.keys import key_of
from relay.signatures.named import jwt
from relay.signatures.named.asked import Asked, mismatch
from relay.signatures.request import as_bytes
from relay.signatures.scheme import Key
from relay.signatures.verdict import Refused

LEEWAY = 1.0
MOST_BODY = 1024 * 1024


def check_shared(asked: Asked) -> None:
    """HS256. `options`: `header`, and what stands before the token there (`prefix`); `issuer`, or the part of the
    secret that names it (`issuer_part`); the claims `body` and `url`, in `hash`: hex or base64; `needs`: which times
    there must be.

    Sources: messagebird 2.2.0, request_validator; developer.vonage.com, signed webhooks; docs.netlify.com, deploy
    notifications; livekit-api 1.0, webhook.py.
    """
    key = key_of(asked.secret, Key())
    if key is None:
        raise Refused("No secret is stored that can be used; without one everything is refused")
    token = jwt.parse(_token(asked), "HS256")
    if not hmac.compare_digest(hmac.digest(key, token.signed, "sha256"), token.signature):
        raise mismatch()
    options = asked.options
    jwt.check_times(token, asked.now, leeway=LEEWAY, needed=tuple(options.get("needs", ("exp", "nbf"))))
    if asked.tolerance is not None:
        _check_age(asked, token)
    issuer = asked.part(str(options["issuer_part"])) if "issuer_part" in options else options["issuer"]
    if token.claims.get("iss") != issuer:
        raise Refused("The token was issued by somebody else")
    how = str(options.get("hash", "hex"))
    if "url" in options:
        _check_hash(token, str(options["url"]), as_bytes(asked.request.url), how)
    _check_hash(token, str(options["body"]), asked.request.body, how)


def _token(asked: Asked) -> bytes:
    name, prefix = str(asked.options["header"]), str(asked.options.get("prefix", "")).encode()
    value = asked.header(name)
    if not value.startswith(prefix):
        raise Refused(f"The header {name} holds no token")
    return value.removeprefix(prefix)


def _check_hash(token: jwt.Token, name: str, value: bytes, how: str = "hex") -> None:
    claimed = token.claims.get(name)
    if not value and claimed is None:
        return
    hashed = hashlib.sha256(value).digest()
    right = hashed.hex().encode() if how == "hex" else b64encode(hashed)
    if not isinstance(claimed, str) or not hmac.compare_digest(claimed.encode("utf-8", "surrogatepass"), right):
        raise Refused(f"The token's {name} is not the hash of what came")


def _check_age(asked: Asked, token: jwt.Token) -> None:
    issued = token.claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise Refused("The token does not say when it was issued")
    if asked.tolerance is not None and abs(asked.now - issued) > asked.tolerance:
        raise Refused(f"The token was issued {abs(asked.now - issued):.0f} s off; {asked.tolerance} s are allowed")


def check_whole(asked: Asked) -> None:
    """RS256 over a body that is a token itself, by the public key that the sender shows: the part `public_key`.

    Source: dev.wix.com, webhooks.
    """
    token = jwt.parse(asked.request.body.strip(), "RS256", most=MOST_BODY)
    key = asked.part("public_key").encode()
    if not publickeys.verify_rsa(key, token.signature, token.signed, "sha256"):
        raise mismatch()
    jwt.check_times(token, asked.now, leeway=LEEWAY)


def check_asked(asked: Asked) -> None:
    """ES256, by a key that the sender's API gives for the token's `kid`.

    `options`: `header`, `body` (the claim) and `url` of the API. Source: plaid.com/docs/api/webhooks.
    """
    token = jwt.parse(asked.header(str(asked.options["header"])), "ES256")
    if not publickeys.verify_jwk(_key(asked, token), "ES256", token.signature, token.signed):
        raise mismatch()
    _check_age(asked, token)
    if token.claims.get(str(asked.options["body"])) is None:
        raise Refused("The token has no hash of the body")
    _check_hash(token, str(asked.options["body"]), asked.request.body)


def _key(asked: Asked, token: jwt.Token) -> dict[str, Any]:
    stand_in = asked.given("jwk")
    if stand_in:
        return _object(stand_in)
    body = msgspec.json.encode(
        {
            "client_id": asked.part("client_id"),
            "secret": asked.part("secret"),
            "key_id": str(token.header.get("kid", ""))[:200],
        }
    )
    wanted = Wanted(str(asked.options["url"]), "POST", {"Content-Type": "application/json"}, body)
    answer = _object(fetched(asked.fetch, wanted).decode("utf-8", "replace"))
    return _object(answer.get("key"))


def _object(value: Any) -> dict[str, Any]:
    """A JSON object, or the text of one."""
    try:
        found = msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise Refused("The sender's key can't be read")
    return found
