"""A token in a header whose claims hold the hash of the body: signed with a shared secret, or with a key to ask for."""

from __future__ import annotations

import hashlib
import hmac
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


def check_shared(asked: Asked) -> None:
    """HS256. `options`: `header`, `issuer`, and the names of the claims, `body` and `url`.

    Source: messagebird 2.2.0, request_validator.
    """
    key = key_of(asked.secret, Key())
    if key is None:
        raise Refused("No secret is stored that can be used; without one everything is refused")
    token = jwt.parse(asked.header(str(asked.options["header"])), "HS256")
    if not hmac.compare_digest(hmac.digest(key, token.signed, "sha256"), token.signature):
        raise mismatch()
    jwt.check_times(token, asked.now, leeway=LEEWAY, needed=("exp", "nbf"))
    if token.claims.get("iss") != asked.options["issuer"]:
        raise Refused("The token was issued by somebody else")
    _check_hash(token, str(asked.options["url"]), as_bytes(asked.request.url))
    _check_hash(token, str(asked.options["body"]), asked.request.body)


def _check_hash(token: jwt.Token, name: str, value: bytes) -> None:
    claimed = token.claims.get(name)
    if not value and claimed is None:
        return
    if not isinstance(claimed, str) or not hmac.compare_digest(
        claimed.encode("utf-8", "surrogatepass"), hashlib.sha256(value).hexdigest().encode()
    ):
        raise Refused(f"The token's {name} is not the hash of what came")


def check_asked(asked: Asked) -> None:
    """ES256, by a key that the sender's API gives for the token's `kid`.

    `options`: `header`, `body` (the claim) and `url` of the API. Source: plaid.com/docs/api/webhooks.
    """
    token = jwt.parse(asked.header(str(asked.options["header"])), "ES256")
    if not publickeys.verify_jwk(_key(asked, token), "ES256", token.signature, token.signed):
        raise mismatch()
    issued = token.claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise Refused("The token does not say when it was issued")
    if asked.tolerance is not None and abs(asked.now - issued) > asked.tolerance:
        raise Refused(f"The token was issued {abs(asked.now - issued):.0f} s off; {asked.tolerance} s are allowed")
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
