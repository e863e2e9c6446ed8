"""Replies: what a caller is told whose request is stored."""

from __future__ import annotations

from relay import ids
from relay.engine.answers import Reply
from relay.engine.intake import Accepted
from relay.flows.document import Response
from relay.ingest.answers import JSON, TEXT, Answer, Headers

_BODILESS = (204, 205, 304)
# They'd change what browsers keep for the pages, which have the same origin.
_NOT_FOR_FLOWS = frozenset({b"set-cookie", b"clear-site-data", b"strict-transport-security"})


def replied(accepted: Accepted, reply: Reply) -> tuple[int, Headers, bytes]:
    """What a step of the flow rendered, without what a flow may not say."""
    response = reply.response or {}
    own = {name.lower().encode("latin-1", "replace"): value for name, value in response["headers"].items()}
    headers = {
        b"x-content-type-options": b"nosniff",
        b"relay-event": ids.text(accepted.event_id).encode(),
        **{name: value.encode("latin-1", "replace") for name, value in own.items() if name not in _NOT_FOR_FLOWS},
    }
    if accepted.is_duplicate:
        headers[b"relay-duplicate"] = b"true"
    return response["status"], list(headers.items()), response["body"].encode("utf-8", "replace")


def acknowledge(accepted: Accepted, *, status: int = 0, state: str = "") -> tuple[int, Headers, bytes]:
    """What the trigger's response settings say; else 202 with the event's id. A duplicate's is the first event's.

    `status`: that one with the event's id, whatever the settings say. `state`: in which the caller's run ended.
    """
    if accepted.door is None:
        raise Answer(404, "No such URL")
    response = Response(status=status) if status else accepted.door.settings.response
    event = ids.text(accepted.event_id)
    own = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in response.headers.items()}
    own = {name: value for name, value in own.items() if name not in _NOT_FOR_FLOWS}
    if response.status in _BODILESS:
        usual, body = [], b""
    elif response.body or accepted.door.bare:
        usual, body = TEXT, response.body.encode()
    else:
        usual, body = JSON, b'{"event": "%s"}' % event.encode()
    headers = {**dict(usual), b"relay-event": event.encode(), **own}
    if accepted.is_duplicate:
        headers[b"relay-duplicate"] = b"true"
    if state:
        headers[b"relay-state"] = state.encode()
    return response.status, list(headers.items()), body
