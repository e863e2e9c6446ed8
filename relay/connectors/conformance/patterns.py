"""Makes a text that fits a pattern of the forms that fields have: literals, sets, groups and repetitions."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator

_CLASSES = {"d": string.digits, "w": string.ascii_letters + string.digits + "_", "s": " "}
_LENGTH = 24  # of a set that may be repeated as often as wanted
_token = re.compile(r"\\.|\[(?:\\.|[^\]\\])+\]|\(\?:|\(|\)|\||\{\d*,?\d*\}|.", re.DOTALL)


def text_for(pattern: str, seed: str) -> str:
    """A text that fits a pattern, different for another seed where the pattern allows it; "" if none is found."""
    try:
        text = "".join(_alternatives(_Tokens(pattern), _letters(seed)))
    except (IndexError, ValueError):
        return ""
    return text if re.fullmatch(pattern, text) else ""


class _Tokens:
    """The tokens of a pattern, read one after the other."""

    def __init__(self, pattern: str) -> None:
        self._tokens = _token.findall(pattern)

    @property
    def next(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def take(self) -> str:
        token: str = self._tokens.pop(0)
        return token


def _letters(seed: str) -> Iterator[int]:
    """Numbers without an end, by which letters of a set are chosen."""
    while True:
        yield from seed.encode()


def _alternatives(tokens: _Tokens, letters: Iterator[int]) -> str:
    """The text of the first of several alternatives; the others are read over."""
    found = [_sequence(tokens, letters)]
    while tokens.next == "|":
        tokens.take()
        found.append(_sequence(tokens, letters))
    return found[0]


def _sequence(tokens: _Tokens, letters: Iterator[int]) -> str:
    text = ""
    while tokens.next not in ("", "|", ")"):
        token = tokens.take()
        if token in ("(", "(?:"):
            inner = _alternatives(tokens, letters)
            tokens.take()
            text += inner * _count(tokens, 1)
        else:
            allowed = _allowed(token)
            count = _count(tokens, _LENGTH if len(allowed) > 1 else 1)
            text += "".join(allowed[next(letters) % len(allowed)] for _ in range(count))
    return text


def _allowed(part: str) -> str:
    """The letters that a part of a pattern stands for."""
    if part.startswith("["):
        return "".join(_set(part[1:-1]))
    if part.startswith("\\"):
        return _CLASSES.get(part[1], part[1])
    return "x" if part == "." else part


def _set(inside: str) -> Iterator[str]:
    if inside.startswith("^"):
        raise ValueError("a set of everything else")
    for match in re.finditer(r"\\(.)|(.)-(.)|(.)", inside, re.DOTALL):
        escaped, first, last, single = match.groups()
        if first:
            yield "".join(map(chr, range(ord(first), ord(last) + 1)))
        else:
            yield _CLASSES.get(escaped, escaped) if escaped else single


def _count(tokens: _Tokens, wanted: int) -> int:
    """How often the part before is repeated: as often as wanted, within what the pattern allows."""
    match tokens.next[:1]:
        case "?":
            least, most = 0, 0
        case "*":
            least, most = 0, wanted
        case "+":
            least, most = 1, max(wanted, 1)
        case "{":
            bounds = tokens.next[1:-1].split(",")
            least = int(bounds[0] or 0)
            most = least if len(bounds) == 1 else int(bounds[1]) if bounds[1] else max(least, wanted)
        case _:
            return 1
    tokens.take()
    return min(max(least, wanted), most)
