"""Removes secrets and characters that can't be stored from requests and answers, before they are stored or shown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import unquote_plus

from relay import masking
from relay.bodies import text_encoding
from relay.masking import MASK, mask

MAX_BODY = 256 * 1024  # characters

_HIDDEN_WORD = r"token|secret|passw(?:or)?d|api[-_]?key|access[-_]?key|auth[-_]?key"
_names_secret = re.compile(
    rf"(?:.*[-_])?(?:{_HIDDEN_WORD}|signature(?:[-_]\w+)?|authorization|(?:set-)?cookie)",
    re.IGNORECASE,
).fullmatch
_query_secret = re.compile(rf"([?&;](?:key|sig|(?:[\w.-]*[-_])?(?:{_HIDDEN_WORD}|signature))=)[^&;#]+", re.IGNORECASE)
_login = re.compile(r"^((?:[A-Za-z][A-Za-z0-9+.-]*:)?//)[^/?#]*@")
_scheme = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,23})\s+\S").match
_surrogate = re.compile(r"[\ud800-\udfff]")
_inbound_secrets = frozenset({"authorization", "cookie", "proxy-authorization"})


class SentRequest(Protocol):
    """The attributes of a request that are read here."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes | None: ...


class ReceivedAnswer(Protocol):
    """The attributes of an answer that are read here."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def truncated(self) -> bool: ...


def request_record(request: SentRequest, secrets: Iterable[str]) -> dict[str, Any]:
    """Return a request to store: {"method", "url", "headers", "body", "truncated"}; `body` is None if there is none.

    Headers and query parameters with secret names are masked whole, even if their values aren't known secrets.
    """
    known = tuple(secrets)
    url = _query_secret.sub(rf"\1{MASK}", request.url) if "?" in request.url else request.url
    body = request.body
    text, truncated = (None, False) if body is None else _body(body, known, is_cut=False, headers=request.headers)
    return {
        "method": request.method,
        "url": mask(clean(url), known),
        "headers": _headers(request.headers, known),
        "body": text,
        "truncated": truncated,
    }


def answer_record(answer: ReceivedAnswer, secrets: Iterable[str]) -> dict[str, Any]:
    """Return an answer to store: {"status", "headers", "body", "truncated"}."""
    known = tuple(secrets)
    text, truncated = _body(answer.body, known, is_cut=answer.truncated)
    return {
        "status": answer.status,
        "headers": _headers(answer.headers, known),
        "body": text,
        "truncated": truncated,
    }


def shown_url(url: str) -> str:
    """Return a URL from a service with its password and its parameters with secret names masked."""
    return _query_secret.sub(rf"\1{MASK}", _login.sub(rf"\1{MASK}@", clean(url)))


def inbound_headers(headers: Mapping[str, str], hidden: AbstractSet[str] = frozenset()) -> dict[str, str]:
    """Return inbound headers, with values masked that identify the sender or whose names are in `hidden`."""
    secret = _inbound_secrets | hidden if hidden else _inbound_secrets
    return {
        name: _masked_value(name, value) if name.lower() in secret else clean(value) for name, value in headers.items()
    }


def inbound_query(query: str, hidden: AbstractSet[str]) -> str:
    """Return an inbound query, with the values masked of parameters whose names are in `hidden`."""
    pieces = [piece.partition("=") for piece in query.split("&")]
    return "&".join(
        f"{name}={MASK}" if mark and unquote_plus(name).lower() in hidden else f"{name}{mark}{value}"
        for name, mark, value in pieces
    )


def _headers(headers: Mapping[str, str], secrets: tuple[str, ...]) -> dict[str, str]:
    return {
        name: _masked_value(name, value) if is_secret_name(name) else mask(clean(value), secrets)
        for name, value in headers.items()
    }


@lru_cache(maxsize=2048)
def is_secret_name(name: str) -> bool:
    """Return whether a name, such as `authorization` or `api_key`, means that its value is a secret."""
    return _names_secret(name) is not None


def _masked_value(name: str, value: str) -> str:
    """Return a masked value, which keeps only the scheme of an Authorization, as in "Bearer ••••••"."""
    scheme = _scheme(value) if name.lower().endswith("authorization") else None
    return f"{scheme[1]} {MASK}" if scheme else MASK


def _body(
    body: bytes, secrets: tuple[str, ...], *, is_cut: bool, headers: Mapping[str, str] | None = None
) -> tuple[str, bool]:
    """Return text of at most MAX_BODY characters, and whether there was more.

    It is cut after masking. A cut before masking may leave half a secret at the end, so that much is removed.
    """
    longest = masking.longest(secrets)
    window = MAX_BODY + longest
    is_cut = is_cut or len(body) > window
    text = mask(clean(_decode(body[:window], headers)), secrets)
    if is_cut and longest:
        text = text[:-longest]
    return text[:MAX_BODY], is_cut or len(text) > MAX_BODY


def _decode(body: bytes, headers: Mapping[str, str] | None) -> str:
    """Decode a body as UTF-8, or else by the charset of its content type."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        kind = next((value for name, value in (headers or {}).items() if name.lower() == "content-type"), "")
        return text_encoding.decoded(body, kind)


def clean(text: str) -> str:
    """Return `text` without characters that databases can't store: NUL and halves of surrogate pairs."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _surrogate.sub("\ufffd", text)
