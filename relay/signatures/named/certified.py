"""A transmission signed by a certificate that the request names (PayPal sends so).

Source: paypalrestsdk 1.13.3, notifications.py; the host is pinned here, which the kit leaves to its caller.
"""

from __future__ import annotations

import zlib

from relay.signatures import publickeys
from relay.signatures.fetching import Wanted, fetched, pinned
from relay.signatures.named.asked import Asked, mismatch
from relay.signatures.verdict import Refused


def check(asked: Asked) -> None:
    """`options`: `start` of the headers' names, `url` that the certificate's must match, `name` that it ends with."""
    start = str(asked.options["start"])
    webhook = asked.part("webhook_id")
    if asked.header(f"{start}-auth-algo") != b"SHA256withRSA":
        raise Refused("The signature's algorithm is not the one that this sender uses")
    url = pinned(asked.header(f"{start}-cert-url").decode("latin-1"), str(asked.options["url"]))
    message = b"|".join(
        (
            asked.header(f"{start}-transmission-id"),
            asked.header(f"{start}-transmission-time"),
            webhook.encode(),
            str(zlib.crc32(asked.request.body)).encode(),
        )
    )
    signature = asked.signature(f"{start}-transmission-sig")
    if not publickeys.verify_by_certificate(
        certificate(asked, url),
        str(asked.options["name"]),
        asked.now,
        signature=signature,
        message=message,
        by="sha256",
    ):
        raise mismatch()


def certificate(asked: Asked, url: str) -> bytes:
    """The certificate at a pinned address, or the one that stands in for it."""
    stand_in = asked.given("cert_pem")
    return str(stand_in).encode() if stand_in else fetched(asked.fetch, Wanted(url))
