"""Verifies tokens in the body, signed with the keys of an identity platform (used by Microsoft Graph).

Source: learn.microsoft.com, change notifications with resource data. Encrypted content is passed on unchanged.
"""

from __future__ import annotations

import re

from relay.signatures import publickeys
from relay.signatures.named import jwt, keysets
from relay.signatures.named.verifier_input import VerifierInput, mismatch
from relay.signatures.verdict import Refused

MAX_TOKENS = 100
LEEWAY = 300.0
_issued = re.compile(
    r"https://(?:login\.microsoftonline\.com/[0-9a-f-]{36}/v2\.0|sts\.windows\.net/[0-9a-f-]{36}/)"
).fullmatch


def check(inputs: VerifierInput) -> None:
    """The secret's `app_id` is the audience of the tokens. `options`: the `url` of the keys, and the `sender`."""
    body = inputs.request.json
    tokens = body.get("validationTokens") if isinstance(body, dict) else None
    if not isinstance(tokens, list) or not 0 < len(tokens) <= MAX_TOKENS:
        raise Refused("The body holds no tokens")
    for text in tokens:
        _check_token(inputs, text)


def _check_token(inputs: VerifierInput, text: object) -> None:
    token = jwt.parse(str(text).encode("utf-8", "replace"), "RS256")
    key = keysets.key(inputs, str(inputs.options["url"]), str(token.header.get("kid", "")))
    if not publickeys.verify_jwk(key, "RS256", token.signature, token.signed):
        raise mismatch()
    jwt.check_times(token, inputs.now, leeway=LEEWAY)
    if not _issued(str(token.claims.get("iss", ""))):
        raise Refused("The token was issued by somebody else")
    if token.claims.get("aud") != inputs.part("app_id"):
        raise Refused("The token is for another application")
    if inputs.options["sender"] not in (token.claims.get("azp"), token.claims.get("appid")):
        raise Refused("The token was made for another sender")
