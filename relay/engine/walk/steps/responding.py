"""Walks a respond step: renders the answer for the waiting caller."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from relay import masking
from relay.bodies import numerals, text_encoding
from relay.connectors import handwritten
from relay.engine.walk.walk import Walk
from relay.errors import RelayError
from relay.flows.checks.answers import WITHOUT_BODY, check_answer, is_allowed, is_status
from relay.flows.compiled_steps import RespondStep
from relay.outbound import check_headers


def respond(walk: Walk, step: RespondStep) -> None:
    """Render the answer into the outcome; settling passes it on if the caller still waits."""
    try:
        answer = _answer(step.answer.render(walk.context))
        handwritten.check_answer(step.answer.value, answer, walk.context)
    except RelayError as error:
        walk.fail(step, str(error))
    walk.outcome.response = answer
    walk.enter(step, "responded", answer)


def _answer(rendered: dict[str, Any]) -> dict[str, Any]:
    """Status, headers and body as they are sent; a body that is not text becomes JSON."""
    status, body = _status(rendered["status"]), rendered["body"]
    headers = _headers(rendered["headers"])
    if "content-type" not in map(str.lower, headers) and body not in ("", None):
        headers["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    if status in WITHOUT_BODY:
        headers, body = {name: value for name, value in headers.items() if name.lower() != "content-type"}, None
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return {"status": status, "headers": headers, "body": _body(body, kind)}


def _body(body: Any, kind: str) -> str:
    """The body as text that its charset can encode; JSON in a charset other than UTF-8 is escaped to ASCII."""
    text = "" if body is None else _text(body)
    if body is not None and not isinstance(body, str) and text_encoding.charset_of(kind) != "utf-8":
        text = numerals.dumps(numerals.decode(text))
    text_encoding.encoded(masking.shown(text), kind)
    return text


def _headers(rendered: dict[str, Any]) -> dict[str, str]:
    """The headers that an answer may carry. Raises RelayError for a value that is not allowed.

    A name that is not allowed is left out: new documents have none, and older live versions keep working.
    """
    headers = {name: _text(value) for name, value in rendered.items()}
    check_headers(headers)
    kept = {name: value for name, value in headers.items() if is_allowed(name)}
    check_answer(kept, settings.OWN_HOSTS)
    return kept


def _status(value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and is_status(int(text[:4]))):
        raise RelayError(f"The status of an answer is a number between 200 and 599, not {text[:40] or 'nothing'}")
    return int(text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else masking.masked_json(value, ())
