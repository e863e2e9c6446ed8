"""Reads and writes the JSON form of an event, `{"method", "headers", "query", "body", "body_base64"}`, each optional.

`query` is text or an object. `body` is any value: text is sent as it is, anything else as JSON. A header or parameter
that is null is left out, and a list stands for a header or parameter that occurs several times. `body_base64` is in
place of `body` for one that is not UTF-8 text, such as a form with a picture.
"""

from __future__ import annotations

import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec

from relay import masking, redaction
from relay.bodies import form_writing, numerals, payloads
from relay.bodies.form_writing import FormFile
from relay.engine.intake.stored_request import StoredRequest
from relay.errors import PayloadError, RelayError

if TYPE_CHECKING:
    from relay.engine.intake.request_verification import SecretPlaces
    from relay.models import Event

NAMES = {"method", "headers", "query", "body", "body_base64"}


def parse(value: Any) -> StoredRequest:
    """The request that an event in its JSON form stands for; RelayError if it is malformed."""
    if not isinstance(value, dict) or value.keys() - NAMES:
        raise RelayError('An event is {"method", "headers", "query", "body" or "body_base64"}, each of them optional')
    _check_depth(value)
    headers, query = ({} if value.get(name) is None else value[name] for name in ("headers", "query"))
    if not isinstance(headers, dict) or not isinstance(query, dict | str):
        raise RelayError("The headers and the query of an event are objects of names and values")
    try:
        return _parse_parts(value, headers, query)
    except UnicodeEncodeError:
        raise RelayError("This event has a half of a surrogate pair in it, which is no character") from None


def _parse_parts(value: dict[str, Any], headers: dict[str, Any], query: dict[str, Any] | str) -> StoredRequest:
    lowercase = _header_texts(headers)
    body, content_type = _encode_body(value.get("body"), lowercase.get("content-type", ""))
    if value.get("body_base64") is not None:
        body = _decode_body(value)
    if content_type:
        lowercase["content-type"] = content_type
    query_text = query.removeprefix("?") if isinstance(query, str) else _encode_query(query)
    method = value.get("method") or "POST"
    if not isinstance(method, str):
        raise RelayError("The method of an event is text, as POST")
    method = method.upper()
    # Encoded only to refuse unpaired surrogates here.
    method.encode()
    query_text.encode()
    return StoredRequest(method, query_text, msgspec.json.encode(lowercase).decode(), content_type, body)


def _check_depth(value: dict[str, Any]) -> None:
    """Refuse what is nested deeper than a request may be: reading it would overflow a stack somewhere."""
    for name, part in value.items():
        try:
            payloads.check_depth(part if isinstance(part, dict | list) else [])
        except PayloadError:
            raise RelayError(f"The {name} of this event is nested deeper than {payloads.MAX_DEPTH} levels") from None


def _encode_body(body: Any, content_type: str) -> tuple[bytes, str]:
    """The bytes of a body, and its content type."""
    if body is None:
        return b"", content_type
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass"), content_type
    return numerals.encode(body), content_type or "application/json"


def _decode_body(value: dict[str, Any]) -> bytes:
    """The bytes of a body that is given as base64."""
    text = value["body_base64"]
    if value.get("body") is not None or not isinstance(text, str):
        raise RelayError("The body_base64 of an event must be text, and can't be given together with body")
    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise RelayError("The body_base64 of this event is not base64") from None


def form_with_file(fields: Iterable[tuple[str, str]], file: FormFile) -> dict[str, Any]:
    """An event that posts a form with a file."""
    boundary = f"relay-{secrets.token_hex(16)}"
    body = form_writing.encoded(boundary, fields, file)
    return {
        "method": "POST",
        "headers": {"content-type": f"multipart/form-data; boundary={boundary}"},
        "body_base64": b64encode(body).decode(),
    }


def event_to_json(event: Event) -> dict[str, Any]:
    """The JSON form of a stored event; RelayError if its body is not kept any more."""
    headers = {str(name).lower(): value for name, value in event.headers.items()}
    if not event.body and str(headers.get("content-length") or "0").strip() != "0":
        raise RelayError("The body of this event is not kept any more")
    body = bytes(event.body)
    if event.content_type:
        # The type by which the body was parsed, which is not always what the sender's header says.
        headers["content-type"] = event.content_type
    return {"method": event.method, "headers": headers, "query": event.query, **_body_to_json(body)}


def _body_to_json(body: bytes) -> dict[str, str]:
    if not body:
        return {}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": b64encode(body).decode()}


def without_secrets(value: dict[str, Any], secret_places: SecretPlaces) -> dict[str, Any]:
    """The JSON form of an event with its sender's credentials masked, as they are in stored events."""
    clean = {**value, "headers": redaction.inbound_headers(_header_texts(value.get("headers")), secret_places.headers)}
    query = value.get("query")
    if isinstance(query, str):
        clean["query"] = redaction.inbound_query(query, secret_places.query)
    elif query:
        clean["query"] = {
            name: masking.MASK if str(name).lower() in secret_places.query else text for name, text in query.items()
        }
    return clean


def _header_texts(headers: dict[str, Any] | None) -> dict[str, str]:
    """Headers as a request has them: lowercase names, and several values of a header joined with commas."""
    texts = {str(name).lower(): _value_texts("header", name, value) for name, value in (headers or {}).items()}
    return {name: ", ".join(values) for name, values in texts.items() if values}


def _encode_query(query: dict[str, Any]) -> str:
    return urlencode([(name, text) for name, value in query.items() for text in _value_texts("parameter", name, value)])


def _value_texts(kind: str, name: Any, value: Any) -> list[str]:
    """The texts of a header or parameter: none for null, all of a list; RelayError for what no request can carry."""
    values = value if isinstance(value, list) else [value]
    if any(isinstance(item, list | dict) for item in values):
        raise RelayError(f"The {kind} {str(name)[:60]} of this event is text, or a list of texts")
    return [item if isinstance(item, str) else numerals.encode(item).decode() for item in values if item is not None]
