"""Holds an event as the engine uses it, and shows it to templates as `event`."""

from __future__ import annotations

import time
from base64 import b64decode, b64encode
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from relay import ids, timestamps
from relay.bodies import body_types, forms, payloads
from relay.engine.files import event_files
from relay.engine.intake import event_json
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.intake.unreadable_body import EventWithoutBody
from relay.errors import PayloadError

if TYPE_CHECKING:
    from relay.models import Event

# Flows that call each other's URLs pass on the number of calls so far; a longer chain is taken for a loop.
MAX_HOPS = 10
_PLAIN_JSON = "application/json"  # without a field that holds files
RUN_BUDGET = 10_000  # runs that an event from outside may lead to, see engine/walk/run_budget.py


class EventData(msgspec.Struct, frozen=True):
    """An event's data, without the ORM. `headers` is a JSON object as text, `received_at` microseconds since 1970.

    `files`: those that are stored beside it, as its column has them.
    """

    id: int
    method: str
    query: str
    headers: str
    content_type: str
    body: bytes
    received_at: int
    files: str | None = None

    @classmethod
    def from_model(cls, event: Event) -> EventData:
        """The data of a stored event, whole body included."""
        headers = msgspec.json.encode(event.headers).decode()
        body, received_at = bytes(event.body), timestamps.micros(event.received_at)
        files = event_files.column(event.files)
        return cls(event.pk, event.method, event.query, headers, event.content_type, body, received_at, files)

    @classmethod
    def from_request(
        cls, request: StoredRequest, event_id: int, received_at: int, files: str | None = None
    ) -> EventData:
        """The event that a request becomes. `files`: those stored beside it."""
        head = (request.method, request.query, request.headers, request.content_type)
        return cls(event_id, *head, request.body, received_at, files)

    @classmethod
    def from_json(cls, value: Any) -> EventData:
        """A new event from its JSON form, `{"method", "headers", "query", "body"}`; RelayError if it is malformed."""
        return cls.from_request(event_json.parse(value), ids.new(), timestamps.now())

    def pack(self) -> list[Any]:
        """The event as JSON can hold it, for a helper process."""
        head = (self.id, self.method, self.query, self.headers, self.content_type)
        return [*head, b64encode(self.body).decode(), self.received_at, self.files]

    @classmethod
    def unpack(cls, values: list[Any]) -> EventData:
        """The event that `pack` has packed."""
        number, method, query, headers, content_type, body, received_at, files = values
        return cls(number, method, query, headers, content_type, b64decode(body), received_at, files)

    @property
    def hops(self) -> int:
        """The number of flows that had called each other before this event, from its Relay-Hops header."""
        if '"relay-hops"' not in self.headers:
            return 0
        return _number(msgspec.json.decode(self.headers).get("relay-hops", ""), 0)

    @property
    def budget(self) -> int:
        """How many runs this event may lead to, its own included: its Relay-Budget header, at most RUN_BUDGET."""
        if '"relay-budget"' not in self.headers:
            return RUN_BUDGET
        return min(_number(msgspec.json.decode(self.headers).get("relay-budget", ""), 0), RUN_BUDGET)


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default


def event_context(event: EventData, *, with_body: bool = True) -> dict[str, Any]:
    """`event` as templates see it. Reading a body that doesn't match its content type raises PayloadError.

    `form` exists only if `body` holds parsed form fields: it has the fields unparsed. `with_body=False` is for
    templates that don't read the body, which is then not parsed.
    """
    values = {
        "id": ids.text(event.id),
        "method": event.method,
        "headers": msgspec.json.decode(event.headers),
        "query": _query(event.query),
        "body": None,
        "raw": event.body.decode("utf-8", "replace") if with_body else "",
        "received_at": _iso(event.received_at),
        "files": _files(event, None) if event.files else [],
    }
    if with_body:
        plain = body_types.without_form_fields(event.content_type)
        try:
            if plain != event.content_type:
                values["form"] = payloads.parse(event.body, plain)
            values["body"] = payloads.parse(event.body, event.content_type)
            if event.files:
                event_files.enter_sizes(values["body"], event.files)
            elif event.content_type != _PLAIN_JSON:
                values["files"] = _files(event, values["body"])
        except PayloadError as error:
            return EventWithoutBody(values, str(error))
    return values


def _files(event: EventData, body: Any) -> list[dict[str, Any]]:
    return event_files.records(event.id, event.content_type, event.body, event.files, body)


def _query(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    repeated: dict[str, list[str]] = {}
    for key, value in forms.fields(text.encode("utf-8", "replace"), otherwise="latin-1") if text else ():
        if key in repeated:
            repeated[key].append(value)
        elif key in values:
            values[key] = repeated[key] = [values[key], value]
        else:
            values[key] = value
    return values


def _iso(micros: int) -> str:
    seconds, rest = divmod(micros, 1_000_000)
    return f"{_second(seconds)}.{rest:06d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
