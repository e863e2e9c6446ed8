"""Converts single values to the kinds of their fields, and checks their limits."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import msgspec

from relay.bodies import numerals
from relay.connectors.definition import Field
from relay.errors import RequestRefused, ValueRefused

_TRUTH = {"true": True, "false": False}
_WORDS = {list: "a list", dict: "an object", bool: "true or false", str: "text"}
_number_text = re.compile(r"-?[0-9]{1,300}(\.[0-9]{1,300})?").fullmatch
# Services decide which addresses they accept; this finds a name, a list or a link in the place of an address.
_ADDRESS_PART = r"[^\s@<>()\[\],;:\"\\\x00-\x1f\x7f]{1,255}"
_address = re.compile(rf"{_ADDRESS_PART}@{_ADDRESS_PART}").fullmatch
_date = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}").fullmatch
_datetime = re.compile(
    r"(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ](?P<minute>[0-9]{2}:[0-9]{2})(?P<second>:[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?:(?P<utc>[Zz])|(?P<hours>[+-][0-9]{2}):?(?P<minutes>[0-9]{2}))?"
).fullmatch


def as_text(value: Any) -> str:
    """A value as text: text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return numerals.encode(value).decode()
    except UnicodeEncodeError:  # half of a surrogate pair, which a text may hold too: callers encode both alike
        return numerals.dumps(value, ensure_ascii=False, separators=(",", ":"))


def word(value: Any) -> str:
    """The type of a JSON value in words."""
    return _WORDS.get(type(value), "a number" if isinstance(value, int | float) else "this")


def check_count(field: Field, items: list[Any], noun: str) -> None:
    """Raises ValueRefused if a list is longer than its field allows."""
    if field.max_items is not None and len(items) > field.max_items:
        raise ValueRefused(f"{field.label} has {len(items)} {noun}, {field.max_items} are allowed")


def _text(field: Field, value: Any) -> str:
    if isinstance(value, list | dict):
        raise ValueRefused(f"{field.label} must be text, not {_WORDS[type(value)]}; | tojson makes text of it")
    text = as_text(value)
    if field.max_length is not None and len(text) > field.max_length:
        raise RequestRefused(f"{field.label} has {len(text)} characters, {field.max_length} are allowed")
    if field.pattern and not re.fullmatch(field.pattern, text):
        raise ValueRefused(
            f"{field.label} doesn't look right{f'; it looks like {field.example}' if field.example else ''}"
        )
    return text


def _email(field: Field, value: Any) -> str:
    text = _text(field, value.strip() if isinstance(value, str) else value)
    if not _address(text):
        raise ValueRefused(f"{field.label} must be one e-mail address, such as ada@example.com")
    return text


def _choice(field: Field, value: Any) -> str:
    if isinstance(value, str) and value in field.options:
        return value
    for option in field.options:
        if as_text(value).lower() == option.lower():
            return option
    raise ValueRefused(f"{field.label} is one of {', '.join(field.options)}")


def _number(field: Field, value: Any) -> int | float:
    number = _finite(field, value)
    if number is None:
        raise ValueRefused(f"{field.label} must be a number, not {_WORDS.get(type(value), 'this')}")
    return _within(field, number)


def _integer(field: Field, value: Any) -> int:
    number = _finite(field, value)
    if number is None:
        raise ValueRefused(f"{field.label} must be a whole number, not {_WORDS.get(type(value), 'this')}")
    if number != int(number):
        raise ValueRefused(f"{field.label} must be a whole number; | round | int makes one")
    return int(_within(field, number))


def _finite(field: Field, value: Any) -> int | float | None:
    """A value, or its text, as a number; None if it is not a number. Raises ValueRefused if it has too many digits."""
    if isinstance(value, str) and _number_text(value.strip()):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number may have any number of digits
        raise ValueRefused(f"{field.label} must have at most 308 digits") from None


def _within(field: Field, number: float) -> int | float:
    if field.minimum is not None and number < field.minimum:
        raise ValueRefused(f"{field.label} must be at least {bound_text(field.minimum)}")
    if field.maximum is not None and number > field.maximum:
        raise ValueRefused(f"{field.label} must be at most {bound_text(field.maximum)}")
    return number


def bound_text(bound: float) -> str:
    """A limit as people write it: 16384 as 16,384."""
    return f"{int(bound):,}" if bound == int(bound) else f"{bound:,}"


def _boolean(field: Field, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUTH:
        return _TRUTH[value.strip().lower()]
    raise ValueRefused(f"{field.label} must be true or false")


def _day(field: Field, value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not _date(text) or not _exists(date.fromisoformat, text):
        raise ValueRefused(f"{field.label} must be a date such as 2026-01-31; | date_format('yyyy-MM-dd') writes one")
    return text


def _moment(field: Field, value: Any) -> str:
    """A date and time in the form of RFC 3339; without an offset if it has none. A date is its start in UTC."""
    text = value.strip() if isinstance(value, str) else ""
    if _date(text) and _exists(date.fromisoformat, text):
        return f"{text}T00:00:00Z"
    match = _datetime(text)
    if match:
        offset = "Z" if match["utc"] else f"{match['hours']}:{match['minutes']}" if match["hours"] else ""
        moment = f"{match['day']}T{match['minute']}{match['second'] or ':00'}{offset}"
        if _exists(datetime.fromisoformat, moment):
            return moment
    raise ValueRefused(f"{field.label} must be a date and time such as 2026-01-31T12:00:00Z; | date_parse writes one")


def _exists(read: Callable[[str], object], text: str) -> bool:
    """Whether the calendar has a date."""
    try:
        read(text)
    except ValueError:
        return False
    return True


def _list(field: Field, value: Any) -> list[Any]:
    if isinstance(value, dict):
        raise ValueRefused(f"{field.label} must be a list, not an object")
    if not isinstance(value, list):
        value = [part.strip() for part in as_text(value).split(",") if part.strip()]
    check_count(field, value, "items")
    return list(value)


def _json(field: Field, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return numerals.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValueRefused(f"{field.label} is not JSON") from None


def _file(field: Field, value: Any) -> Any:
    """The record of a file, or a list of them; the engine checks that they are files of the run.

    A field that takes one file gets it without a list.
    """
    values = value if isinstance(value, list) else [value]
    if not all(isinstance(one, dict) and isinstance(one.get("id"), str) and "link" in one for one in values):
        more = "" if field.max_items == 1 else ", or a list of files"
        raise ValueRefused(f"{field.label} must be a file, such as {{{{ event.files[0] }}}}{more}")
    if field.max_items != 1 or not isinstance(value, list):
        return value
    if len(value) > 1:
        raise ValueRefused(f"{field.label} takes one file, not {len(value)}: use {{{{ event.files[0] }}}}, or a loop")
    return value[0] if value else None


# Each converts a value to a kind, or raises RequestRefused.
CONVERTERS: dict[str, Callable[[Field, Any], Any]] = {
    "string": _text,
    "text": _text,
    "url": _text,
    "email": _email,
    "choice": _choice,
    "number": _number,
    "integer": _integer,
    "boolean": _boolean,
    "date": _day,
    "datetime": _moment,
    "list": _list,
    "json": _json,
    "file": _file,
}
