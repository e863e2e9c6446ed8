"""Verifies tokens whose claims contain the hash of the body, and bodies that are tokens."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Any

import msgspec

from relay.signatures import publickeys
from relay.signatures.fetching import KeyDocument, fetched
from relay.signatures.keys import key_of
from relay.signatures.named import jwt
from relay.signatures.named.verifier_input import VerifierInput, mismatch
from relay.signatures.request import as_bytes
from relay.signatures.scheme import Key
from relay.signatures.verdict import Refused

LEEWAY = 1.0
MAX_BODY_BYTES = 1024 * 1024


def check_shared_secret(inputs: VerifierInput) -> None:
    """HS256. `options`: `header`, and the text before the token in it (`prefix`); `issuer`, or the part of the
    secret that names it (`issuer_part`); the claims `body` and `url`, in `hash`: hex or base64; `needs`: the
    required times.

    Sources: messagebird 2.2.0, request_validator; developer.vonage.com, signed webhooks; docs.netlify.com, deploy
    notifications; livekit-api 1.0, webhook.py.
    """
    key = key_of(inputs.secret, Key())
    if key is None:
        raise Refused("No secret is stored that can be used; without one everything is refused")
    token = jwt.parse(_token(inputs), "HS256")
    if not hmac.compare_digest(hmac.digest(key, token.signed, "sha256"), token.signature):
        raise mismatch()
    options = inputs.options
    jwt.check_times(token, inputs.now, leeway=LEEWAY, needed=tuple(options.get("needs", ("exp", "nbf"))))
    if inputs.tolerance is not None:
        _check_age(inputs, token)
    issuer = inputs.part(str(options["issuer_part"])) if "issuer_part" in options else options["issuer"]
    if token.claims.get("iss") != issuer:
        raise Refused("The token was issued by somebody else")
    how = str(options.get("hash", "hex"))
    if "url" in options:
        _check_hash(token, str(options["url"]), as_bytes(inputs.request.url), how)
    _check_hash(token, str(options["body"]), inputs.request.body, how)


def _token(inputs: VerifierInput) -> bytes:
    name, prefix = str(inputs.options["header"]), str(inputs.options.get("prefix", "")).encode()
    value = inputs.header(name)
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
        raise Refused(f"The token's {name} is not the hash of the received bytes")


def _check_age(inputs: VerifierInput, token: jwt.Token) -> None:
    issued = token.claims.get("iat")
    if isinstance(issued, bool) or not isinstance(issued, int | float):
        raise Refused("The token does not say when it was issued")
    if inputs.tolerance is not None and abs(inputs.now - issued) > inputs.tolerance:
        raise Refused(f"The token was issued {abs(inputs.now - issued):.0f} s off; {inputs.tolerance} s are allowed")


def check_token_body(inputs: VerifierInput) -> None:
    """RS256 over a body that is a token itself, by the sender's public key: the part `public_key`.

    Source: dev.wix.com, webhooks.
    """
    token = jwt.parse(inputs.request.body.strip(), "RS256", most=MAX_BODY_BYTES)
    key = inputs.part("public_key").encode()
    if not publickeys.verify_rsa(key, token.signature, token.signed, "sha256"):
        raise mismatch()
    jwt.check_times(token, inputs.now, leeway=LEEWAY)


def check_fetched_key(inputs: VerifierInput) -> None:
    """ES256, by a key that the sender's API gives for the token's `kid`.

    `options`: `header`, `body` (the claim) and `url` of the API. Source: plaid.com/docs/api/webhooks.
    """
    token = jwt.parse(inputs.header(str(inputs.options["header"])), "ES256")
    if not publickeys.verify_jwk(_key(inputs, token), "ES256", token.signature, token.signed):
        raise mismatch()
    _check_age(inputs, token)
    if token.claims.get(str(inputs.options["body"])) is None:
        raise Refused("The token has no hash of the body")
    _check_hash(token, str(inputs.options["body"]), inputs.request.body)


def _key(inputs: VerifierInput, token: jwt.Token) -> dict[str, Any]:
    override = inputs.optional_part("jwk")
    if override:
        return _object(override)
    body = msgspec.json.encode(
        {
            "client_id": inputs.part("client_id"),
            "secret": inputs.part("secret"),
            "key_id": str(token.header.get("kid", ""))[:200],
        }
    )
    wanted = KeyDocument(str(inputs.options["url"]), "POST", {"Content-Type": "application/json"}, body)
    answer = _object(fetched(inputs.fetch, wanted).decode("utf-8", "replace"))
    return _object(answer.get("key"))


def _object(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, or the object of its text."""
    try:
        decoded = msgspec.json.decode(value) if isinstance(value, str) else value
    except (msgspec.DecodeError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        raise Refused("The sender's key can't be read")
    return decoded
