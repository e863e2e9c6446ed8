"""Builds the request of a connector's action from rendered inputs and a connection."""

from __future__ import annotations

import base64
import functools
import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from relay.bodies import numerals
from relay.bodies.text_encoding import charset_of, encoded, missing_character
from relay.connectors import mail_request, multipart_body, path_parts, refusals, syntax_checks
from relay.connectors.credential_scope import check_origin, origins_of
from relay.connectors.definition import TOKENS, Action, Connector
from relay.connectors.input_coercion import as_text, coerce_inputs
from relay.connectors.multipart_body import OpensFile
from relay.connectors.signing import signature_headers
from relay.errors import ValueRefused
from relay.outbound import Request, exact
from relay.templating import Budget, Tree, compile_tree

# Characters from which a part of a secret URL counts as a secret itself; words such as `services` are shorter.
_MIN_SECRET_PART = 16
_MAX_FORM_DEPTH = 16
_MAX_PARTS_BYTES = 32 * 1024 * 1024
_BODIES = ({"json"}, {"form"}, {"text"}, {"multipart"}, {"file"})
_RELAY_HEADERS = frozenset({"relay-hops", "relay-budget"})


@dataclass(frozen=True, slots=True)
class InboxRequest:
    """The message of `inbox.post`."""

    channel: str
    title: str
    text: str


class RelayHeaders(msgspec.Struct, frozen=True):
    """The workspace that sends a request, and the limits that ingest applies if the request calls a flow.

    `workspace`: its id. `hops`: the number of calls from flow to flow because of one event, this one included.
    `budget`: the number of runs to which this request may still lead; None: it calls no flow.
    """

    workspace: int = 0
    hops: int = 1
    budget: int | None = None

    @property
    def headers(self) -> dict[str, str]:
        budget = {} if self.budget is None else {"Relay-Budget": str(self.budget)}
        return {"Relay-Hops": str(self.hops), **budget}


NO_WORKSPACE = RelayHeaders()
NO_NAMES: Mapping[str, Any] = {}


def may_call_flows(connector: Connector) -> bool:
    """Whether the flow or its connection chooses the URL that a connector calls, which may be that of a flow."""
    return not connector.hosts or any("{{" in host for host in connector.hosts)


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
    onward: RelayHeaders = NO_WORKSPACE,
    now: float | None = None,
    names: Mapping[str, Any] = NO_NAMES,
    opens: OpensFile | None = None,
) -> Request:
    """The request that an action sends for rendered inputs. `key`: its Idempotency-Key, the same for all tries.

    `now`: the Unix time of its signature, by default the current time. `names`: more names that its templates see.
    `opens`: gives the bytes of its files.

    Raises RequestRefused if an input is missing, too long or of the wrong kind, or if a connection's secrets would be
    sent to a host that isn't its connector's.
    """
    check_connection(connector, connection)
    parts = render_parts(action, coerce_inputs(action, inputs), connection or {}, key, names)
    if action.target == "mail":
        return _mail(parts, connection or {}, key, opens, onward.workspace)
    url = exact(url_of(parts))
    origins = origins_of(connector, action, connection) if connection else ()
    check_origin(connector, origins, url)
    data, headers = body_and_headers(parts, key, onward)
    if action.basic:
        headers["Authorization"] = "Basic " + base64.b64encode(":".join(parts["basic"]).encode()).decode()
    if parts.get("sign"):
        headers |= signature_headers(
            parts["sign"], parts.get("signing_secret", ""), key=key, body=data, now=now or time.time()
        )
    method, owner = str(parts.get("method")), onward.workspace
    request = Request(method, url, headers, data, replayable=action.repeatable, only=origins, owner=owner)
    body = parts.get("body")
    return _with_files(request, parts, opens) if body and ("multipart" in body or "file" in body) else request


def _mail(
    parts: Mapping[str, Any], connection: Mapping[str, Any], key: str, opens: OpensFile | None, owner: int
) -> Request:
    if opens is None and mail_request.is_mail(parts):
        return mail_request.shown(parts, connection, key)
    return mail_request.build(parts, connection, key, opens, owner)


