"""Describes a value that breaks a text: its expression, the character, and the filter that escapes it."""

from __future__ import annotations

import re

from relay.templating import Piece

_MAX_SOURCE = 120  # characters of an expression
_is_chain = re.compile(r"[\w.\[\]'\"-]+(\s*\|\s*\w+(\([^()]*\))?)*").fullmatch
_NAMES = {"\n": "a line break", "\r": "a line break", "\t": "a tab"}


def refusal(piece: Piece, reason: str, filter_: str) -> str:
    """`The value of {{ x }} has “&” in it...; write {{ x | urlencode }}`."""
    source = piece.source
    if len(source) > _MAX_SOURCE:
        return f"The value of {{{{ {source[:_MAX_SOURCE]}… }}}} {reason}; pass it through | {filter_}"
    escaped = source if _is_chain(source) else f"({source})"
    return f"The value of {{{{ {source} }}}} {reason}; write {{{{ {escaped} | {filter_} }}}}"


def character_name(character: str) -> str:
    """A character in words."""
    if character in _NAMES:
        return _NAMES[character]
    return f"“{character}”" if character.isprintable() else f"U+{ord(character):04X}"
