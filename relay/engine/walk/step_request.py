"""From an action's step to its request: what it is made of when it is sent, and its record when it is only shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

import msgspec

from relay import masking, redaction
from relay.bodies import numerals
from relay.connectors import chains, masked_request, path_parts, request_builder
from relay.connectors.definition import Action, Call, Connector
from relay.connectors.response_rules import NO_CALLS, AnswerVerdict
from relay.engine.walk.access_tokens import AccessToken
from relay.engine.walk.action_inputs import Inputs, rendered
from relay.engine.walk.action_request import call_names
from relay.engine.walk.walk import Walk
from relay.engine.walk.work_item import OAuthConnection
from relay.errors import ConnectionMissing, TemplateError
from relay.flows.compiler import ActionStep


class Prepared(msgspec.Struct, frozen=True):
    """What the requests of a step are made of.

    `connection`: its opened values, None if the step has none. `rate`: the limit of the connection, "" for none.
    `token`: the access token of a connection by OAuth 2.0; it need not be valid.
    """

    inputs: Inputs
    connection: dict[str, Any] | None = None
    rate: str = ""
    token: AccessToken | None = None


class Chain:
    """What the requests of one action share in one walk: what they are made of, and the answers so far by call."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.made_of: Prepared | None = None


def prepare(walk: Walk, step: ActionStep) -> Prepared:
    """Open the connection of a step and render its inputs; their secrets are added to those of the walk.

    Raises ConnectionMissing, KeyLost, RelayError; the text contains no secrets.
    """
    name = step.connection
    if name is None:
        return Prepared(rendered(walk, step))
    try:
        sealed = walk.work_item.connections[name]
    except KeyError:
        message = f"The connection “{name}” does not exist; add it under Connections, then replay"
        raise ConnectionMissing(message) from None
    connection = sealed.unseal()
    inputs = rendered(walk, step)
    walk.outcome.secrets.update(request_builder.secrets_of(step.connector, connection))
    if sealed.token_revision is None:
        return Prepared(inputs, connection, sealed.rate)
    token = AccessToken(step.connector, cast(OAuthConnection, sealed), connection)
    return Prepared(inputs, connection, sealed.rate, token)


def shown_record(
    connector: Connector,
    action: Action,
    inputs: Mapping[str, Any],
    source: Mapping[str, Any],
    connection: Mapping[str, Any] | None,
    *,
    key: str,
    is_connected: bool = True,
    calls: Mapping[str, Any] = NO_CALLS,
) -> dict[str, Any]:
    """The record of a request that is not sent, as runs store those that are, without any secret.

    `inputs`: with masks in place of secrets; `source`: as they are written. `connection`: its opened values. Without
    `is_connected`, placeholders stand for the values of a connection that does not exist yet. `calls`: answers of the
    calls before it. Raises RelayError.
    """
    if action.target == "inbox":
        request_builder.message_of(masked_request.masked_inputs(action, inputs))
        return {"method": "POST", "url": "inbox", "headers": {}, "body": masking.masked_json(inputs, ())}
    path_parts.check_written(action, source, inputs)
    if not is_connected:
        return _sketched(connector, action, inputs, key, calls)
    public = masked_request.shown_connection(connector, connection)
    return redaction.request_record(
        masked_request.outline(connector, action, inputs, public, key=key, names=call_names(calls).shown), ()
    )


def _sketched(
    connector: Connector, action: Action, inputs: Mapping[str, Any], key: str, calls: Mapping[str, Any]
) -> dict[str, Any]:
    """A request record with readable placeholders for the missing connection."""
    request = masked_request.sketch(connector, action, inputs, key=key, names=call_names(calls).shown)
    record = redaction.request_record(request, ())
    placeholders = {name: value for name, value in request.headers.items() if "{{ connection." in value}
    return {**record, "url": request.url, "headers": {**record["headers"], **placeholders}}


class ShownCall(msgspec.Struct, frozen=True):
    """A call of an action that is only shown. `request`: None if it is skipped. `error`: why it fails, or "".

    `answer`: the assumed one, None if none is known.
    """

    call: Call
    request: dict[str, Any] | None
    answer: dict[str, Any] | None = None
    error: str = ""


def shown_calls(
    action: Action,
    inputs: Mapping[str, Any],
    connection: Mapping[str, Any] | None,
    record: Callable[[Action, str, Mapping[str, Any]], dict[str, Any]],
    judge: Callable[[Call], AnswerVerdict | None],
) -> tuple[list[ShownCall], dict[str, Any], bool]:
    """The calls of an action up to the first that fails, their answers by key, and whether all of these are known.

    `record(action, entry key, answers)`: the record of a request. `judge(call)`: the assumed answer, None for none. A
    request that needs an answer which is not known is shown with its templates. Raises RelayError.
    """
    shown: list[ShownCall] = []
    calls: dict[str, Any] = {}
    is_known = True
    values = masked_request.masked_inputs(action, inputs)
    for call in action.before:
        if is_known and not chains.is_made(call, values, connection, calls):
            shown.append(ShownCall(call, None))
            continue
        request = shown_or_written(chains.call_action(action, call), call.key, calls, record, is_known=is_known)
        verdict = judge(call)
        if verdict is not None and verdict.kind != "succeeded":
            shown.append(ShownCall(call, request, error=f"{call.label}: {verdict.message}"))
            break
        answer = None if verdict is None else chains.kept_answer(verdict.outputs)
        is_known = is_known and answer is not None
        calls[call.key] = {"status": 200, "body": {}} if answer is None else answer
        shown.append(ShownCall(call, request, answer))
    return shown, calls, is_known


def shown_or_written(
    action: Action,
    key: str,
    calls: Mapping[str, Any],
    record: Callable[[Action, str, Mapping[str, Any]], dict[str, Any]],
    *,
    is_known: bool,
) -> dict[str, Any]:
    """The record of a request; with its templates in place of values if it needs an answer that is not known."""
    try:
        shown = record(action, key, calls)
        # A request with secrets that can't be made has an outline without anything.
        if is_known or shown["url"] != masked_request.NOTHING.url:
            return shown
    except TemplateError:
        if is_known:
            raise
    body = action.json if action.json is not None else action.body
    text = "" if body is None else numerals.dumps(body, ensure_ascii=False)
    return {"method": action.method, "url": action.url, "headers": {}, "body": text}