def _with_files(request: Request, parts: Mapping[str, Any], opens: OpensFile | None) -> Request:
    """The request with the bytes of its files; its body stays the one that is shown."""
    if parts.get("sign"):
        raise ValueRefused("A request with files can't be signed")
    kind = request.headers["Content-Type"]
    return request if opens is None else replace(request, parts=multipart_body.parts(parts["body"], kind, opens))


def render_parts(
    action: Action,
    values: Mapping[str, Any],
    connection: Mapping[str, Any],
    key: str,
    names: Mapping[str, Any] = NO_NAMES,
) -> dict[str, Any]:
    """The parts of an action's request by name, for converted inputs. Raises ActionRefused with the action's reason."""
    refusals.check(action, values, names)
    context = {**names, "inputs": values, "connection": connection, "key": key}
    # The outputs of people's templates are counted already; here they are only inserted, at most a few times.
    with Budget.beside(output=_MAX_PARTS_BYTES):
        parts: dict[str, Any] = _compiled(action).render(context, omit_missing=True)
        if action.url and "url" not in parts:
            compile_tree(action.url).render(context)  # raises MissingName: an earlier call did not answer the URL
    path_parts.check_own(action, parts.get("url"))
    return parts


def url_of(parts: Mapping[str, Any]) -> str:
    """The URL with its query, not normalized."""
    return _with_query(as_text(parts.get("url", "")), _mapping(parts.get("query"), "Query"))


def body_and_headers(parts: Mapping[str, Any], key: str, onward: RelayHeaders) -> tuple[bytes | None, dict[str, str]]:
    """The body, and the headers except those of credentials and signatures."""
    all_headers = {"Idempotency-Key": key}
    headers, body = _mapping(parts.get("headers"), "Headers"), parts.get("body")
    if headers and multipart_body.holds_files(body):
        headers = {name: value for name, value in headers.items() if name.lower() != "content-type"}
    own_type = _own_content_type(headers) if headers else ""
    if own_type and body and isinstance(body, dict):
        body = {**body, "type": own_type}
    data, kind = _encoded(body)
    if kind:
        all_headers["Content-Type"] = kind
    if not headers:
        return data, all_headers | onward.headers
    _add_headers(all_headers, headers)
    # A flow cannot set these, in any case of letters, since it may pass on all headers of its event.
    all_headers = {name: value for name, value in all_headers.items() if name.lower() not in _RELAY_HEADERS}
    return data, all_headers | onward.headers


def _own_content_type(headers: Mapping[str, Any]) -> str:
    """The content type in a flow's headers; "" without one."""
    return next((as_text(value) for name, value in headers.items() if name.lower() == "content-type" and value), "")


def check_connection(connector: Connector, connection: Mapping[str, Any] | None) -> None:
    """Raises RequestRefused if the connection lacks a field that its connector requires."""
    for field in connector.connection:
        if field.required and not (connection or {}).get(field.key):
            raise ValueRefused(f"The connection to {connector.label} has no {field.label}; enter it under Connections")


def _mapping(value: Any, label: str) -> Mapping[str, Any]:
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise ValueRefused(f"{label} must be an object of names and values")
    return value


def inbox_message(action: Action, inputs: Mapping[str, Any]) -> InboxRequest:
    """The message of `inbox.post`. Raises RequestRefused if it has no text or is too long."""
    return message_of(coerce_inputs(action, inputs))


def message_of(values: Mapping[str, Any]) -> InboxRequest:
    """The message of `inbox.post` for converted inputs."""
    return InboxRequest(*(as_text(values.get(name, "")) for name in ("channel", "title", "text")))


def secrets_of(connector: Connector, connection: Mapping[str, Any] | None) -> tuple[str, ...]:
    """The values of a connection that may be neither stored nor shown."""
    if not connection:
        return ()
    secret = [field for field in connector.connection if field.secret and connection.get(field.key)]
    values = [(field.kind, str(connection[field.key])) for field in secret]
    texts = tuple(text for kind, value in values for text in (_parts(value) if kind == "url" else (value,)))
    return (
        texts if connector.oauth is None else texts + tuple(str(connection[key]) for key in TOKENS if key in connection)
    )


