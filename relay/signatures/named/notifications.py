"""Tokens that stand in the body, signed with the keys of an identity platform (Microsoft Graph sends so).

Source: learn.microsoft.com, change notifications with resource data. What is encrypted is passed on as it is.
"""

from __future__ import annotations

import re

from relay.signatures import publickeys
from relay.signatures.named import jwt, keysets
from relay.signatures.named.asked import Asked, mismatch
from relay.signatures.verdict import Refused

MOST_TOKENS = 100
LEEWAY = 300.0
_issued = re.compile(
    r"https://(?:login\.microsoftonline\.com/[0-9a-f-]{36}/v2\.0|sts\.windows\.net/[0-9a-f-]{36}/)"
).fullmatch


def check(asked: Asked) -> None:
    """The secret's `app_id` is whom the tokens are for. `options`: the `url` of the keys, and `sender`, who asks."""
    body = asked.request.json
    tokens = body.get("validationTokens") if isinstance(body, dict) else None
    if not isinstance(tokens, list) or not 0 < len(tokens) <= MOST_TOKENS:
        raise Refused("The body holds no tokens")
    for text in tokens:
        _check_token(asked, text)


def _check_token(asked: Asked, text: object) -> None:
    token = jwt.parse(str(text).encode("utf-8", "replace"), "RS256")
    key = keysets.key(asked, str(asked.options["url"]), str(token.header.get("kid", "")))
    if not publickeys.verify_jwk(key, "RS256", token.signature, token.signed):
        raise mismatch()
    jwt.check_times(token, asked.now, leeway=LEEWAY)
    if not _issued(str(token.claims.get("iss", ""))):
        raise Refused("The token was issued by somebody else")
    if token.claims.get("aud") != asked.part("app_id"):
        raise Refused("The token is for another application")
    if asked.options["sender"] not in (token.claims.get("azp"), token.claims.get("appid")):
        raise Refused("The token was made for another sender")
