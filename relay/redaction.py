"""What may be stored and shown of a request or an answer: no secrets, no odd characters."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote, quote_plus, unquote_plus

import msgspec

MASK = "••••••"
MIN_SECRET = 4
MAX_BODY = 256 * 1024
_MOST_MARKED = 100_000

_HIDDEN_WORD = r"token|secret|passw(?:or)?d|api[-_]?key|access[-_]?key|auth[-_]?key"
_names_secret = re.compile(
    rf"(?:.*[-_])?(?:{_HIDDEN_WORD}|signature(?:[-_]\w+)?|authorization|(?:set-)?cookie)",
    re.IGNORECASE,
).fullmatch
_query_secret = re.compile(rf"([?&;](?:key|sig|(?:[\w.-]*[-_])?(?:{_HIDDEN_WORD}|signature))=)[^&;#]+", re.IGNORECASE)
_scheme = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,23})\s+\S").match
_surrogate = re.compile(r"[\ud800-\udfff]")
_inbound_secrets = frozenset({"authorization", "cookie", "proxy-authorization"})


class SentRequest(Protocol):
    """What is read of a request."""

    @property
    def method(self) -> str: ...
    @property
    def url(self) -> str: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes | None: ...


class ReceivedAnswer(Protocol):
    """What is read of an answer."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def body(self) -> bytes: ...
    @property
    def truncated(self) -> bool: ...


def masked_json(value: Any, secrets: Iterable[str]) -> str:
    """A value as JSON without secrets.

    What templates can give and JSON can't hold is marked: halves of surrogate pairs become U+FFFD, and a value inside
    of itself, as `{{ steps }}` among the values of a step, becomes "…".
    """
    try:
        text = msgspec.json.encode(value).decode()
    except (UnicodeEncodeError, RecursionError):
        text = msgspec.json.encode(_marked(value, frozenset(), iter(range(_MOST_MARKED)))).decode()
    return mask(text, secrets)


def shown(value: Any) -> Any:
    """A value of JSON's types as a page can hold it: half of a surrogate pair becomes U+FFFD."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _marked(value, frozenset(), iter(range(_MOST_MARKED)))
    return value


def _marked(value: Any, around: frozenset[int], rest: Iterator[int]) -> Any:
    """`around`: what the value is inside of. `rest`: as many values as may still be gone through."""
    if isinstance(value, str):
        return _surrogate.sub("\ufffd", value)
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) in around or next(rest, None) is None:
        return "…"
    around |= {id(value)}
    if isinstance(value, dict):
        return {_marked(name, around, rest): _marked(one, around, rest) for name, one in value.items()}
    return [_marked(one, around, rest) for one in value]


def mask(text: str, secrets: Iterable[str]) -> str:
    """`text` with each secret of 4 characters or more as "••••••".

    Found as it is, URL-encoded, JSON-escaped, and in base64 even inside a longer value, as in the
    user:password of Basic authorization.
    """
    for form in _all_forms(tuple(secrets)):
        if form in text:
            text = text.replace(form, MASK)
    return text


def request_record(request: SentRequest, secrets: Iterable[str]) -> dict[str, Any]:
    """{"method", "url", "headers", "body", "truncated"}: texts fit to store, `body` None if none.

    Values of headers and query parameters that are secret by name are masked whole, known or not.
    """
    known = tuple(secrets)
    url = _query_secret.sub(rf"\1{MASK}", request.url) if "?" in request.url else request.url
    body = request.body
    text, truncated = (None, False) if body is None else _body(body, known, is_cut=False)
    return {
        "method": request.method,
        "url": mask(clean(url), known),
        "headers": _headers(request.headers, known),
        "body": text,
        "truncated": truncated,
    }


def answer_record(answer: ReceivedAnswer, secrets: Iterable[str]) -> dict[str, Any]:
    """{"status", "headers", "body", "truncated"}: texts fit to store."""
    known = tuple(secrets)
    text, truncated = _body(answer.body, known, is_cut=answer.truncated)
    return {
        "status": answer.status,
        "headers": _headers(answer.headers, known),
        "body": text,
        "truncated": truncated,
    }


def inbound_headers(headers: Mapping[str, str], hidden: AbstractSet[str] = frozenset()) -> dict[str, str]:
    """`headers` as they came, but for the values of what identifies the sender, and of those called in `hidden`."""
    secret = _inbound_secrets | hidden if hidden else _inbound_secrets
    return {
        name: _masked_value(name, value) if name.lower() in secret else clean(value) for name, value in headers.items()
    }


def inbound_query(query: str, hidden: AbstractSet[str]) -> str:
    """A query as it came, but for the values of the parameters called in `hidden`."""
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
    """Whether what is called so is a secret, whatever it holds: `authorization`, `api_key`..."""
    return _names_secret(name) is not None


def _masked_value(name: str, value: str) -> str:
    """All of it masked but the scheme word of an Authorization, as in "Bearer ••••••"."""
    scheme = _scheme(value) if name.lower().endswith("authorization") else None
    return f"{scheme[1]} {MASK}" if scheme else MASK


def _body(body: bytes, secrets: tuple[str, ...], *, is_cut: bool) -> tuple[str, bool]:
    """Text of at most MAX_BODY characters, and whether there was more.

    Cut after masking; a cut before it may have left half a secret at the end, so that much goes.
    """
    longest = max((len(form.encode()) for form in _all_forms(secrets)), default=0)
    window = MAX_BODY + longest
    is_cut = is_cut or len(body) > window
    text = mask(clean(body[:window].decode(errors="replace")), secrets)
    if is_cut and longest:
        text = text[:-longest]
    return text[:MAX_BODY], is_cut or len(text) > MAX_BODY


def clean(text: str) -> str:
    """`text` without what databases can't store: NUL, and halves of surrogate pairs."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else _surrogate.sub("\ufffd", text)


@lru_cache(maxsize=512)
def _all_forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Every form of every secret, longest first so that none leaves the rest of another."""
    forms = {form for secret in secrets if len(secret) >= MIN_SECRET for form in _forms(secret)}
    return tuple(sorted(forms, key=len, reverse=True))


def _forms(secret: str) -> Iterator[str]:
    secret = _surrogate.sub("\ufffd", secret)
    yield secret
    for quoted in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield quoted
        yield re.sub("%..", lambda match: match[0].lower(), quoted)
    yield json.dumps(secret)[1:-1]
    yield json.dumps(secret).replace("/", "\\/")[1:-1]
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    for text in _base64_forms(secret.encode()):
        yield text
        yield text.replace("+", "-").replace("/", "_")


def _base64_forms(secret: bytes) -> Iterator[str]:
    """In base64 alone, and what stays of it behind 0, 1 or 2 bytes more than a multiple of 3."""
    yield b64encode(secret).decode()
    for before in range(3):
        encoded = b64encode(b"\0" * before + secret).decode()
        yield encoded[(before * 4 + 2) // 3 : (before + len(secret)) * 4 // 3]
