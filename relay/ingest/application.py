"""The ASGI application: method, size and time checked, then stored, then answered."""

from __future__ import annotations

import re

import msgspec
from django.conf import settings
from django.db import Error

from relay import ids, redaction
from relay.engine import sql
from relay.engine.intake import Accepted, Arrival, Door
from relay.engine.rejections import Rejected
from relay.ingest import bodies
from relay.ingest.answers import JSON, TEXT, Answer, Headers, Receive, Refused, Scope, Send, send_answer
from relay.ingest.committer import Committer, Overloaded
from relay.ingest.patience import Patience
from relay.models import Why
from relay.models.flows import digest

PREFIX = "/in/"
_PATH = re.compile(rb"/in/([A-Za-z0-9_-]{20,64})")
_BODILESS = (204, 205, 304)
# Characters of the headers of a rejected request that are kept.
HEADERS_KEPT = 16 * 1024


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
        except Answer as answer:
            body = f"{answer}\n".encode()
            status, headers = answer.status, [*TEXT, *answer.headers]
        await send_answer(send, status, headers, b"" if scope["method"] == "HEAD" else body)

    async def close(self) -> None:
        if self._committer is not None:
            await self._committer.close()
            self._committer = None

    async def _respond(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        token_digest = _token_digest(scope)
        door = await self._door(token_digest)
        if scope["method"] in ("OPTIONS", "HEAD") and scope["method"] not in door.settings.methods:
            return (204 if scope["method"] == "OPTIONS" else 200), [_allow(door)], b""
        headers = _joined(scope["headers"])
        body = b""
        try:
            _check_head(scope["method"], headers, door)
            most = door.settings.max_bytes or settings.MAX_BYTES
            body = await bodies.read(receive, headers, most, self._patience)
        except Refused as refused:
            self.committer.reject(_rejected(refused, scope, door, headers, body))
            raise
        return _acknowledge(await self._store(_arrival(scope, token_digest, headers, body)))

    async def _door(self, token_digest: str) -> Door:
        try:
            door = await self.committer.find(token_digest)
        except Error:
            raise _unavailable() from None
        if door is None:
            raise Answer(404, "No such URL")
        return door

    async def _store(self, arrival: Arrival) -> Accepted:
        try:
            return await self.committer.store(arrival)
        except (Error, Overloaded):
            raise _unavailable() from None


def _unavailable() -> Answer:
    return Answer(503, "Not stored; send it again in a moment", [(b"retry-after", b"2")])


def _token_digest(scope: Scope) -> str:
    # The path as it came: an encoded or decorated spelling of a token is another path.
    path: bytes = scope.get("raw_path") or scope["path"].encode("utf-8", "surrogateescape")
    match = _PATH.fullmatch(path.partition(b"?")[0])
    if match is None:
        raise Answer(404, "No such URL")
    return digest(match[1].decode())


def _check_head(method: str, headers: dict[str, str], door: Door) -> None:
    """Refuse what need not be read to be refused."""
    if method not in door.settings.methods:
        taken = ", ".join(door.settings.methods)
        reason = f"It came as {method[:20]}; this URL takes {taken}"
        raise Refused(405, Why.METHOD, reason, message=f"This URL takes {taken}", headers=[_allow(door)])
    encoding = headers.get("content-encoding", "identity").lower()
    if encoding not in ("", "identity"):
        reason = f"The body came with Content-Encoding: {encoding[:40]}, and bodies are not unpacked"
        raise Refused(415, Why.ENCODING, reason, message="Send the body without Content-Encoding")


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


def _rejected(refused: Refused, scope: Scope, door: Door, headers: dict[str, str], body: bytes) -> Rejected:
    body = body if refused.body is None else refused.body
    return Rejected(
        door=door,
        why=refused.why,
        reason=refused.reason,
        status=refused.status,
        method=scope["method"],
        query=scope["query_string"].decode("latin-1"),
        headers=msgspec.json.encode(redaction.inbound_headers(_some(headers))).decode(),
        content_type=headers.get("content-type", "")[:255],
        body=body,
        size=refused.size if refused.size is not None else len(body) or None,
        remote=_remote(scope),
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


def _remote(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _arrival(scope: Scope, token_digest: str, headers: dict[str, str], body: bytes) -> Arrival:
    return Arrival(
        digest=token_digest,
        method=scope["method"],
        query=scope["query_string"].decode("latin-1"),
        headers=msgspec.json.encode(redaction.inbound_headers(headers)).decode(),
        content_type=headers.get("content-type", "")[:255],
        body=body,
        remote=_remote(scope),
        received_at=sql.now(),
    )


def _acknowledge(accepted: Accepted) -> tuple[int, Headers, bytes]:
    """What the trigger's response settings say; else 202 with the event's id. A duplicate's is the first event's."""
    if accepted.door is None:
        raise Answer(404, "No such URL")
    response = accepted.door.settings.response
    event = ids.text(accepted.event_id)
    own = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in response.headers.items()}
    if response.status in _BODILESS:
        usual, body = [], b""
    elif response.body:
        usual, body = TEXT, response.body.encode()
    else:
        usual, body = JSON, b'{"event": "%s"}' % event.encode()
    headers = {**dict(usual), b"relay-event": event.encode(), **own}
    if accepted.is_duplicate:
        headers[b"relay-duplicate"] = b"true"
    return response.status, list(headers.items()), body
