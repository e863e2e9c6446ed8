"""Judges answers by the rules of their action, and computes the outputs that later steps see."""

from __future__ import annotations

import functools
import html
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec
from msgspec import field

from relay import redaction
from relay.bodies import payloads
from relay.connectors.definition import Action, Reply
from relay.connectors.input_coercion import coerce_inputs
from relay.connectors.retry_headers import retry_after
from relay.errors import PayloadError, RelayError
from relay.outbound import Answer
from relay.templating import Budget, Leaf, compile_leaf

RETRIED_STATUSES = frozenset({408, 425, 429})
REFUSED_SIGN_IN = frozenset({530, 534, 535, 538})  # of mail servers
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_NO_ACTION = Action(key="", label="")
_BY_STATUS = Reply()
_title = re.compile(r"<title[^>]{0,200}>([^<]{0,400})", re.IGNORECASE).search
_WORDS_WITHIN = 4096  # bytes of an answer in which the words of a Reply, or a page's title, are looked for
# Of an action that is no chain.
NO_CALLS: Mapping[str, Any] = {}


class AnswerVerdict(msgspec.Struct, frozen=True):
    """The meaning of an answer.

    `refused`: the credential is invalid. `retry_after`: when to try again, in the form of the header Retry-After.
    `outputs`: for later steps.
    `is_unsure`: it is unknown whether the action was done.
    """

    kind: Literal["succeeded", "retry", "failed", "refused"]
    message: str = ""
    retry_after: str | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    is_unsure: bool = False


def judge(
    action: Action,
    answer: Answer,
    *,
    inputs: Mapping[str, Any] | None = None,
    success: Callable[[Mapping[str, Any]], bool] | None = None,
    service: str = "",
    hide: Callable[[str], str] = str,
    now: float | None = None,
    calls: Mapping[str, Any] = NO_CALLS,
) -> AnswerVerdict:
    """Judges an answer by its status, the connector's Reply, and the step's own `success` if it has one.

    `inputs`: the action's, for outputs that are computed. `success` is called with
    {"answer": {"status", "headers", "body"}}. `service`: its label, for messages. `hide` masks secrets in the service's
    message before it is shortened. `now`: Unix time, by default the current one, for headers that name a time.
    `calls`: answers of the calls before it.
    """
    outputs, reply = outputs_of(action, answer, calls), action.reply or _BY_STATUS
    if action.target == "mail":
        return _judge_mail(answer, outputs, hide)
    if success is not None:
        succeeded = success({"answer": outputs})
    else:
        is_ok = 200 <= answer.status < 300 and _is_ok(reply, answer, outputs.get("body"))
        succeeded = is_ok or _was_done(reply, answer)
    if succeeded:
        return _with_computed(action, outputs, inputs, hide)
    kind = _failure(reply, answer)
    # A success status does not explain a refusal, and a step's own condition is not a refusal by the service.
    refuses = service if success is None and 200 <= answer.status < 300 and answer.status not in reply.partly else ""
    message = _message(reply, answer, outputs.get("body"), hide, refuses)
    wait = retry_after(reply.wait, answer.headers, time.time() if now is None else now)
    return AnswerVerdict(kind, message, wait, outputs)


def _with_computed(
    action: Action, outputs: dict[str, Any], inputs: Mapping[str, Any] | None, hide: Callable[[str], str]
) -> AnswerVerdict:
    """The success of an action, with its computed outputs."""
    try:
        return AnswerVerdict("succeeded", outputs=outputs | computed_outputs(action, outputs.get("body"), inputs))
    except RelayError as error:
        message = f"The answer was {outputs['status']}, but it is not as expected: {hide(str(error))}"
        return AnswerVerdict("failed", message, outputs=outputs)


def _was_done(reply: Reply, answer: Answer) -> bool:
    """Whether a failure says that the action was done before."""
    return bool(reply.done) and answer.status < 500 and _has_any(reply.done, _start_of(answer))


def _start_of(answer: Answer) -> str:
    return answer.body[:_WORDS_WITHIN].decode("utf-8", "replace")


def _judge_mail(answer: Answer, outputs: dict[str, Any], hide: Callable[[str], str]) -> AnswerVerdict:
    """Judge the last answer of a mail server: 4xx is temporary, 5xx is not, 535 is a refused sign-in (RFC 5321)."""
    if 200 <= answer.status < 300:
        return AnswerVerdict("succeeded", outputs=outputs)
    said = " ".join(hide(str(value_at(outputs.get("body"), "reply") or "")).split())[:200]
    message = f"The mail server answered {answer.status}" + (f": {said}" if said else "")
    if answer.status in REFUSED_SIGN_IN:
        return AnswerVerdict("refused", message, outputs=outputs)
    return AnswerVerdict("retry" if 400 <= answer.status < 500 else "failed", message, outputs=outputs)


def is_refusal(reply: Reply, status: int | None, text: str) -> bool:
    """Whether the status or the text of an answer says that the credential is invalid."""
    return status in reply.refused or _has_any(reply.refusing, text)


def without_meaning(action: Action, message: str) -> str:
    """The message of a verdict without the meaning that Relay has added to it."""
    replies = [*(call.reply for call in action.before), action.reply]
    ends = (f". {meaning}" for reply in replies if reply is not None for meaning in reply.meanings.values())
    return next((message.removesuffix(end) for end in ends if message.endswith(end)), message)


