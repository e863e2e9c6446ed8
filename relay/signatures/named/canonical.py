"""A canonical request: method, path, the headers that the request itself lists, and body (Contentful signs so).

Source: @contentful/node-apps-toolkit 3.16.1, src/requests.
"""

from __future__ import annotations

import hmac

from relay.signatures import freshness
from relay.signatures.keys import key_of
from relay.signatures.named.asked import Asked, mismatch
from relay.signatures.request import as_bytes
from relay.signatures.scheme import Key, Timestamp
from relay.signatures.verdict import Refused

MOST_HEADERS = 100


def check(asked: Asked) -> None:
    """`options`: `start`, with which the names of its headers begin."""
    start = str(asked.options["start"])
    key = key_of(asked.secret, Key())
    if key is None:
        raise Refused("No secret is stored that can be used; without one everything is refused")
    signature = asked.signature(f"{start}-signature", "hex")
    names = _listed(asked.header(f"{start}-signed-headers"), start)
    freshness.check(asked.header(f"{start}-timestamp"), Timestamp("", "ms"), asked.now, asked.tolerance)
    if not hmac.compare_digest(hmac.digest(key, _canonical(asked, names), "sha256"), signature):
        raise mismatch()


def _listed(text: bytes, start: str) -> list[str]:
    names = [name.strip().lower() for name in text.decode("latin-1").split(",")]
    needed = {f"{start}-signed-headers", f"{start}-timestamp"}
    if len(names) > MOST_HEADERS or not needed <= set(names):
        raise Refused("The signature does not cover the time at which it was sent")
    return names


def _canonical(asked: Asked, names: list[str]) -> bytes:
    headers = [name.encode("latin-1") + b":" + asked.header(name).strip() for name in names]
    return b"\n".join([asked.request.method.encode(), _path(asked.request.url), b";".join(headers), asked.request.body])


def _path(url: str) -> bytes:
    """Path and query as they came."""
    return b"/" + as_bytes(url).partition(b"#")[0].partition(b"://")[2].partition(b"/")[2]
