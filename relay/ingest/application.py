"""The ASGI application: method, size and time checked, then stored, then answered."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from django.conf import settings
from django.db import Error

from relay import ids, redaction
from relay.engine import sql
from relay.engine.intake import Accepted, Arrival, Door
from relay.ingest.committer import Committer, Overloaded
from relay.ingest.patience import Patience
from relay.models.flows import digest

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

PREFIX = "/in/"
# Bytes of a body that is too large which are still read, and thrown away: a sender that finds the connection
# closed while it is sending never sees the 413.
DISCARDED = 16 * 1024 * 1024
_PATH = re.compile(rb"/in/([A-Za-z0-9_-]{20,64})")
_TEXT: Headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
_BODILESS = (204, 205, 304)
_JSON: Headers = [(b"content-type", b"application/json"), (b"x-content-type-options", b"nosniff")]


class _Answer(Exception):
    """Stop here and answer this."""

    def __init__(self, status: int, message: str, headers: Headers | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers or []


class Ingest:
    """Receives requests at `/in/<token>`. Answered 2xx means stored."""

    def __init__(self, committer: Committer | None = None) -> None:
        self._committer = committer
        self._patience = Patience()

    @property
    def committer(self) -> Committer:
        # Made on the first request, in the process and the loop that serve.
        if self._committer is None:
            self._committer = Committer()
        return self._committer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            status, headers, body = await self._respond(scope, receive)
        except _Answer as answer:
            body = f"{answer}\n".encode()
            status, headers = answer.status, [*_TEXT, *answer.headers]
        await _send(send, status, headers, b"" if scope["method"] == "HEAD" else body)

    async def close(self) -> None:
        if self._committer is not None:
            await self._committer.close()
            self._committer = None

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        token_digest = _token_digest(scope)
        door = await self._door(token_digest)
        method: str = scope["method"]
        if method in ("OPTIONS", "HEAD") and method not in door.settings.methods:
            return (204 if method == "OPTIONS" else 200), [_allow(door)], b""
        if method not in door.settings.methods:
            raise _Answer(405, f"This URL takes {', '.join(door.settings.methods)}", [_allow(door)])
        headers = _joined(scope["headers"])
        if headers.get("content-encoding", "identity").lower() not in ("", "identity"):
            raise _Answer(415, "Send the body without Content-Encoding")
        body = await self._body(receive, headers, door.settings.max_bytes or settings.MAX_BYTES)
        arrival = _arrival(scope, token_digest, headers, body)
        return _acknowledge(await self._store(arrival))

    async def _door(self, token_digest: str) -> Door:
        try:
            door = await self.committer.find(token_digest)
        except Error:
            raise _unavailable() from None
        if door is None:
            raise _Answer(404, "No such URL")
        return door

    async def _body(self, receive: Receive, headers: dict[str, str], most: int) -> bytes:
        """The whole body; 413 past `most` bytes, declared or counted, 408 when it comes too slowly."""
        declared = headers.get("content-length", "")
        known = int(declared[:20]) if declared.isascii() and declared.isdigit() else 0
        if known > most + DISCARDED:
            raise _too_large(most)
        try:
            with self._patience.for_task(settings.BODY_TIMEOUT):
                return await _read(receive, most)
        except TimeoutError:
            raise _Answer(408, f"The body did not arrive within {settings.BODY_TIMEOUT:g} s") from None

    async def _store(self, arrival: Arrival) -> Accepted:
        try:
            return await self.committer.store(arrival)
        except (Error, Overloaded):
            raise _unavailable() from None


def _unavailable() -> _Answer:
    return _Answer(503, "Not stored; send it again in a moment", [(b"retry-after", b"2")])


def _token_digest(scope: Scope) -> str:
    # The path as it came: an encoded or decorated spelling of a token is another path.
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    match = _PATH.fullmatch(path.partition(b"?")[0])
    if match is None:
        raise _Answer(404, "No such URL")
    return digest(match[1].decode())


def _allow(door: Door) -> tuple[bytes, bytes]:
    return b"allow", ", ".join([*door.settings.methods, "HEAD", "OPTIONS"]).encode()


def _joined(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; repeated ones joined as HTTP says."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        key = name.decode("latin-1").lower()
        text = value.decode("latin-1")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _read(receive: Receive, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Answer(400, "The connection was closed before the body was whole")
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > most + DISCARDED:
            raise _too_large(most)
        if size <= most:
            chunks.append(chunk)
        if not message.get("more_body", False):
            if size > most:
                raise _too_large(most)
            return b"".join(chunks)


def _too_large(most: int) -> _Answer:
    return _Answer(413, f"The body may have {most} bytes", [(b"connection", b"close")])


def _arrival(scope: Scope, token_digest: str, headers: dict[str, str], body: bytes) -> Arrival:
    client = scope.get("client")
    return Arrival(
        digest=token_digest,
        method=scope["method"],
        query=scope["query_string"].decode("latin-1"),
        headers=msgspec.json.encode(redaction.inbound_headers(headers)).decode(),
        content_type=headers.get("content-type", "")[:255],
        body=body,
        remote=str(client[0]) if client else "",
        received_at=sql.now(),
    )


def _acknowledge(accepted: Accepted) -> tuple[int, Headers, bytes]:
    """What the trigger's response settings say; else 202 with the event's id. A duplicate's is the first event's."""
    if accepted.door is None:
        raise _Answer(404, "No such URL")
    response = accepted.door.settings.response
    event = ids.text(accepted.event_id)
    own = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in response.headers.items()}
    if response.status in _BODILESS:
        usual, body = [], b""
    elif response.body:
        usual, body = _TEXT, response.body.encode()
    else:
        usual, body = _JSON, b'{"event": "%s"}' % event.encode()
    headers = {**dict(usual), b"relay-event": event.encode(), **own}
    if accepted.is_duplicate:
        headers[b"relay-duplicate"] = b"true"
    return response.status, list(headers.items()), body


async def _send(send: Send, status: int, headers: Headers, body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
