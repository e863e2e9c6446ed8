"""Builds the response to a request that is stored."""

from __future__ import annotations

from collections.abc import Mapping

from django.conf import settings

from relay import ids
from relay.bodies.text_encoding import charset_of
from relay.engine.intake.event_store import Accepted
from relay.engine.intake.trigger_cache import CachedTrigger
from relay.engine.settle.caller_replies import CallerReply
from relay.errors import RequestRefused
from relay.flows.checks.answers import sendable_headers
from relay.flows.document import Response
from relay.ingest.http_errors import JSON, NOSNIFF, TEXT, Headers, unknown_url

_STATUSES_WITHOUT_BODY = (204, 205, 304)
_RELAY_HEADERS = frozenset({b"allow", b"relay-event", b"relay-duplicate", b"relay-state"})


def encoded(headers: Mapping[str, str]) -> dict[bytes, bytes]:
    """Encode the headers of a flow's or a handshake's response; leaves out those that a flow may not set."""
    if not headers:
        return {}
    own = sendable_headers(headers, settings.OWN_HOSTS)
    return {name.encode("latin-1"): value.encode() for name, value in own.items()}


def _body(text: str, headers: Mapping[str, str]) -> bytes:
    """Encode a body in the charset of its Content-Type; other characters become `?`: a step checked for them before."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    try:
        return text.encode(charset_of(kind), "replace")
    except RequestRefused:
        return text.encode("utf-8", "replace")


def without_flow_headers(headers: Headers, body: bytes) -> Headers:
    """Remove a flow's headers from a response at the pages' host, if flows have their own host.

    A body is sent as text, or as JSON if the flow calls it so: senders read both, and browsers run neither.
    """
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    default = JSON if kind.partition(b";")[0].strip().lower() == b"application/json" else TEXT
    return [*(default if body else [NOSNIFF]), *((name, value) for name, value in headers if name in _RELAY_HEADERS)]


def _cors_headers(trigger: CachedTrigger | None) -> dict[bytes, bytes]:
    """Return the CORS headers of every response, if the flow allows exactly one origin to read it."""
    return encoded(trigger.cors[0]) if trigger is not None and len(trigger.cors) == 1 else {}


def flow_response(accepted: Accepted, reply: CallerReply) -> tuple[int, Headers, bytes]:
    """Return the response that a step of the flow rendered, without headers that a flow may not set."""
    response = reply.response
    assert response is not None
    body = _body(response["body"], response["headers"])
    headers = {
        **dict(TEXT if body else [NOSNIFF]),
        **_cors_headers(accepted.trigger),
        **encoded(response["headers"]),
        b"relay-event": ids.text(accepted.event_id).encode(),
    }
    if accepted.is_duplicate:
        headers[b"relay-duplicate"] = b"true"
    return response["status"], list(headers.items()), body


def acknowledge(accepted: Accepted, *, status: int = 0, state: str = "") -> tuple[int, Headers, bytes]:
    """Return the response in the trigger's settings; by default 202 with the id of the (first) event.

    `status` overrides the settings and responds with the event's id. `state` is the state in which the run ended.
    """
    if accepted.trigger is None:
        raise unknown_url()
    response = Response(status=status) if status else accepted.trigger.settings.response
    event = ids.text(accepted.event_id)
    if response.status in _STATUSES_WITHOUT_BODY:
        default, body = [NOSNIFF], b""
    elif response.body or accepted.trigger.answers_bare:
        default, body = TEXT, _body(response.body, response.headers)
    else:
        default, body = JSON, b'{"event": "%s"}' % event.encode()
    headers = {
        **dict(default),
        **_cors_headers(accepted.trigger),
        **encoded(response.headers),
        b"relay-event": event.encode(),
    }
    if accepted.is_duplicate:
        headers[b"relay-duplicate"] = b"true"
    if state:
        headers[b"relay-state"] = state.encode()
    return response.status, list(headers.items()), body
