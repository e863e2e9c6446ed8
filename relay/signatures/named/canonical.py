"""Verifies canonical requests: method, path, the headers that the request lists, and body (used by Contentful).

Source: @contentful/node-apps-toolkit 3.16.1, src/requests.
"""

from __future__ import annotations

import hmac

from relay.signatures import freshness
from relay.signatures.keys import key_of
from relay.signatures.named.verifier_input import VerifierInput, mismatch
from relay.signatures.request import as_bytes
from relay.signatures.scheme import Key, Timestamp
from relay.signatures.verdict import Refused

MAX_HEADERS = 100


def check(inputs: VerifierInput) -> None:
    """`options`: `start`, the prefix of the names of its headers."""
    start = str(inputs.options["start"])
    key = key_of(inputs.secret, Key())
    if key is None:
        raise Refused("No secret is stored that can be used; without one everything is refused")
    signature = inputs.signature(f"{start}-signature", "hex")
    names = _listed(inputs.header(f"{start}-signed-headers"), start)
    freshness.check(inputs.header(f"{start}-timestamp"), Timestamp("", "ms"), inputs.now, inputs.tolerance)
    if not hmac.compare_digest(hmac.digest(key, _canonical(inputs, names), "sha256"), signature):
        raise mismatch()


def _listed(text: bytes, start: str) -> list[str]:
    names = [name.strip().lower() for name in text.decode("latin-1").split(",")]
    needed = {f"{start}-signed-headers", f"{start}-timestamp"}
    if len(names) > MAX_HEADERS or not needed <= set(names):
        raise Refused("The signature does not cover the time at which it was sent")
    return names


def _canonical(inputs: VerifierInput, names: list[str]) -> bytes:
    headers = [name.encode("latin-1") + b":" + inputs.header(name).strip() for name in names]
    return b"\n".join(
        [inputs.request.method.encode(), _path(inputs.request.url), b";".join(headers), inputs.request.body]
    )


def _path(url: str) -> bytes:
    """Path and query as received."""
    return b"/" + as_bytes(url).partition(b"#")[0].partition(b"://")[2].partition(b"/")[2]
