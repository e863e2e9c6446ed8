"""Verifies requests of presets, and turns them into events."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.bodies import payloads
from relay.bodies.body_types import decide
from relay.engine.intake.event_data import EventData
from relay.engine.intake.request_verification import RequestVerifier, StoredSecret
from relay.flows.document import TriggerSettings
from relay.flows.verification import verification
from relay.signatures import SenderRequest

CONTENT_TYPES = (
    None,
    "",
    "application/json",
    "APPLICATION/JSON",
    "application/json; charset=utf-7",
    "application/json; charset=utf-16",
    "application/vnd.api+json",
    "application/x-www-form-urlencoded",
    "Application/X-WWW-Form-Urlencoded; charset=iso-8859-1",
    "multipart/form-data; boundary=b",
    "multipart/form-data",
    "application/xml",
    "text/xml; charset=utf-16",
    "application/soap+xml",
    "text/plain",
    "text/plain; charset=utf-16",
    "text/html",
    "application/octet-stream",
    "application/jwt",
    "Application/JWT; a=b",
    "nonsense",
)


def guard_of(trigger: TriggerSettings, secret: Any) -> RequestVerifier:
    return RequestVerifier(verification(trigger), None, [StoredSecret(secret, None)], "")


def typed(request: SenderRequest, content_type: str | None) -> SenderRequest:
    """The request under another Content-Type header."""
    headers = {name: value for name, value in request.headers.items() if name != "content-type"}
    if content_type is not None:
        headers["content-type"] = content_type
    return SenderRequest(request.method, request.url, headers, request.body)


def event_of(trigger: TriggerSettings, request: SenderRequest) -> EventData:
    """The event that a request becomes."""
    about = verification(trigger)
    said = decide(request.headers.get("content-type", ""), about.body_types, request.body, about.form_fields)
    headers = msgspec.json.encode(dict(request.headers)).decode()
    query = request.url.partition("?")[2]
    return EventData(1, request.method, query, headers, said, request.body, 0)


def body_of(trigger: TriggerSettings, request: SenderRequest) -> payloads.JSON:
    event = event_of(trigger, request)
    return payloads.parse(event.body, event.content_type)
