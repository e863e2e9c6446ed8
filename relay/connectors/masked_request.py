"""Builds the requests of actions as they may be stored and shown, without any secret.

An outline is built by the code that builds the request, from inputs and a connection with a mask in place of each
secret. So an encoder does to the mask what it does to the secret, and nothing has to be recognized afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from msgspec.structs import replace

from relay.bodies.text_encoding import decoded
from relay.connectors import mail_request, request_builder
from relay.connectors.credential_scope import check_origin, origins_of
from relay.connectors.definition import Action, Connector
from relay.connectors.input_coercion import coerce_fields
from relay.connectors.request_builder import NO_NAMES, NO_WORKSPACE, RelayHeaders
from relay.connectors.signing import check as check_signing
from relay.errors import ActionRefused, RequestRefused, TemplateError, ValueRefused
from relay.masking import MASK, STAND_IN, has_stand_in, with_stand_ins, without_stand_ins
from relay.outbound import Request, check_headers, exact

# The outline of a request that cannot be built without its secrets.
NOTHING = Request(MASK, MASK, {}, None)


def outline(
    connector: Connector,
    action: Action,
    inputs: Mapping[str, Any],
    connection: Mapping[str, Any] | None,
    *,
    key: str,
    onward: RelayHeaders = NO_WORKSPACE,
    now: float | None = None,
    is_sent: bool = False,
    names: Mapping[str, Any] = NO_NAMES,
) -> Request:
    """Builds a request with a mask for each secret, like `request_builder.build`, but never to be sent.

    `inputs`, `connection` and `names` have masks in place of secrets. Raises RequestRefused for faults that do not
    depend on a secret. `is_sent`: skip the checks that the sender makes.
    """
    request_builder.check_connection(connector, connection)
    values = with_stand_ins(connection or {})
    parts = _parts(action, inputs, values, key, with_stand_ins(names))
    if parts is None:
        return NOTHING
    if action.target == "mail":
        return _mail(parts, values, key)
    url = _exact(request_builder.url_of(parts))
    origins = origins_of(connector, action, values) if connection else ()
    origins = () if has_stand_in(list(origins)) else origins
    if not has_stand_in(_authority(url)):
        check_origin(connector, origins, url)
    data, headers = request_builder.body_and_headers(parts, key, onward)
    if action.basic:
        headers["Authorization"] = f"Basic {STAND_IN}"
    if parts.get("sign"):
        headers |= _signed(parts, key, time.time() if now is None else now)
    if not is_sent:
        check_headers(headers)
    return _masked(Request(str(parts.get("method")), url, headers, data, only=origins))


def _mail(parts: dict[str, Any], connection: Mapping[str, Any], key: str) -> Request:
    """The outline of a mail; nothing of it, if a secret is where an address is expected."""
    try:
        return _masked(mail_request.shown(parts, connection, key))
    except ValueRefused:
        if has_stand_in(parts.get("body")):
            return NOTHING
        raise


def sketch(
    connector: Connector,
    action: Action,
    inputs: Mapping[str, Any],
    *,
    key: str,
    names: Mapping[str, Any] = NO_NAMES,
) -> Request:
    """Builds the request of an action without a connection, with `{{ connection.x }}` for its fields. Never to be sent.

    Raises RequestRefused if an input is missing, too long or of the wrong kind.
    """
    keys = [*(field.key for field in connector.connection), *_hidden_keys(connector)]
    blanks = {key: f"{{{{ connection.{key} }}}}" for key in keys}
    if action.target == "mail":
        blanks = mail_request.EXAMPLE
    parts = _parts(action, inputs, blanks, key, names)
    if parts is None:
        return NOTHING
    if action.target == "mail":
        return mail_request.shown(parts, blanks, key)
    url = request_builder.url_of(parts)
    for blank in blanks.values():
        url = url.replace(quote_plus(blank), blank).replace(quote(blank, safe=""), blank)
    data, headers = request_builder.body_and_headers(parts, key, NO_WORKSPACE)
    if action.basic:
        headers["Authorization"] = f"Basic {':'.join(parts['basic'])}"
    if parts.get("sign"):
        headers |= {"webhook-id": key, "webhook-signature": "made when it is sent"}
    return _masked(Request(str(parts.get("method")), url, headers, data))


def shown_connection(connector: Connector, connection: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The values of a connection, with a mask for each that is secret or unknown to its connector.

    Values that a service sends with its tokens, such as the address of the account, are not secret.
    """
    if connection is None:
        return None
    auth = connector.oauth
    public = {field.key for field in connector.connection if not field.secret} | set(auth.public_keys if auth else ())
    shown = {key: value if key in public or not value else MASK for key, value in connection.items()}
    return (
        shown if auth is None or auth.is_replaced(connection) else dict.fromkeys(_hidden_keys(connector), MASK) | shown
    )


