"""A respond: what the caller that waits is answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relay import redaction
from relay.errors import RelayError
from relay.flows.answers import WITHOUT_BODY, check_place
from relay.flows.planned import RespondStep
from relay.outbound import check_headers

if TYPE_CHECKING:
    from relay.engine.walk import Walk


def respond(walk: Walk, step: RespondStep) -> None:
    """Render the answer into the outcome; whoever settles it hands it to the caller, if one still waits."""
    try:
        answer = _answer(step.answer.render(walk.context))
    except RelayError as error:
        walk.failed(step, str(error))
    walk.outcome.response = answer
    walk.enter(step, "responded", answer)


def _answer(rendered: dict[str, Any]) -> dict[str, Any]:
    """Status, headers and body as they are sent: a body that is no text is JSON."""
    status, body = _status(rendered["status"]), rendered["body"]
    headers = {name: _text(value) for name, value in rendered["headers"].items()}
    check_headers(headers)
    check_place(headers)
    if "content-type" not in map(str.lower, headers) and body not in ("", None):
        headers["Content-Type"] = "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"
    if status in WITHOUT_BODY:
        headers, body = {name: value for name, value in headers.items() if name.lower() != "content-type"}, None
    return {"status": status, "headers": headers, "body": "" if body is None else _text(body)}


def _status(value: Any) -> int:
    text = str(value).strip()
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and 200 <= int(text[:4]) <= 599):
        raise RelayError(f"The status of an answer is a number between 200 and 599, not {text[:40] or 'nothing'}")
    return int(text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else redaction.masked_json(value, ())
