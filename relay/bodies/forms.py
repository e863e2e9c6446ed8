"""Parses forms and queries, with the charset that the form or its request names."""

from __future__ import annotations

from itertools import chain

from relay.bodies import charsets
from relay.bodies.percent import unquote

Fields = list[tuple[str, str]]
_CHARSET_FIELDS = (b"_charset_", b"charset")


def fields(text: bytes, charset: str = "", otherwise: str = "") -> Fields:
    """Return names and values in order; the charset applies to percent-encoded and raw bytes.

    It is `charset`, the field `_charset_`, or UTF-8: the first that fits the bytes. If none fits, it is the charset in
    the field `charset`, which PayPal sends, and finally `otherwise`. Invalid bytes become U+FFFD.
    """
    split = (piece.partition(b"=") for piece in text.replace(b"+", b" ").split(b"&") if piece)
    pairs = [(unquote(name), unquote(value)) for name, _, value in split]
    names = _charsets(pairs, charset) if charset or b"charset" in text else ["utf-8"]
    for name in [*names, otherwise] if otherwise else names:
        try:
            return [(key.decode(name), value.decode(name)) for key, value in pairs]
        except UnicodeDecodeError:
            continue
    return [(key.decode(names[0], "replace"), value.decode(names[0], "replace")) for key, value in pairs]


def _charsets(pairs: list[tuple[bytes, bytes]], charset: str) -> list[str]:
    """Return the charsets to try, the likeliest first."""
    declared = {name: value.decode("ascii", "replace").strip() for name, value in pairs if name in _CHARSET_FIELDS}
    named = chain((charset, declared.get(b"_charset_", ""), "utf-8", declared.get(b"charset", "")))
    return [name.lower().replace("_", "-") for name in named if charsets.is_known(name)]
