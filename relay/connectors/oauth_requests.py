"""Builds the requests of OAuth 2.0 and reads their answers. Nothing here sends or stores."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote_plus, urlencode

import msgspec

from relay import redaction
from relay.connectors.definition import TOKENS, Connector, OAuth2
from relay.connectors.response_rules import RETRIED_STATUSES
from relay.errors import RelayError, RequestRefused, TokenDelayed, TokenRefused, ValueRefused
from relay.masking import mask
from relay.outbound import Answer, Request, exact, origin_of
from relay.templating import Leaf, compile_leaf, names

MAX_TOKEN_CHARACTERS = 16_384
MAX_SAID_CHARACTERS = 200
# A lifetime beyond it is read as this one: 10 years.
MAX_LIFETIME_SECONDS = 10 * 365 * 86_400
_TEMPORARY = frozenset({"temporarily_unavailable", "server_error", "slow_down"})
_has_constant_host = re.compile(r"https://[^/?#{}]+(?:[/?#]|$)").match
# What a header can carry: RFC 6749 allows visible ASCII characters in a token, and spaces.
_is_token = re.compile(rf"[\x20-\x7e]{{1,{MAX_TOKEN_CHARACTERS}}}").fullmatch

_WORDS = {
    "access_denied": "the permission was declined. Nothing has changed; choose Connect to try again",
    "invalid_scope": "it doesn't allow these permissions. Allow them for the registered client, then connect again",
    "unauthorized_client": "the registered client may not be used this way. Check how it is registered",
    "unsupported_response_type": "the registered client may not be used this way. Check how it is registered",
    "invalid_client": "it doesn't accept the client's id and secret. An owner of the workspace can enter them again",
    "invalid_grant": "it no longer accepts this authorization. Connect again",
    "redirect_uri_mismatch": "the redirect address isn't the registered one. Register exactly the one that Relay shows",
    "server_error": "it has a fault. Try again later",
    "temporarily_unavailable": "it is unavailable. Try again later",
}


class Client(NamedTuple):
    """A client that is registered with a service. `is_own`: it is part of the connection."""

    id: str
    secret: str
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class TokenAnswer:
    """What a token endpoint gave. `lifetime`: seconds, None if it doesn't expire. `scopes`: None if it doesn't say.

    `kept`: fields of the answer for the connection. `body`: the whole answer, with its tokens.
    """

    access_token: str
    refresh_token: str
    lifetime: float | None
    scopes: tuple[str, ...] | None
    kept: dict[str, str]
    body: dict[str, Any]


def challenge_of(verifier: str) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def authorization_url(
    connector: Connector, client: Client, values: Mapping[str, Any], *, redirect: str, state: str, verifier: str
) -> str:
    """The URL at the service where a person gives the permissions. Raises RelayError if the connection lacks a part."""
    auth = _oauth(connector)
    query = {"response_type": "code", "client_id": client.id, "redirect_uri": redirect, "state": state}
    if auth.scopes:
        query["scope"] = auth.separator.join(scope.name for scope in auth.scopes)
    if auth.uses_pkce:
        query |= {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
    url = endpoint(connector, auth.authorize_url, values, client)
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query | auth.parameters)}"


def code_request(
    connector: Connector, client: Client, values: Mapping[str, Any], *, code: str, redirect: str, verifier: str
) -> Request:
    """The request that exchanges an authorization code for tokens."""
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect}
    if _oauth(connector).uses_pkce:
        form["code_verifier"] = verifier
    return _token_request(connector, client, values, form)


def renewal_request(connector: Connector, client: Client, values: Mapping[str, Any]) -> Request:
    """The request for a new access token: with the refresh token, or with the client's own credentials."""
    auth = _oauth(connector)
    if not auth.authorize_url:
        form = {"grant_type": "client_credentials"}
        if auth.scopes:
            form["scope"] = auth.separator.join(scope.name for scope in auth.scopes)
        return _token_request(connector, client, values, form)
    form = {"grant_type": "refresh_token", "refresh_token": str(values["refresh_token"])}
    return _token_request(connector, client, values, form)


