"""Finds and masks secrets in texts and JSON values, in all encodings in which programs write them.

This is the second line of defence, for answers of services. What Relay itself makes of a secret is masked by its
place, in `connectors/masked_request.py` and `engine/walk/input_masking.py`.
"""

from __future__ import annotations

import html
import json
import re
import secrets as random
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from relay.bodies import numerals

MASK = "••••••"
MIN_SECRET = 4
# A secret of this many characters can't be guessed, so that masking it in a person's text doesn't confirm a guess.
UNGUESSABLE = 12
_MAX_CLEANED_VALUES = 100_000
# Characters that other encoders than Python's don't quote: urllib3 in paths and queries, encodeURIComponent, encodeURI.
_UNQUOTED = ("!$&'()*+,;=:@/", "!$&'()*+,;=:@/?", "!'()*", "!'()*;,/?:@&=+$#")

# Stands for a secret where a mask can't: in hosts and encoded texts. It is random, and never shown.
STAND_IN = f"masked{random.token_hex(10)}"
_stand_in = re.compile(STAND_IN, re.IGNORECASE)
_surrogate = re.compile(r"[\ud800-\udfff]")


def mask(text: str, secrets: Iterable[str]) -> str:
    """Replace each secret of 4 characters or more in `text` by "••••••".

    Finds it plain, URL-encoded, JSON-escaped, HTML-escaped, and in base64 also inside a longer value, such as the
    user:password of Basic authorization.
    """
    if not secrets:
        return text
    for form in all_forms(tuple(secrets)):
        if form in text:
            text = text.replace(form, MASK)
    return text


def masked(value: Any, secrets: Iterable[str]) -> Any:
    """Return a JSON value with the secrets in its texts, keys and numbers masked."""
    known = tuple(secrets)
    return _masked(value, known) if any(form in _text(value) for form in all_forms(known)) else value


def masked_json(value: Any, secrets: Iterable[str]) -> str:
    """Return a value as JSON, with secrets masked.

    Values of templates that JSON can't hold are replaced: halves of surrogate pairs by U+FFFD, and a value inside
    itself, such as `{{ steps }}` among the values of a step, by "…".
    """
    known = tuple(secrets)
    text = _text(value)
    if known and any(form in text for form in all_forms(known)):
        return _text(_masked(numerals.decode(text), known))
    return text


def _text(value: Any) -> str:
    try:
        return numerals.encode(value).decode()
    except (UnicodeEncodeError, RecursionError):
        return numerals.encode(_cleaned(value, frozenset(), iter(range(_MAX_CLEANED_VALUES)))).decode()


def _masked(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return mask(value, secrets)
    if isinstance(value, dict):
        return {mask(str(name), secrets): _masked(item, secrets) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item, secrets) for item in value]
    if isinstance(value, bool) or value is None:
        return value
    text = _text(value)
    return value if (hidden := mask(text, secrets)) == text else hidden


def shown(value: Any) -> Any:
    """Return a JSON value that a page can hold: halves of surrogate pairs become U+FFFD."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return _cleaned(value, frozenset(), iter(range(_MAX_CLEANED_VALUES)))
    return value


def _cleaned(value: Any, ancestors: frozenset[int], budget: Iterator[int]) -> Any:
    """Return a value that JSON can hold. `ancestors`: ids of containers around it. `budget`: one item for each."""
    if isinstance(value, str):
        return _surrogate.sub("\ufffd", value)
    if isinstance(value, msgspec.Struct):
        value = dict(_fields(value))
    if not isinstance(value, dict | list | tuple):
        return value
    if id(value) in ancestors or next(budget, None) is None:
        return "…"
    ancestors |= {id(value)}
    if isinstance(value, dict):
        return {_cleaned(name, ancestors, budget): _cleaned(item, ancestors, budget) for name, item in value.items()}
    return [_cleaned(item, ancestors, budget) for item in value]


def _fields(record: msgspec.Struct) -> Iterator[tuple[str, Any]]:
    """Yield the fields of a record that JSON has, by their names in JSON."""
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if value != field.default:
            yield field.encode_name, value


def with_stand_ins(value: Any) -> Any:
    """Return a JSON value with the stand-in in place of each mask."""
    if isinstance(value, str):
        return value.replace(MASK, STAND_IN) if MASK in value else value
    if isinstance(value, dict):
        return {with_stand_ins(name): with_stand_ins(item) for name, item in value.items()}
    return [with_stand_ins(item) for item in value] if isinstance(value, list | tuple) else value


def has_stand_in(value: Any) -> bool:
    """Return whether a JSON value contains the stand-in."""
    if isinstance(value, str):
        return _stand_in.search(value) is not None
    if isinstance(value, dict):
        return any(has_stand_in(name) or has_stand_in(item) for name, item in value.items())
    return isinstance(value, list | tuple) and any(map(has_stand_in, value))


def without_stand_ins(text: str) -> str:
    """Return `text` with a mask in place of each stand-in."""
    return _stand_in.sub(MASK, text)


def found_in(texts: Iterable[str], secrets: Iterable[str]) -> set[str]:
    """Return the secrets that one of the texts contains, in any encoding."""
    searched = list(texts)
    return {secret for secret in secrets if any(form in text for form in all_forms((secret,)) for text in searched)}


def longest(secrets: tuple[str, ...]) -> int:
    """Return the bytes of the longest form of a secret."""
    if not secrets:
        return 0
    return max((len(form.encode()) for form in all_forms(secrets)), default=0)


@lru_cache(maxsize=512)
def all_forms(secrets: tuple[str, ...]) -> tuple[str, ...]:
    """Return every form of every secret, longest first, so that none leaves the rest of another."""
    forms = {form for secret in secrets if len(secret) >= MIN_SECRET for form in _forms(secret)}
    return tuple(sorted((form for form in forms if len(form) >= MIN_SECRET), key=len, reverse=True))


def _forms(secret: str) -> Iterator[str]:
    secret = _surrogate.sub("\ufffd", secret)
    yield from (secret, secret.lower())
    for quoted in _quoted(secret):
        yield from (quoted, quoted.lower(), re.sub("%..", lambda match: match[0].lower(), quoted))
    for escaped in _escaped(secret):
        yield escaped
        yield from _escaped(escaped)
    for text in _base64_forms(secret.encode()):
        yield text
        yield text.replace("+", "-").replace("/", "_")


def _quoted(secret: str) -> Iterator[str]:
    yield from (quote(secret, safe=""), quote(secret), quote_plus(secret))
    for safe in _UNQUOTED:
        yield quote(secret, safe=safe)
        yield quote(secret, safe=f"{safe}%")


def _escaped(secret: str) -> Iterator[str]:
    """Yield a secret as in JSON and HTML texts."""
    plain = json.dumps(secret)[1:-1]
    yield from (plain, plain.replace("/", "\\/"), json.dumps(secret, ensure_ascii=False)[1:-1])
    marked = html.escape(secret)
    yield from (marked, html.escape(secret, quote=False), marked.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"))


def _base64_forms(secret: bytes) -> Iterator[str]:
    """Yield a secret in base64: alone, and its characters after 0, 1 or 2 bytes more than a multiple of 3."""
    yield b64encode(secret).decode()
    for before in range(3):
        encoded = b64encode(b"\0" * before + secret).decode()
        yield encoded[(before * 4 + 2) // 3 : (before + len(secret)) * 4 // 3]
