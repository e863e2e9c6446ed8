"""A request to `/in/`: what its ASGI scope says, its body once it is read, and the parts of it that may be stored."""

from __future__ import annotations

import asyncio
import re
from functools import lru_cache

import msgspec

from relay import redaction
from relay.engine.files.event_files import StoredMeta
from relay.engine.intake.event_store import CachedTrigger, Prepared
from relay.engine.intake.rejections import Rejected
from relay.engine.intake.request_verification import NO_PLACES
from relay.engine.intake.stored_request import StoredRequest
from relay.ingest import asgi_scope
from relay.ingest.http_errors import Scope
from relay.ingest.spools import Spool
from relay.models import Why
from relay.models.flows import digest
from relay.signatures import SenderRequest

# Some senders add a slash at the end.
_PATH = re.compile(rb"/in/([A-Za-z0-9_-]{20,64})/?")
# Characters of headers that are stored with a rejected request.
MAX_HEADER_CHARACTERS = 16 * 1024


class InboundRequest:
    """One request. Its scope is read here, once; nothing else of ingest reads it.

    `path` is as it was sent, without the query. `digest` is that of the token in it, "" without one. `headers` are by
    lower-case name, `remote` is the sender's IP address. `body` is whole once `is_read`. `is_counted`: it took a token
    of the trigger's rate. `prepared` is what the last try would have stored. A large body is in `spool` instead of
    `body`; `form` is that body without its `files`, once `storing` them is done. `is_stored`: the event is, and it
    is no duplicate.
    """

    __slots__ = (
        "body",
        "digest",
        "files",
        "form",
        "headers",
        "is_counted",
        "is_read",
        "is_stored",
        "method",
        "path",
        "prepared",
        "remote",
        "scope",
        "spool",
        "storing",
    )

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.method: str = scope["method"]
        # An encoded spelling of a token is another path.
        path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
        self.path = path.partition(b"?")[0]
        self.digest = _digest_of(self.path)
        self.headers = asgi_scope.joined(scope["headers"])
        self.remote = asgi_scope.remote(scope, self.headers)
        self.body = b""
        self.is_read = False
        self.is_counted = False
        self.is_stored = False
        self.prepared: Prepared | None = None
        self.spool: Spool | None = None
        self.form: bytes | None = None
        self.files: tuple[StoredMeta, ...] = ()
        self.storing: asyncio.Future[tuple[bytes, tuple[StoredMeta, ...]]] | None = None

    @property
    def size(self) -> int:
        """The length of the body as sent, in bytes."""
        return len(self.body) if self.spool is None else self.spool.size

    def whole_body(self) -> bytes:
        """The body as sent; reads a large one into memory, so call it in a thread."""
        return self.body if self.spool is None else self.spool.whole()

    @property
    def raw_query(self) -> str:
        return str(self.scope["query_string"], "latin-1")

    @property
    def is_http_1_1(self) -> bool:
        return self.scope.get("http_version") == "1.1"

    @property
    def allows_flow_headers(self) -> bool:
        """Whether the response may have headers that a flow set."""
        return asgi_scope.allows_flow_headers(self.scope)

    def as_sent(self) -> SenderRequest:
        """The request as its sender signed it: with the URL that Relay shows. The Host header picks one of two."""
        query = self.raw_query
        url = asgi_scope.origin(self.headers) + self.path.decode("latin-1") + (f"?{query}" if query else "")
        return SenderRequest(self.method, url, self.headers, self.whole_body())

    def to_store(self, trigger: CachedTrigger, body: bytes) -> StoredRequest:
        """What an event keeps of it; `body` is its body, unpacked."""
        content_type = trigger.content_type(self.content_type, body)
        return self._stored(trigger, self.headers, content_type, body)

    def rejected(
        self, trigger: CachedTrigger, *, why: Why, reason: str, status: int, body: bytes, size: int | None
    ) -> Rejected:
        """The record of a request that became no event; `body` is the part of its body that was read."""
        request = self._stored(trigger, _first(self.headers), self.content_type, body)
        return Rejected.of(trigger, request, why=why, reason=reason, status=status, size=size)

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")[:255]

    def _stored(self, trigger: CachedTrigger, headers: dict[str, str], content_type: str, body: bytes) -> StoredRequest:
        """The request with its secrets masked."""
        hidden = trigger.verifier.secret_places if trigger.verifier else NO_PLACES
        query = asgi_scope.readable(self.raw_query)
        if hidden.query:
            query = redaction.inbound_query(query, hidden.query)
        header_text = msgspec.json.encode(redaction.inbound_headers(_readable(headers), hidden.headers)).decode()
        return StoredRequest(self.method, query, header_text, content_type, body, self.remote)


@lru_cache(maxsize=1024)
def _digest_of(path: bytes) -> str:
    match = _PATH.fullmatch(path)
    return digest(match[1].decode()) if match else ""


def _readable(headers: dict[str, str]) -> dict[str, str]:
    return {name: value if value.isascii() else asgi_scope.readable(value) for name, value in headers.items()}


def _first(headers: dict[str, str]) -> dict[str, str]:
    """Return the first headers, as many as are stored with a rejected request."""
    remaining = MAX_HEADER_CHARACTERS
    kept: dict[str, str] = {}
    for name, value in headers.items():
        kept[name[:remaining]] = value[: max(0, remaining - len(name))]
        remaining -= len(name) + len(value)
        if remaining <= 0:
            break
    return kept
