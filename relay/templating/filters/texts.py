"""Defines filters for text."""

from __future__ import annotations

import re
from typing import Any

from relay.templating.filters.definition import Filter
from relay.templating.formatting import printf
from relay.templating.fuel import bounded, charge, expect_text, search_units
from relay.templating.values import as_text

GROUP = "Text"

_WORD_START = re.compile(r"([-\s({\[<]+)")
_WORD = re.compile(r"\w+")


def charged_text(value: Any) -> str:
    """A value as text. Charges work for reading it."""
    text = as_text(value)
    charge(1 + (len(text) >> 5))
    return text


def capitalize(value: Any) -> str:
    return charged_text(value).capitalize()


def lower(value: Any) -> str:
    return charged_text(value).lower()


def upper(value: Any) -> str:
    return charged_text(value).upper()


def title(value: Any) -> str:
    text = charged_text(value)
    charge(len(text) >> 2)
    return "".join(part[:1].upper() + part[1:].lower() for part in _WORD_START.split(text))


def trim(value: Any, chars: str | None = None) -> str:
    text = charged_text(value)
    charge(len(text) * len(chars or "") >> 8)
    return text.strip(chars)


def center(value: Any, width: int = 80) -> str:
    return charged_text(value).center(bounded(width, name="the width"))


def indent(value: Any, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text = charged_text(value)
    pad = width if isinstance(width, str) else " " * bounded(width, name="the width")
    lines = text.split("\n")
    expect_text(len(text) + len(pad) * len(lines))
    charge(2 * len(lines))
    padded = [pad + line if (line or blank) and (first or number) else line for number, line in enumerate(lines)]
    return "\n".join(padded)


def replace(value: Any, old: Any, new: Any, count: int = -1) -> str:
    text, before, after = charged_text(value), as_text(old), as_text(new)
    charge(2 * search_units(len(text), len(before)))
    times = text.count(before)
    times = times if count is None or count < 0 else min(times, count)
    expect_text(len(text) + times * (len(after) - len(before)))
    return text.replace(before, after, times)


def split(value: Any, sep: Any = None) -> list[str]:
    text = charged_text(value)
    if sep is None:
        charge(len(text) >> 2)
        return text.split()
    mark = as_text(sep)
    charge(search_units(len(text), len(mark)))
    charge(text.count(mark))
    return text.split(mark)


def truncate(value: Any, length: int = 255, killwords: bool = False, end: str = "...", leeway: int = 0) -> str:
    text, tail = charged_text(value), as_text(end)
    most = bounded(length, name="the length", least=len(tail))
    if len(text) <= most + bounded(leeway, name="the leeway"):
        return text
    cut = text[: most - len(tail)]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + tail


def wordcount(value: Any) -> int:
    text = charged_text(value)
    charge(len(text) >> 2)
    return sum(1 for _ in _WORD.finditer(text))


def wordwrap(value: Any, width: int = 79, break_long_words: bool = True, wrapstring: str = "\n") -> str:
    text, mark = charged_text(value), as_text(wrapstring)
    most = bounded(width, name="the width", least=1)
    charge(len(text) + 4 * text.count("\n"))
    lines = [line for whole in text.split("\n") for line in _wrap(whole, most, break_long_words)]
    expect_text(len(text) + len(mark) * len(lines))
    return mark.join(lines)


def _wrap(line: str, width: int, breaks_words: bool) -> list[str]:
    """Breaks a line at spaces, in one pass, because textwrap is quadratic for a long word."""
    lines, current, length = [], list[str](), -1
    for word in line.split(" "):
        for piece in _pieces(word, width, breaks_words):
            if current and length + 1 + len(piece) > width:
                lines.append(" ".join(current))
                current, length = [], -1
            current.append(piece)
            length += 1 + len(piece)
    return [*lines, " ".join(current)]


def _pieces(word: str, width: int, breaks_words: bool) -> list[str]:
    if not breaks_words or len(word) <= width:
        return [word]
    return [word[start : start + width] for start in range(0, len(word), width)]


def string(value: Any) -> str:
    return as_text(value)


def format_(value: Any, *args: Any, **kwargs: Any) -> str:
    return printf(charged_text(value), kwargs or args)


FILTERS = {
    "capitalize": Filter(
        function=capitalize,
        cost=15,
        help="The first letter in upper case, the rest in lower case.",
        example="{{ 'new ORDER' | capitalize }}",
        result="New order",
    ),
    "center": Filter(
        function=center, cost=10, help="Centers the text in a width.", example="{{ 'ab' | center(6) }}", result="  ab  "
    ),
    "format": Filter(
        function=format_,
        takes="value, ...",
        cost=20,
        help="Fills in %s, %d and %.2f of a text.",
        example="{{ '%s: %.2f' | format('Total', 12.5) }}",
        result="Total: 12.50",
    ),
    "indent": Filter(
        function=indent,
        cost=20,
        help="Indents every line but the first.",
        example="{{ 'a\nb' | indent(2) }}",
        result="a\n  b",
    ),
    "lower": Filter(
        function=lower,
        cost=15,
        help="Lower case.",
        example="{{ 'Anna@Example.COM' | lower }}",
        result="anna@example.com",
    ),
    "replace": Filter(
        function=replace,
        cost=20,
        help="Replaces a text by another; a third argument limits how often.",
        example="{{ '2,50' | replace(',', '.') }}",
        result="2.50",
    ),
    "split": Filter(
        function=split,
        cost=20,
        help="Splits text into a list at a separator, or at white space.",
        example="{{ 'a,b,c' | split(',') }}",
        result=["a", "b", "c"],
    ),
    "string": Filter(
        group="Any value",
        function=string,
        cost=0,
        help="Makes text of any value.",
        example="{{ 42 | string }}",
        result="42",
    ),
    "title": Filter(
        function=title,
        cost=250,
        help="Every word with a capital letter.",
        example="{{ 'anna smith' | title }}",
        result="Anna Smith",
    ),
    "trim": Filter(
        function=trim,
        cost=10,
        help="Removes white space, or the given characters, at both ends.",
        example="{{ '  hi ' | trim }}",
        result="hi",
    ),
    "truncate": Filter(
        function=truncate,
        cost=10,
        help="Shortens text to a length, at a word.",
        example="{{ 'A very long title' | truncate(12) }}",
        result="A very...",
    ),
    "upper": Filter(function=upper, cost=15, help="Upper case.", example="{{ 'eur' | upper }}", result="EUR"),
    "wordcount": Filter(
        function=wordcount, cost=100, help="The number of words.", example="{{ 'one two three' | wordcount }}", result=3
    ),
    "wordwrap": Filter(
        function=wordwrap,
        cost=300,
        help="Breaks text into lines of a width.",
        example="{{ 'one two three' | wordwrap(8) }}",
        result="one two\nthree",
    ),
}
