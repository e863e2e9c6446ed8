"""Filters that make text fit for a place: for addresses, labels, columns."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from relay.templating.filters.definition import Filter
from relay.templating.filters.reading import text, whole

GROUP = "Text"
_LETTERS = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D",
        "ð": "d", "Ð": "D", "ł": "l", "Ł": "L", "þ": "th", "Þ": "Th", "ı": "i",
        "’": "'", "‘": "'", "“": '"', "”": '"', "„": '"',
        "–": "-", "—": "-", "…": "...", "\u00a0": " ", "€": "EUR", "£": "GBP",
    }
)  # fmt: skip
_GAPS = re.compile(r"[\W_]+")


def _plain_letters(value: Any) -> str:
    """Accents taken off; letters of other scripts stay."""
    whole_text = text(value, most=10_000)
    parts = unicodedata.normalize("NFKD", whole_text.translate(_LETTERS))
    return unicodedata.normalize("NFC", "".join(sign for sign in parts if not unicodedata.combining(sign)))


def ascii_(value: Any, other: str = "?") -> str:
    sign = text(other, "a text for other letters", most=10)
    return "".join(letter if letter.isascii() else sign for letter in _plain_letters(value))


def slug(value: Any, separator: str = "-") -> str:
    mark = text(separator, "a separator", most=10)
    return _GAPS.sub(lambda _: mark, _plain_letters(value).replace("'", "").lower()).strip(mark or None)


def before(value: Any, mark: Any) -> str:
    return text(value, most=1 << 20).partition(_mark(mark))[0]


def after(value: Any, mark: Any) -> str:
    whole_text, sign = text(value, most=1 << 20), _mark(mark)
    return whole_text.partition(sign)[2]


def _mark(value: Any) -> str:
    mark = text(value, "a mark", most=100)
    return mark or text(None, "a mark that is not empty")


def lines(value: Any) -> list[str]:
    found = text(value, most=1 << 20)
    return [line.strip() for line in found.splitlines() if line.strip()]


def pad(value: Any, width: int, sign: Any = "0") -> str:
    filler = text(sign, "a sign to fill with", most=1)
    return text(value).rjust(whole(width, "a width", most=10_000), filler or " ")


def remove_prefix(value: Any, prefix: Any) -> str:
    return text(value, most=1 << 20).removeprefix(text(prefix, "a prefix"))


def remove_suffix(value: Any, suffix: Any) -> str:
    return text(value, most=1 << 20).removesuffix(text(suffix, "a suffix"))


FILTERS = {
    "after": Filter(
        function=after,
        cost=10,
        help="What stands after the first mark; nothing where there is none.",
        example="{{ 'ann@example.com' | after('@') }}",
        result="example.com",
    ),
    "ascii": Filter(
        function=ascii_,
        cost=3_200,
        help="Plain letters without accents, for labels and old systems; other letters become ?.",
        example="{{ 'Łódź, Zażółć 5 €' | ascii }}",
        result="Lodz, Zazolc 5 EUR",
    ),
    "before": Filter(
        function=before,
        cost=10,
        help="What stands before the first mark; all of it where there is none.",
        example="{{ 'ann@example.com' | before('@') }}",
        result="ann",
    ),
    "lines": Filter(
        function=lines,
        cost=30,
        help="A list of the lines that are not blank.",
        example="{{ 'one\n\n two ' | lines }}",
        result=["one", "two"],
    ),
    "pad": Filter(
        function=pad,
        cost=10,
        help="Fills up to a width from the left, with zeros or the sign given.",
        example="{{ 42 | pad(6) }}",
        result="000042",
    ),
    "remove_prefix": Filter(
        function=remove_prefix,
        cost=10,
        help="Takes a text off the start, if it stands there.",
        example="{{ '#1001' | remove_prefix('#') }}",
        result="1001",
    ),
    "remove_suffix": Filter(
        function=remove_suffix,
        cost=10,
        help="Takes a text off the end, if it stands there.",
        example="{{ '12 kg' | remove_suffix(' kg') }}",
        result="12",
    ),
    "slug": Filter(
        function=slug,
        cost=3_200,
        help="Small letters and hyphens, for addresses and file names.",
        example="{{ 'Crème Brûlée & Coffee!' | slug }}",
        result="creme-brulee-coffee",
    ),
}
