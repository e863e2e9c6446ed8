"""A request that came, as far as it was read, and what of it may be kept."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from relay import redaction
from relay.engine.guards import NOTHING, Hidden
from relay.engine.intake import Door
from relay.engine.rejections import Rejected
from relay.ingest.answers import Scope
from relay.models import Why

# Characters of the headers of a rejected request that are kept.
HEADERS_KEPT = 16 * 1024


@dataclass(slots=True)
class Came:
    """`headers` by lower-case name; `body` once it `is_read`."""

    scope: Scope
    digest: str
    headers: dict[str, str]
    remote: str
    body: bytes = b""
    is_read: bool = False

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")[:255]

    @property
    def raw_query(self) -> str:
        return str(self.scope["query_string"].decode("latin-1"))

    def query(self, hidden: Hidden) -> str:
        """The query to store."""
        return redaction.inbound_query(self.raw_query, hidden.query) if hidden.query else self.raw_query

    def stored_headers(self, hidden: Hidden) -> str:
        return msgspec.json.encode(redaction.inbound_headers(self.headers, hidden.headers)).decode()


def rejected(
    came: Came, door: Door, *, why: Why, reason: str, status: int, body: bytes, size: int | None = None
) -> Rejected:
    """What is kept of a request that became no event."""
    hidden = door.guard.hidden if door.guard else NOTHING
    headers = redaction.inbound_headers(_some(came.headers), hidden.headers)
    return Rejected(
        door=door,
        why=why,
        reason=reason,
        status=status,
        method=came.method,
        query=came.query(hidden),
        headers=msgspec.json.encode(headers).decode(),
        content_type=came.content_type,
        body=body,
        size=size,
        remote=came.remote,
    )


def _some(headers: dict[str, str]) -> dict[str, str]:
    """The first headers, as many as are kept of a rejected request."""
    left = HEADERS_KEPT
    kept: dict[str, str] = {}
    for name, value in headers.items():
        kept[name[:left]] = value[: max(0, left - len(name))]
        left -= len(name) + len(value)
        if left <= 0:
            break
    return kept
