"""Defines filters that adapt text for URLs, labels and columns."""

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
    """Removes accents; letters of other scripts stay."""
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
    return text(value, most=1 << 20).partition(_required_mark(mark))[0]


def after(value: Any, mark: Any) -> str:
    whole_text, sign = text(value, most=1 << 20), _required_mark(mark)
    return whole_text.partition(sign)[2]


def _required_mark(value: Any) -> str:
    mark = text(value, "a mark", most=100)
    return mark or text(None, "a mark that is not empty")


def lines(value: Any) -> list[str]:
    source = text(value, most=1 << 20)
    return [line.strip() for line in source.splitlines() if line.strip()]


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
        help="The text after the first mark; empty if it does not occur.",
        example="{{ 'ann@example.com' | after('@') }}",
        result="example.com",
    ),
    "ascii": Filter(
        function=ascii_,
        cost=3_200,
        help="Replaces accents and letters outside ASCII, for labels and old systems; other letters become ?.",
        example="{{ 'Łódź, Zażółć 5 €' | ascii }}",
        result="Lodz, Zazolc 5 EUR",
    ),
    "before": Filter(
        function=before,
        cost=10,
        help="The text before the first mark; the whole text if it does not occur.",
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
        help="Fills the text up to a width from the left, with zeros or the given sign.",
        example="{{ 42 | pad(6) }}",
        result="000042",
    ),
    "remove_prefix": Filter(
        function=remove_prefix,
        cost=10,
        help="Removes a text from the start, if it is there.",
        example="{{ '#1001' | remove_prefix('#') }}",
        result="1001",
    ),
    "remove_suffix": Filter(
        function=remove_suffix,
        cost=10,
        help="Removes a text from the end, if it is there.",
        example="{{ '12 kg' | remove_suffix(' kg') }}",
        result="12",
    ),
    "slug": Filter(
        function=slug,
        cost=3_200,
        help="Lower-case letters, digits and hyphens, for URLs and file names.",
        example="{{ 'Crème Brûlée & Coffee!' | slug }}",
        result="creme-brulee-coffee",
    ),
}
