"""Calls: a connector's action and rendered inputs become a request; its answer becomes a verdict."""

from __future__ import annotations

import base64
import functools
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode

import msgspec

from relay import payloads
from relay.connectors.binding import check_origin, origins_of
from relay.connectors.definition import Action, Connector, Reply
from relay.connectors.fitting import fitted, plain
from relay.connectors.signing import signed
from relay.errors import PayloadError, RequestRefused
from relay.outbound import Answer, Request
from relay.templating import Tree, compile_tree

TRIED_AGAIN = frozenset({408, 425, 429})
_NO_ACTION = Action(key="", label="")
# Characters from which a part of a secret URL is taken for a secret of its own; `services` and the like are shorter.
_LONG = 16


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


@dataclass(frozen=True, slots=True)
class InboxMessage:
    """What `inbox.post` says."""

    channel: str
    title: str
    text: str


@functools.cache
def _compiled(action: Action) -> Tree:
    body = action.body if action.json is None else {"json": action.json}
    return compile_tree(
        {
            "method": action.method,
            "url": action.url,
            "headers": action.headers,
            "query": action.query,
            "basic": list(action.basic or ()),
            "sign": action.sign,
            "signing_secret": action.signing_secret,
            "body": body,
        }
    )


def build(
    connector: Connector,
    action: Action,
    inputs: Mapping[str, Any],
    connection: Mapping[str, Any] | None,
    *,
    key: str,
    hops: int = 1,
) -> Request:
    """The request that an action sends for rendered inputs; `key` is its Idempotency-Key at every try.

    `hops`: how often, with this time, a flow has called on because of one event; ingest ends what goes in circles.

    Raises RequestRefused where an input is missing, too long or of the wrong kind, or where a connection's
    secrets would go to a host that isn't its connector's.
    """
    _check_connection(connector, connection)
    parts = _rendered(action, inputs, connection or {}, key)
    address = _address(parts)
    only = origins_of(connector, action, connection) if connection else ()
    check_origin(connector, only, address)
    data, sent = _content(parts, key, hops)
    if action.basic:
        sent["Authorization"] = _basic(*parts["basic"])
    if parts.get("sign"):
        sent |= signed(parts["sign"], parts.get("signing_secret", ""), key=key, body=data, now=time.time())
    return Request(str(parts.get("method")), address, sent, data, replayable=action.repeatable, only=only)


def sketch(connector: Connector, action: Action, inputs: Mapping[str, Any], *, key: str) -> Request:
    """The request of an action whose connection is missing: its fields stand as `{{ connection.x }}`. Never to be sent.

    Raises RequestRefused where an input is missing, too long or of the wrong kind.
    """
    blanks = {one.key: f"{{{{ connection.{one.key} }}}}" for one in connector.connection}
    parts = _rendered(action, inputs, blanks, key)
    address = _address(parts)
    for blank in blanks.values():
        address = address.replace(quote_plus(blank), blank)
    data, sent = _content(parts, key, 1)
    if action.basic:
        sent["Authorization"] = f"Basic {':'.join(parts['basic'])}"
    if parts.get("sign"):
        sent |= {"webhook-id": key, "webhook-signature": "made when it is sent"}
    return Request(str(parts.get("method")), address, sent, data)


def _rendered(action: Action, inputs: Mapping[str, Any], connection: Mapping[str, Any], key: str) -> dict[str, Any]:
    context = {"inputs": fitted(action, inputs), "connection": connection, "key": key}
    parts: dict[str, Any] = _compiled(action).render(context, omit_missing=True)
    return parts


def _address(parts: Mapping[str, Any]) -> str:
    return _with_query(plain(parts.get("url", "")), _mapping(parts.get("query"), "Query"))


def _content(parts: Mapping[str, Any], key: str, hops: int) -> tuple[bytes | None, dict[str, str]]:
    """The body, and the headers but for those that prove who sends."""
    sent = {"Idempotency-Key": key}
    try:
        data, kind = _encoded(parts.get("body"))
    except UnicodeEncodeError:
        raise RequestRefused("The body has half of a surrogate pair in it, which is no character") from None
    if kind:
        sent["Content-Type"] = kind
    _add(sent, _mapping(parts.get("headers"), "Headers"))
    _add(sent, {"Relay-Hops": str(hops)})
    return data, sent


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _check_connection(connector: Connector, connection: Mapping[str, Any] | None) -> None:
    for one in connector.connection:
        if one.required and not (connection or {}).get(one.key):
            raise RequestRefused(f"The connection to {connector.label} has no {one.label}; enter it under Connections")


def _mapping(value: Any, label: str) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise RequestRefused(f"{label} must be an object of names and values")
    return value


def inbox_message(action: Action, inputs: Mapping[str, Any]) -> InboxMessage:
    """The message of `inbox.post`; RequestRefused where it has no text or is too long."""
    values = fitted(action, inputs)
    return InboxMessage(*(plain(values.get(name, "")) for name in ("channel", "title", "text")))


def secrets_of(connector: Connector, connection: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The values of a connection that may be neither stored nor shown."""
    if not connection:
        return ()
    secret = [one for one in connector.connection if one.secret and connection.get(one.key)]
    given = [(one.kind, str(connection[one.key])) for one in secret]
    return tuple(text for kind, value in given for text in (_parts(value) if kind == "url" else (value,)))


@functools.lru_cache(maxsize=512)
def _parts(url: str) -> tuple[str, ...]:
    """A secret URL, and what of it a service may repeat alone: what follows the host, and each long part of that."""
    _, _, place = url.partition("://")
    path = place[place.find("/") :] if "/" in place else ""
    return (url, *dict.fromkeys(part for part in (path, *re.split(r"[/?&=#]", path)) if len(part) >= _LONG))


def _with_query(url: str, query: Mapping[str, Any]) -> str:
    encoded = _pairs(query)
    if not encoded:
        return url
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{encoded}{mark}{fragment}"


def _pairs(values: Mapping[str, Any]) -> str:
    """Names and values, encoded; a list is its name repeated, null is left out."""
    pairs = [
        (name, plain(one))
        for name, value in values.items()
        for one in (value if isinstance(value, list) else [value])
        if one is not None
    ]
    return urlencode(pairs, errors="replace") if pairs else ""


def _add(sent: dict[str, str], headers: Mapping[str, Any]) -> None:
    """Headers of a flow; they may replace ours, whatever the case of their letters."""
    ours = {name.lower(): name for name in sent}
    for name, value in headers.items():
        if value is not None:
            sent.pop(ours.get(name.lower(), ""), None)
            sent[name] = plain(value)


def _encoded(body: Any) -> tuple[bytes | None, str]:
    """Bytes and media type of {"json"}, {"form"} or {"text", "type"}; no body where there is none."""
    if not body:
        return None, ""
    if not isinstance(body, dict) or body.keys() - {"type"} not in ({"json"}, {"form"}, {"text"}):
        raise RequestRefused('The body is {"json": ...}, {"form": {...}} or {"text": "...", "type": "..."}')
    if "json" in body:
        return msgspec.json.encode(body["json"]), "application/json"
    if "form" in body:
        return _form(body["form"]), "application/x-www-form-urlencoded"
    return plain(body["text"]).encode(), str(body.get("type") or "text/plain; charset=utf-8")


def _form(fields: Any) -> bytes:
    if not isinstance(fields, dict):
        raise RequestRefused("A form is an object of names and values")
    return _pairs(fields).encode()


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