def revocation_request(connector: Connector, client: Client, values: Mapping[str, Any]) -> Request | None:
    """The request that revokes the connection's tokens (RFC 7009); None if the service can't."""
    auth = _oauth(connector)
    kind = next((key for key in reversed(TOKENS) if values.get(key)), None)
    if not auth.revoke_url or kind is None:
        return None
    form = {"token": str(values[kind]), "token_type_hint": kind}
    return _request(connector, auth.revoke_url, client, values, form)


def can_renew(auth: OAuth2, values: Mapping[str, Any]) -> bool:
    """Whether a new access token can be had without a person."""
    return not auth.authorize_url or bool(values.get("refresh_token"))


def _token_request(connector: Connector, client: Client, values: Mapping[str, Any], form: dict[str, str]) -> Request:
    auth = _oauth(connector)
    return _request(connector, auth.token_url, client, values, form | auth.token_parameters)


def _request(
    connector: Connector, template: str, client: Client, values: Mapping[str, Any], form: dict[str, str]
) -> Request:
    """A form for an endpoint, with the client's credentials. It is never sent twice: a code or a token works once."""
    url = endpoint(connector, template, values, client)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    if _oauth(connector).client == "basic" and client.secret:
        pair = f"{quote_plus(client.id)}:{quote_plus(client.secret)}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    else:
        form = {**form, "client_id": client.id} | ({"client_secret": client.secret} if client.secret else {})
    return Request("POST", url, headers, urlencode(form).encode(), replayable=False, only=(origin_of(url),))


def endpoint(connector: Connector, template: str, values: Mapping[str, Any], client: Client) -> str:
    """The URL of an endpoint of the service.

    Raises RelayError if a value is missing, or could lead the client's secret to another host: the person who enters
    a connection need not be the one who entered the client.
    """
    if not _has_constant_host(template) and not client.is_own:
        _check_choices(connector, template, values)
    context = {"connection": {**values, **_encoded_texts(template, values)}}
    url = exact(str(_leaf(template).render(context)))
    if not url.startswith("https://"):
        raise ValueRefused(f"The address of {connector.label} must begin with https")
    if _has_constant_host(template) and origin_of(url) != origin_of(template.partition("{{")[0]):
        raise ValueRefused(f"The connection to {connector.label} changes the address that its client is for")
    return url


def _check_choices(connector: Connector, template: str, values: Mapping[str, Any]) -> None:
    fields = {f"connection.{field.key}": field for field in connector.connection}
    for name in names(template):
        field = fields.get(name)
        if field is None or field.kind != "choice" or values.get(field.key) not in field.options:
            label = field.label if field else name
            raise ValueRefused(f"{label} of the connection to {connector.label} must be one of the choices")


