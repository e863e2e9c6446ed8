"""What arrived, as the ledger holds it and as a template sees it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from relay import ids, payloads


@dataclass(frozen=True, slots=True)
class Arrived:
    """The event of a run as the ledger holds it. `received_at` in microseconds since 1970."""

    id: int
    method: str
    query: str
    headers: str
    content_type: str
    body: bytes
    received_at: int

    @property
    def hops(self) -> int:
        """How often flows had called each other when this came: what its Relay-Hops says."""
        if '"relay-hops"' not in self.headers:
            return 0
        said = msgspec.json.decode(self.headers).get("relay-hops", "")
        return int(said) if said.isascii() and said.isdigit() and len(said) < 10 else 0


def event_context(event: Arrived) -> dict[str, Any]:
    """`event` as a template sees it; PayloadError when the body is not what its content type says."""
    return {
        "id": ids.text(event.id),
        "method": event.method,
        "headers": msgspec.json.decode(event.headers),
        "query": _query(event.query),
        "body": payloads.parse(event.body, event.content_type),
        "raw": event.body.decode("utf-8", "replace"),
        "received_at": _iso(event.received_at),
    }


def _query(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True) if text else ():
        if key in values:
            former = values[key]
            values[key] = [*former, value] if isinstance(former, list) else [former, value]
        else:
            values[key] = value
    return values


def _iso(micros: int) -> str:
    seconds, rest = divmod(micros, 1_000_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:06d}Z"
