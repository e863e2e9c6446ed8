"""Reads and writes JSON whose numbers keep the digits that their sender wrote, until somebody computes with them."""

from __future__ import annotations

import json
import math
import re
import secrets
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

Read = TypeVar("Read")

# Characters of a number that keeps its text; Python limits the digits of an integer to the same number.
MAX_CHARACTERS = 4_300
# Matches the fraction or exponent of any number that must keep its text; false matches are possible, misses are not:
# other numbers have up to 15 digits, don't end in 0, and are at least a ten thousandth. Starting with one character
# makes the search about ten times as fast, and it runs over all JSON that arrives.
_END = rb"(?=[\s,\]}]|\Z)"
_fraction = re.compile(
    rb"\.(?=\d++(?:[\s,\]}eE]|\Z))(?:\d+0(?!\d)|(?<=0\.)(?<!\d0\.)0000|\d{10}|(?<=\d{7}\.)\d{6}|(?<=\d{11}\.))"
).search
_exponent = re.compile(rb"e(?<=\de)[-+]?\d++" + _END).search
_EXPONENT = re.compile(rb"E(?<=\dE)[-+]?\d++" + _END).search
# Matches what msgspec writes for large and small floats, and maybe something else within a text.
_far_number = re.compile(rb"e(?<=[0-9]e)[-+0-9]").search
# Prefix of a number while `json` writes it as text; nobody can guess it, so no sender's text begins with it.
_MARK = secrets.token_hex(16)
_marked_numbers = re.compile(rf'"{_MARK}([-+.0-9eE]+)"')


class Numeral(float):
    """A number with its text, such as 19.90 or 1234567890123456.78, where Relay would write the float differently.

    `str` is the text that its sender wrote; in comparisons, calculations, as a key and in `repr` it is the float.
    """

    __slots__ = ("text",)
    text: str

    def __str__(self) -> str:
        return self.text


def read(text: str) -> float:
    """Return the number in a JSON text: an ordinary float if Relay writes it the same, or else a Numeral."""
    value = float(text)
    if len(text) > MAX_CHARACTERS or _encode_floats(value) == text.encode() or math.isinf(value):
        return value
    numeral = Numeral(value)
    numeral.text = text
    return numeral


def decode(data: bytes | str) -> Any:
    """Decode a JSON text. Raises what `msgspec.json.decode` raises."""
    text = data.encode() if isinstance(data, str) else data
    # Decoding numbers one by one takes many times longer, and few texts need it.
    holds_numerals = _fraction(text) or _exponent(text) or _EXPONENT(text)
    return _decode(text) if holds_numerals else _decode_floats(text)


def decoder(of: type[Read]) -> Callable[[str], Read]:
    """Return a function that decodes JSON texts like `decode`, to a record or a list of records."""
    floats, numbers = msgspec.json.Decoder(of).decode, msgspec.json.Decoder(of, float_hook=_strictly).decode

    def read_text(text: str) -> Read:
        data = text.encode()
        return numbers(data) if _fraction(data) or _exponent(data) or _EXPONENT(data) else floats(data)

    return read_text


def encode(value: Any) -> bytes:
    """Encode a value as JSON. Raises what `msgspec.json.encode` raises."""
    return _encode(value)


def canonical(value: Any) -> str:
    """Return JSON that is the same for equal values, regardless of the text of numbers and the order of keys."""
    return _encode_sorted(value).decode()


def plain(value: Any) -> Any:
    """Return a JSON value with ordinary floats in place of Numerals."""
    return msgspec.to_builtins(value, enc_hook=float)


def loads(text: bytes | str, **options: Any) -> Any:
    """Decode like `json.loads`, which accepts what msgspec refuses: halves of surrogate pairs, NaN and infinity."""
    return json.loads(text, parse_float=read, **options)


def dumps(value: Any, **options: Any) -> str:
    """Encode like `json.dumps`, with all its options, but write each number as `encode` does."""
    if not _may_differ(value):
        return json.dumps(value, **options)
    return _marked_numbers.sub(r"\1", json.dumps(_marked(value), **options))


def _may_differ(value: Any) -> bool:
    """Return whether `json` may write a number of the value in another way than `encode`."""
    try:
        data = _encode_floats(value)
    except (TypeError, ValueError, RecursionError):
        return True
    return b"0.0000" in data or _far_number(data) is not None


def _marked(value: Any) -> Any:
    if isinstance(value, float):
        return _MARK + encode(value).decode() if math.isfinite(value) else value
    if isinstance(value, dict):
        return {key: _marked(item) for key, item in value.items()}
    return [_marked(item) for item in value] if isinstance(value, list | tuple) else value


def _strictly(text: str) -> float:
    value = read(text)
    if math.isinf(value):
        raise msgspec.ValidationError("Number out of range")
    return value


def _written(value: Any) -> msgspec.Raw:
    if isinstance(value, Numeral):
        return msgspec.Raw(value.text)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


_decode_floats = msgspec.json.Decoder().decode
_encode_floats = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted", enc_hook=float).encode
_decode = msgspec.json.Decoder(float_hook=_strictly).decode
_encode = msgspec.json.Encoder(enc_hook=_written).encode