def _hidden_keys(connector: Connector) -> tuple[str, ...]:
    """The names in a connection that its service fills in, and that a request can't be shown without."""
    auth = connector.oauth
    return () if auth is None else tuple(key for key in auth.own_keys if key not in auth.keeps)


def masked_inputs(action: Action, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The converted inputs; a value with a mask that can't be converted stays as it is."""
    return coerce_fields(action.inputs, inputs, is_hidden=_is_hidden)


def _is_hidden(value: Any) -> bool:
    return isinstance(value, str) and (MASK in value or has_stand_in(value))


def _parts(
    action: Action,
    inputs: Mapping[str, Any],
    connection: Mapping[str, Any],
    key: str,
    names: Mapping[str, Any] = NO_NAMES,
) -> dict[str, Any] | None:
    """The parts of the request, each of a type that can be encoded; None if that depends on a secret."""
    values = masked_inputs(action, with_stand_ins(inputs))
    try:
        parts = request_builder.render_parts(action, values, connection, key, names)
    except TemplateError as error:
        is_of_connection = has_stand_in(connection) and not isinstance(error, ActionRefused)
        if has_stand_in(values) or is_of_connection or has_stand_in(names):
            return None
        raise
    for name in ("headers", "query"):
        if not isinstance(parts.get(name), dict) and has_stand_in(parts.get(name)):
            parts[name] = {STAND_IN: STAND_IN}
    if has_stand_in(parts.get("body")):
        parts["body"] = _body(parts["body"])
    return parts


def _body(body: Any) -> Any:
    """A body of a valid form, also if a secret decides its form."""
    try:
        request_builder.check_body(body)
    except RequestRefused:
        return {"text": STAND_IN, "type": STAND_IN}
    kind = next((kind for kind in ("form", "multipart") if kind in body), "")
    return {**body, kind: {STAND_IN: STAND_IN}} if kind and not isinstance(body[kind], dict) else body


def _exact(address: str) -> str:
    """The URL as it is called, or as written if that depends on a secret."""
    try:
        return exact(address)
    except RequestRefused:
        if has_stand_in(_authority(address)):
            return address
        raise


def _authority(address: str) -> str:
    """The URL before its path, where a wrong character makes the whole URL invalid."""
    scheme, mark, rest = address.partition("://")
    if not mark:
        return address
    end = min((index for index in map(rest.find, "/?#") if index >= 0), default=len(rest))
    return scheme + rest[:end]


def _signed(parts: Mapping[str, Any], key: str, now: float) -> dict[str, str]:
    scheme = str(parts["sign"])
    if not has_stand_in(scheme):
        check_signing(scheme, str(parts.get("signing_secret", "")))
    return {"webhook-id": key, "webhook-timestamp": str(int(now)), "webhook-signature": STAND_IN}


def _masked(request: Request) -> Request:
    """A request with masks in place of their stand-ins."""
    headers = {without_stand_ins(name): without_stand_ins(value) for name, value in request.headers.items()}
    body = request.body
    if body is not None:
        kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        body = without_stand_ins(decoded(body, kind)).encode("utf-8", "surrogatepass")
    method, url = without_stand_ins(request.method), without_stand_ins(request.url)
    return replace(request, method=method, url=url, headers=headers, body=body)
