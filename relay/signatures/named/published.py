"""Verifies RSA over timestamp and body by a published key (used by ShipEngine and ShipStation v2).

Source: docs.shipstation.com, webhooks-validation.
"""

from __future__ import annotations

from relay.signatures import freshness, publickeys
from relay.signatures.named import keysets
from relay.signatures.named.verifier_input import VerifierInput, mismatch
from relay.signatures.scheme import Timestamp


def check(inputs: VerifierInput) -> None:
    """`options`: the headers `key_id`, `signature` and `timestamp`, and the `url` of the keys."""
    timestamp = inputs.header(str(inputs.options["timestamp"]))
    how = Timestamp("", "s" if timestamp.isdigit() else "iso")
    freshness.check(timestamp, how, inputs.now, inputs.tolerance)
    signature = inputs.signature(str(inputs.options["signature"]))
    kid = inputs.header(str(inputs.options["key_id"])).decode("latin-1")
    message = timestamp + b"." + inputs.request.body
    key = keysets.key(inputs, str(inputs.options["url"]), kid)
    if not publickeys.verify_jwk(key, "RS256", signature, message):
        raise mismatch()