@functools.lru_cache(maxsize=512)
def _parts(url: str) -> tuple[str, ...]:
    """A secret URL and the parts that a service may repeat alone: what follows the host, and each long part of it."""
    _, _, rest = url.partition("://")
    path = rest[rest.find("/") :] if "/" in rest else ""
    return (url, *dict.fromkeys(part for part in (path, *re.split(r"[/?&=#]", path)) if len(part) >= _MIN_SECRET_PART))


def _with_query(url: str, query: Mapping[str, Any]) -> str:
    encoded = _pairs(query)
    if not encoded:
        return url
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{encoded}{mark}{fragment}"


def _pairs(values: Mapping[str, Any], *, charset: str = "utf-8", errors: str = "replace") -> str:
    """Names and values, URL-encoded; a list repeats its name, null is left out."""
    pairs = [(name, as_text(item)) for name, item in _flattened(values.items())]
    return urlencode(pairs, encoding=charset, errors=errors) if pairs else ""


def _flattened(items: Iterable[tuple[str, Any]], *, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yields names and plain values: a repeated name for a list of plain values, `items[0][sku]` for nested ones."""
    for name, value in items:
        if value is None:
            continue
        if depth > _MAX_FORM_DEPTH or not isinstance(value, list | dict):
            yield name, value
        elif isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
            items_ = ((f"{name}[{index}]" if depth else name, item) for index, item in enumerate(value))
            yield from ((key, item) for key, item in items_ if item is not None)
        else:
            inner = enumerate(value) if isinstance(value, list) else value.items()
            yield from _flattened(((f"{name}[{key}]", item) for key, item in inner), depth=depth + 1)


def _add_headers(target: dict[str, str], headers: Mapping[str, Any]) -> None:
    """Adds a flow's headers, which replace Relay's headers in any case of letters."""
    names = {name.lower(): name for name in target}
    for name, value in headers.items():
        if value is not None:
            target.pop(names.get(name.lower(), ""), None)
            target[name] = as_text(value)


def _encoded(body: Any) -> tuple[bytes | None, str]:
    """The bytes and media type of a body; None and "" without one. For one with files, the bytes that are shown."""
    if not body:
        return None, ""
    check_body(body)
    if "json" in body:
        kind = _type(body, "application/json")
        return _json(body["json"], kind), kind
    if "form" in body:
        kind = _type(body, "application/x-www-form-urlencoded")
        return _form(body["form"], kind), kind
    if "text" not in body:
        kind = multipart_body.media_type(body)
        return multipart_body.placeholder(body, kind), kind
    kind = _type(body, "text/plain; charset=utf-8")
    text = as_text(body["text"])
    syntax_checks.check(text, kind)
    return encoded(text, kind), kind


def _json(value: Any, kind: str) -> bytes:
    """JSON in UTF-8; for a type with another charset, characters outside ASCII are escaped."""
    charset = charset_of(kind)
    try:
        data = numerals.encode(value)
    except UnicodeEncodeError as error:
        raise missing_character(error, charset) from None
    return data if charset == "utf-8" else numerals.dumps(numerals.decode(data)).encode(charset)


def check_body(body: Any) -> None:
    """Raises RequestRefused for a body of unknown form."""
    if not isinstance(body, dict) or body.keys() - {"type"} not in _BODIES:
        raise ValueRefused(
            'The body is {"json": ...}, {"form": {...}}, {"text": "...", "type": "..."}, {"multipart": {...}} or'
            ' {"file": ...}'
        )


def _type(body: Mapping[str, Any], default: str) -> str:
    return str(body.get("type") or default)


def _form(fields: Any, kind: str) -> bytes:
    if not isinstance(fields, dict):
        raise ValueRefused("A form is an object of names and values")
    charset = charset_of(kind)
    try:
        return _pairs(fields, charset=charset, errors="replace" if charset == "utf-8" else "strict").encode()
    except UnicodeEncodeError as error:
        raise missing_character(error, charset) from None
