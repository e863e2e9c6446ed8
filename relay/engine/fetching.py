"""What verification fetches: keys and certificates of senders, by the one way out, kept for a while."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from relay.engine.sending import sender
from relay.errors import RelayError
from relay.outbound import Request
from relay.signatures import Wanted

SECONDS = 5.0
KEPT_FOR = 600.0  # a sender that changes its keys is understood after this
KEPT = 200

_kept: OrderedDict[tuple[str, bytes | None], tuple[float, bytes]] = OrderedDict()
_lock = threading.Lock()


def fetch(wanted: Wanted) -> bytes:
    """The document at a pinned address; RelayError where there is none. Redirects are no answer."""
    key = (wanted.url, wanted.body)
    with _lock:
        until, body = _kept.get(key, (0.0, b""))
    if wanted.keep and time.monotonic() < until:
        return body
    answer = sender().send(Request(wanted.method, wanted.url, dict(wanted.headers), wanted.body), timeout=SECONDS)
    if answer.status != 200 or answer.truncated:
        raise RelayError(f"{wanted.url.partition('?')[0]} answered {answer.status}")
    if wanted.keep:
        with _lock:
            _kept[key] = (time.monotonic() + KEPT_FOR, answer.body)
            while len(_kept) > KEPT:
                _kept.popitem(last=False)
    return answer.body
