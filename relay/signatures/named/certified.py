"""Verifies transmissions signed by a certificate that the request names (used by PayPal).

Source: paypalrestsdk 1.13.3, notifications.py. The host is pinned here, which the SDK leaves to its caller.
"""

from __future__ import annotations

import zlib

from relay.signatures import publickeys
from relay.signatures.fetching import KeyDocument, fetched, pinned
from relay.signatures.named.verifier_input import VerifierInput, mismatch
from relay.signatures.verdict import Refused


def check(inputs: VerifierInput) -> None:
    """`options`: `start` of the headers' names, a pattern `url` of the certificate, and `name`, the end of its name."""
    start = str(inputs.options["start"])
    webhook = inputs.part("webhook_id")
    if inputs.header(f"{start}-auth-algo") != b"SHA256withRSA":
        raise Refused("The signature's algorithm is not the one that this sender uses")
    url = pinned(inputs.header(f"{start}-cert-url").decode("latin-1"), str(inputs.options["url"]))
    message = b"|".join(
        (
            inputs.header(f"{start}-transmission-id"),
            inputs.header(f"{start}-transmission-time"),
            webhook.encode(),
            str(zlib.crc32(inputs.request.body)).encode(),
        )
    )
    signature = inputs.signature(f"{start}-transmission-sig")
    if not publickeys.verify_by_certificate(
        certificate(inputs, url),
        str(inputs.options["name"]),
        inputs.now,
        signature=signature,
        message=message,
        by="sha256",
    ):
        raise mismatch()


def certificate(inputs: VerifierInput, url: str) -> bytes:
    """The certificate at a pinned address, or the one in the secret that replaces it."""
    override = inputs.optional_part("cert_pem")
    return str(override).encode() if override else fetched(inputs.fetch, KeyDocument(url))
