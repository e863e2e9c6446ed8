"""Fetches the keys and certificates that request verification needs, and caches them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from relay.engine.http_client import sender
from relay.errors import RelayError
from relay.outbound import Request
from relay.signatures import KeyDocument

TIMEOUT_SECONDS = 5.0
CACHE_SECONDS = 600.0  # the longest time until a sender's new key is accepted
MAX_CACHED = 200

_cache: OrderedDict[tuple[str, bytes | None], tuple[float, bytes]] = OrderedDict()
_lock = threading.Lock()


def fetch(document: KeyDocument) -> bytes:
    """The content of a document at a pinned address; RelayError if it can't be fetched. Redirects are not followed."""
    key = (document.url, document.body)
    with _lock:
        until, body = _cache.get(key, (0.0, b""))
    if document.keep and time.monotonic() < until:
        return body
    answer = sender().send(
        Request(document.method, document.url, dict(document.headers), document.body), timeout=TIMEOUT_SECONDS
    )
    if answer.status != 200 or answer.fault:
        raise RelayError(f"{document.url.partition('?')[0]} answered {answer.status}")
    if document.keep:
        with _lock:
            _cache[key] = (time.monotonic() + CACHE_SECONDS, answer.body)
            while len(_cache) > MAX_CACHED:
                _cache.popitem(last=False)
    return answer.body
