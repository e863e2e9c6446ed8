"""Verdicts: what an answer means by its connector's action, and what later steps see of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from relay import payloads
from relay.connectors.definition import Action, Reply
from relay.errors import PayloadError
from relay.outbound import Answer

TRIED_AGAIN = frozenset({408, 425, 429})
_NO_ACTION = Action(key="", label="")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer means.

    `refused`: the credential is. `retry_after`: the header as it came. `outputs`: what later steps see.
    `is_unsure`: it may have been done, nobody knows.
    """

    kind: Literal["succeeded", "retry", "failed", "refused"]
    message: str = ""
    retry_after: str | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    is_unsure: bool = False


def judge(action: Action, answer: Answer, *, success: Callable[[Mapping[str, Any]], bool] | None = None) -> Verdict:
    """What an answer means: by its status, the connector's Reply, and the step's own `success` where it has one.

    `success` is asked with {"answer": {"status", "headers", "body"}}.
    """
    outputs = outputs_of(action, answer)
    if success is not None:
        succeeded = success({"answer": outputs})
    else:
        succeeded = 200 <= answer.status < 300 and _is_ok(action.reply, answer, outputs["body"])
    if succeeded:
        return Verdict("succeeded", outputs=outputs)
    kind = _failure(action.reply, answer)
    message = _message(action.reply, answer, outputs["body"])
    return Verdict(kind, message, answer.headers.get("retry-after"), outputs)


def _failure(reply: Reply, answer: Answer) -> Literal["retry", "failed", "refused"]:
    if answer.status in reply.refused:
        return "refused"
    return "retry" if _is_tried_again(reply, answer) else "failed"


def _is_ok(reply: Reply, answer: Answer, body: Any) -> bool:
    if answer.status in reply.partly or (reply.body and answer.body.strip() != reply.body.encode()):
        return False
    if reply.says and at(body, reply.says[0]) != reply.says[1]:
        return False
    return not reply.ok or at(body, reply.ok) is True


def _is_tried_again(reply: Reply, answer: Answer) -> bool:
    text = answer.body[:4096].decode("utf-8", "replace") if reply.retry or reply.permanent else ""
    if any(word in text for word in reply.permanent):
        return False
    return any(word in text for word in reply.retry) or answer.status in TRIED_AGAIN or answer.status >= 500


def _message(reply: Reply, answer: Answer, body: Any) -> str:
    """What the service said, in its own words where they are short enough to be some."""
    said = at(body, reply.error) if reply.error else body
    text = said if isinstance(said, str) else answer.body[:300].decode("utf-8", "replace")
    text = " ".join(text.split())[:200]
    return f"The answer was {answer.status}" + (f": {text}" if text else "")


def outputs_of(action: Action, answer: Answer) -> dict[str, Any]:
    """`status`, `headers`, `body` (parsed where its type says how, else text) and the action's own outputs."""
    outputs: dict[str, Any] = {"status": answer.status, "headers": answer.headers, "body": _body(answer)}
    for one in action.outputs:
        value = at(outputs["body"], one.path)
        if value is not None:
            outputs[one.key] = value
    return outputs


def outputs_of_record(record: Mapping[str, Any], action: Action | None = None) -> dict[str, Any]:
    """The same from an answer as it is stored, for previews and replays."""
    body = str(record.get("body") or "").encode()
    headers = dict(record.get("headers") or {})
    return outputs_of(
        action or _NO_ACTION, Answer(int(record.get("status") or 0), headers, body, truncated=False, seconds=0.0)
    )


def _body(answer: Answer) -> Any:
    try:
        return payloads.parse(answer.body, answer.headers.get("content-type", ""))
    except PayloadError:
        return answer.body.decode("utf-8", "replace")


def at(value: Any, path: str) -> Any:
    """What stands at a path of names and of places in lists (`results.0.id`); None where nothing does."""
    for key in path.split("."):
        if isinstance(value, list):
            value = value[int(key)] if key.isdecimal() and int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value