def _failure(reply: Reply, answer: Answer) -> Literal["retry", "failed", "refused"]:
    has_words = reply.refusing or reply.retry or reply.permanent
    text = _start_of(answer) if has_words else ""
    if is_refusal(reply, answer.status, text):
        return "refused"
    if _has_any(reply.permanent, text):
        return "failed"
    is_retried = _has_any(reply.retry, text) or answer.status in RETRIED_STATUSES or answer.status >= 500
    return "retry" if is_retried else "failed"


def _has_any(words: tuple[str, ...], text: str) -> bool:
    return any(word in text for word in words)


def _is_ok(reply: Reply, answer: Answer, body: Any) -> bool:
    if answer.status in reply.partly or (reply.body and answer.body.strip() != reply.body.encode()):
        return False
    if reply.says and value_at(body, reply.says[0]) != reply.says[1]:
        return False
    return not reply.ok or value_at(body, reply.ok) is True


def _message(reply: Reply, answer: Answer, body: Any, hide: Callable[[str], str], refuses: str) -> str:
    """The status and the start of the service's own message, and what it means.

    `refuses`: the label of a service whose own message says in an answer of success that it did nothing.
    """
    if answer.status in _REDIRECTS and (location := answer.headers.get("location")):
        shown = " ".join(hide(redaction.shown_url(location)).split())[:300]
        return f"The answer was {answer.status} to {shown}; redirects are not followed"
    if answer.fault and not answer.body:
        return f"The answer was {answer.status}, and {answer.fault}"
    message = value_at(body, reply.error) if reply.error else body
    text = message if isinstance(message, str) else answer.body.decode("utf-8", "replace")
    is_html = "html" in answer.headers.get("content-type", "").lower()
    # Slack's webhooks send plain words as HTML.
    is_page = is_html and (message is None or message is body) and "<" in text
    text = " ".join(hide(_page_title(text) if is_page else text).split())[:200]
    # A web page or JSON that is cut is not the service's own message.
    is_own = isinstance(message, str) and text and text[0] not in "{[<"
    start = f"{refuses} refused" if refuses and is_own and not is_page else f"The answer was {answer.status}"
    meaning = next((meaning for word, meaning in reply.meanings.items() if word in text), "")
    return start + (f": {text}" if text else "") + (f". {meaning}" if meaning else "")


def _page_title(page: str) -> str:
    """What a page says, in words: services put a page of a proxy or of a sign-in in the place of an answer."""
    title = _title(page[:_WORDS_WITHIN])
    return f"a web page, “{html.unescape(title[1]).strip()}”" if title and title[1].strip() else "a web page"


def outputs_of(action: Action, answer: Answer, calls: Mapping[str, Any] = NO_CALLS) -> dict[str, Any]:
    """`status`, `headers`, `body` (parsed by its type, else text) and the action's own outputs.

    A body that isn't complete is replaced by `body_error`, the reason that templates give which read `body`, and
    `body_start`, its text.
    """
    outputs: dict[str, Any] = {"status": answer.status, "headers": answer.headers}
    if answer.fault:
        outputs |= {"body_error": answer.fault, "body_start": answer.body.decode("utf-8", "replace")}
        return outputs
    outputs["body"] = _body(answer)
    for output in action.outputs:
        body = calls.get(output.call, NO_CALLS).get("body") if output.call else outputs["body"]
        value = None if output.value else value_at(body, output.path)
        if value is not None:
            outputs[output.key] = value
    return outputs


def computed_outputs(action: Action, body: Any, inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """The outputs of an action that have a template. Raises RelayError if the body isn't as they expect."""
    computed = [output for output in action.outputs if output.value]
    if not computed or inputs is None:
        return {}
    context = {"body": body, "inputs": coerce_inputs(action, inputs)}
    with Budget.beside():
        return {output.key: _compiled(output.value).render(context) for output in computed}


@functools.cache
def _compiled(template: str) -> Leaf:
    return compile_leaf(template)


def outputs_of_record(
    record: Mapping[str, Any], action: Action | None = None, calls: Mapping[str, Any] = NO_CALLS
) -> dict[str, Any]:
    """The outputs of a stored answer, for previews and replays; without computed ones."""
    body = str(record.get("body") or "").encode()
    headers = dict(record.get("headers") or {})
    fault = "the answer was cut" if record.get("truncated") else ""
    status = int(record.get("status") or 0)
    return outputs_of(action or _NO_ACTION, Answer(status, headers, body, bool(fault), seconds=0.0, fault=fault), calls)


def _body(answer: Answer) -> Any:
    try:
        return payloads.parse(answer.body, answer.headers.get("content-type", ""))
    except PayloadError:
        return answer.body.decode("utf-8", "replace")


def value_at(value: Any, path: str) -> Any:
    """The value at a path of names and list indexes (`results.0.id`), or None."""
    for key in path.split("."):
        if isinstance(value, list):
            value = value[int(key)] if key.isdecimal() and int(key) < len(value) else None
        else:
            value = value.get(key) if isinstance(value, dict) else None
    return value