def _encoded_texts(template: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The values as parts of a path: none of them can add a slash or a query. An address of its own stays as it is."""
    if not _has_constant_host(template):
        return {}
    return {key: quote_plus(value) for key, value in values.items() if isinstance(value, str)}


@functools.lru_cache(maxsize=512)
def _leaf(template: str) -> Leaf:
    return compile_leaf(template)


def _oauth(connector: Connector) -> OAuth2:
    if connector.oauth is None:
        raise RelayError(f"{connector.label} is not connected by OAuth")
    return connector.oauth


# Answers


def read_answer(connector: Connector, answer: Answer, secrets: tuple[str, ...]) -> TokenAnswer:
    """The tokens in an answer of the token endpoint.

    Raises TokenRefused if asking again is of no use, else TokenDelayed. Their texts contain none of `secrets`, those
    that were sent.
    """
    body = {} if answer.fault else _parsed(answer)
    if not 200 <= answer.status < 300 or body.get("error") or not body.get("access_token"):
        raise _fault(connector, answer, body, secrets)
    tokens = {key: body.get(key) or "" for key in TOKENS}
    if not all(isinstance(token, str) and (not token or _is_token(token)) for token in tokens.values()):
        raise TokenRefused(f"{connector.label} gave a token that no request can carry")
    auth = _oauth(connector)
    kept = {key: str(body[key])[:2_000] for key in auth.keeps if isinstance(body.get(key), str | int)}
    kept |= _base_url(connector, auth, body)
    return TokenAnswer(**tokens, lifetime=_lifetime(auth, body), scopes=_scopes(body), kept=kept, body=body)


def _base_url(connector: Connector, auth: OAuth2, body: Mapping[str, Any]) -> dict[str, str]:
    """The origin of the account's API; {} if the answer names none. Raises TokenRefused if it is no https address."""
    url = body.get(auth.base_url_from) if auth.base_url_from else None
    if url is None:
        return {}
    try:
        origin = origin_of(url) if isinstance(url, str) else ""
    except RequestRefused:
        origin = ""
    if not origin.startswith("https://"):
        raise TokenRefused(
            f"{connector.label} named an address of its API that is not an https address, so nothing can be sent to it"
        )
    return {auth.base_url_from: origin}


def _parsed(answer: Answer) -> dict[str, Any]:
    """The answer's object; {} if it is none. Some services answer with a form."""
    if "x-www-form-urlencoded" in answer.headers.get("content-type", ""):
        try:
            return dict(parse_qsl(answer.body.decode("utf-8", "replace"), max_num_fields=100))
        except ValueError:
            return {}
    try:
        body = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _lifetime(auth: OAuth2, body: dict[str, Any]) -> float | None:
    try:
        seconds = float(body["expires_in"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return auth.lifetime
    # NaN is in no range. A service that says 0 means that the token doesn't expire.
    return min(seconds, MAX_LIFETIME_SECONDS) if seconds > 0 else auth.lifetime


def _scopes(body: dict[str, Any]) -> tuple[str, ...] | None:
    scopes = body.get("scope")
    if isinstance(scopes, str) and scopes.strip():
        return tuple(re.split(r"[\s,]+", redaction.clean(scopes).strip()))[:200]
    return tuple(redaction.clean(str(scope)) for scope in scopes[:200]) if isinstance(scopes, list) else None


def claims_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """The claims of an answer's `id_token`; {} without one. The token endpoint itself sent them, over TLS."""
    payload = str(body.get("id_token") or "").partition(".")[2].partition(".")[0]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (msgspec.DecodeError, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def _fault(
    connector: Connector, answer: Answer, body: dict[str, Any], secrets: tuple[str, ...]
) -> TokenRefused | TokenDelayed:
    error = body.get("error")
    code = error if isinstance(error, str) else ""
    message = said(connector, code, _description(body), secrets, status=answer.status)
    is_answer = bool(error) or 400 <= answer.status < 500
    if not is_answer or answer.status >= 500 or answer.status in RETRIED_STATUSES or code in _TEMPORARY:
        return TokenDelayed(message)
    return TokenRefused(message)


def _description(body: dict[str, Any]) -> str:
    text = body.get("error_description") or body.get("message") or ""
    return text if isinstance(text, str) else ""


def said(connector: Connector, code: str, description: str, secrets: tuple[str, ...], *, status: int = 0) -> str:
    """An error of the service in words: what it means, and what the service itself says, with secrets masked."""
    own = " ".join(redaction.clean(mask(f"{code}: {description}" if description else code, secrets)).split())
    own = own[:MAX_SAID_CHARACTERS]
    if code == "invalid_grant" and "redirect" in description.lower():
        code = "redirect_uri_mismatch"
    meaning = _WORDS.get(code) or (f"the answer was {status}" if status else "it refused")
    return f"{connector.label}: {meaning}" + (f" ({own})" if own else "")
