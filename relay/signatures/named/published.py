"""RSA over timestamp and body, by a key that the sender publishes (ShipEngine and ShipStation v2 sign so).

Source: docs.shipstation.com, webhooks-validation.
"""

from __future__ import annotations

from relay.signatures import freshness, publickeys
from relay.signatures.named import keysets
from relay.signatures.named.asked import Asked, mismatch
from relay.signatures.scheme import Timestamp


def check(asked: Asked) -> None:
    """`options`: the headers `key_id`, `signature` and `timestamp`, and the `url` of the keys."""
    timestamp = asked.header(str(asked.options["timestamp"]))
    how = Timestamp("", "s" if timestamp.isdigit() else "iso")
    freshness.check(timestamp, how, asked.now, asked.tolerance)
    signature = asked.signature(str(asked.options["signature"]))
    kid = asked.header(str(asked.options["key_id"])).decode("latin-1")
    message = timestamp + b"." + asked.request.body
    key = keysets.key(asked, str(asked.options["url"]), kid)
    if not publickeys.verify_jwk(key, "RS256", signature, message):
        raise mismatch()
