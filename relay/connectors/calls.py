"""Calls: a connector's action and rendered inputs become a request."""

from __future__ import annotations

import base64
import functools
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

from relay.connectors.binding import check_origin, origins_of
from relay.connectors.definition import Action, Connector
from relay.connectors.fitting import fitted, plain
from relay.connectors.signing import signed
from relay.errors import RequestRefused
from relay.outbound import Request, exact
from relay.templating import Tree, compile_tree

# Characters from which a part of a secret URL is taken for a secret of its own; `services` and the like are shorter.
_LONG = 16


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
    address = exact(_address(parts))
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
    check_body(body)
    if "json" in body:
        return msgspec.json.encode(body["json"]), _type(body, "application/json")
    if "form" in body:
        return _form(body["form"]), _type(body, "application/x-www-form-urlencoded")
    return plain(body["text"]).encode(), _type(body, "text/plain; charset=utf-8")


def check_body(body: Any) -> None:
    """RequestRefused for a body that is of no kind."""
    if not isinstance(body, dict) or body.keys() - {"type"} not in ({"json"}, {"form"}, {"text"}):
        raise RequestRefused('The body is {"json": ...}, {"form": {...}} or {"text": "...", "type": "..."}')


def _type(body: Mapping[str, Any], usual: str) -> str:
    return str(body.get("type") or usual)


def _form(fields: Any) -> bytes:
    if not isinstance(fields, dict):
        raise RequestRefused("A form is an object of names and values")
    return _pairs(fields).encode()
