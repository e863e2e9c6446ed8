"""Events as people write them down: `{"method", "headers", "query", "body"}`, each of them optional.

`query` is a text or an object, and `body` is anything: a text is what was sent, anything else is JSON. A header or
parameter that is null is left out, and one that is a list came several times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from relay import ids, payloads, redaction
from relay.engine import sql
from relay.engine.arrived import Arrived
from relay.errors import PayloadError, RelayError
from relay.models import Event
from relay.models.fields import micros

if TYPE_CHECKING:
    from relay.engine.guards import Hidden

NAMES = {"method", "headers", "query", "body"}


def event_of(value: Any) -> Arrived:
    """The event that is written down; RelayError for what is none."""
    if not isinstance(value, dict) or value.keys() - NAMES:
        raise RelayError('An event is {"method", "headers", "query", "body"}, each of them optional')
    _check_depth(value)
    headers, query = ({} if value.get(name) is None else value[name] for name in ("headers", "query"))
    if not isinstance(headers, dict) or not isinstance(query, dict | str):
        raise RelayError("The headers and the query of an event are objects of names and values")
    try:
        return _arrived(value, headers, query)
    except UnicodeEncodeError:
        raise RelayError("This event has a half of a surrogate pair in it, which is no character") from None


def _arrived(value: dict[str, Any], headers: dict[str, Any], query: dict[str, Any] | str) -> Arrived:
    lower = _texts(headers)
    body, kind = _body(value.get("body"), lower.get("content-type", ""))
    if kind:
        lower["content-type"] = kind
    asked = query.removeprefix("?") if isinstance(query, str) else _asked(query)
    method = value.get("method") or "POST"
    if not isinstance(method, str):
        raise RelayError("The method of an event is text, as POST")
    method = method.upper()
    _, _, sent = method.encode(), asked.encode(), msgspec.json.encode(lower).decode()
    return Arrived(ids.new(), method, asked, sent, kind, body, sql.now())


def _check_depth(value: dict[str, Any]) -> None:
    """What is written down may be as deep as what arrives: deeper, no stack holds it wherever it is read."""
    for name, part in value.items():
        try:
            payloads.check_depth(part if isinstance(part, dict | list) else [])
        except PayloadError:
            raise RelayError(f"The {name} of this event is nested deeper than {payloads.MAX_DEPTH} levels") from None


def _body(body: Any, kind: str) -> tuple[bytes, str]:
    """The bytes of a body and its content type."""
    if body is None:
        return b"", kind
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), kind
    return msgspec.json.encode(body), kind or "application/json"


def arrived(event: Event) -> Arrived:
    """A stored event as a walk takes it."""
    headers = msgspec.json.encode(event.headers).decode()
    at = micros(event.received_at)
    return Arrived(event.pk, event.method, event.query, headers, event.content_type, bytes(event.body), at)


def written(event: Event) -> dict[str, Any]:
    """A stored event written down; RelayError where its body is no text, or is not kept any more."""
    headers = {str(name).lower(): value for name, value in event.headers.items()}
    if not event.body and str(headers.get("content-length") or "0").strip() != "0":
        raise RelayError("The body of this event is not kept any more")
    try:
        body = bytes(event.body).decode()
    except UnicodeDecodeError:
        raise RelayError("The body of this event is no UTF-8 text, and no other can be written down") from None
    if event.content_type:
        headers.setdefault("content-type", event.content_type)
    return {"method": event.method, "headers": headers, "query": event.query, **({"body": body} if body else {})}


def without_secrets(value: dict[str, Any], hidden: Hidden) -> dict[str, Any]:
    """An event that `event_of` takes, but for what identifies its sender: as the ledger keeps what arrives."""
    clean = {**value, "headers": redaction.inbound_headers(_texts(value.get("headers")), hidden.headers)}
    query = value.get("query")
    if isinstance(query, str):
        clean["query"] = redaction.inbound_query(query, hidden.query)
    elif query:
        clean["query"] = {
            name: redaction.MASK if str(name).lower() in hidden.query else text for name, text in query.items()
        }
    return clean


def _texts(headers: dict[str, Any] | None) -> dict[str, str]:
    """Headers as a request has them: names in small letters, one that came several times with commas between."""
    texts = {str(name).lower(): _all_of("header", name, value) for name, value in (headers or {}).items()}
    return {name: ", ".join(values) for name, values in texts.items() if values}


def _asked(query: dict[str, Any]) -> str:
    return urlencode([(name, one) for name, value in query.items() for one in _all_of("parameter", name, value)])


def _all_of(what: str, name: Any, value: Any) -> list[str]:
    """The texts of a header or parameter: none for null, all of a list; RelayError for what no request could carry."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(one, list | dict) for one in values):
        raise RelayError(f"The {what} {str(name)[:60]} of this event is text, or a list of texts")
    return [one if isinstance(one, str) else msgspec.json.encode(one).decode() for one in values if one is not None]
