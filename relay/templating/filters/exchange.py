"""Defines filters for formats that other programs read: encoded words of headers, fields of CSV and values of SOQL."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from relay.bodies import charsets
from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.reading import number, text
from relay.templating.fuel import charge, expect_text
from relay.templating.values import as_text

GROUP = "JSON and addresses"
# The characters that a header may have.
_MAX_HEADER = 32 * 1024
_WORD_BYTES = 45  # of text: 60 characters of base64, 72 of the word, where RFC 2047 allows 75
_is_plain = re.compile(r"[\t\x20-\x7e]*").fullmatch
_is_sendable = re.compile(r"[^\x00-\x08\x0a-\x1f\x7f-\x9f]*").fullmatch
# Charset, language (RFC 2231), encoding and content of an encoded word.
_words = re.compile(r"=\?([\w.:+-]{1,40})(?:\*[\w-]{0,40})?\?([bBqQ])\?([^?\s]*+)\?=", re.ASCII).finditer
# SOQL has an escape for each; a control character without a short one is written by its code.
_SOQL = {code: f"\\u{code:04x}" for code in (*range(32), 127)} | {
    ord(sign): f"\\{escape}" for sign, escape in zip("\n\r\t\b\f'\\", "nrtbf'\\", strict=True)
}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rfc2047(value: Any) -> str:
    source = text(value, most=_MAX_HEADER)
    if not _is_sendable(source):
        raise Unfit("a text without line breaks or control characters", value, "; | replace('\\n', ' ') removes them")
    if _is_plain(source) and "=?" not in source:
        return source
    return " ".join(f"=?UTF-8?B?{base64.b64encode(part).decode()}?=" for part in _parts(source))


def _parts(source: str) -> Iterator[bytes]:
    """Yields the text in UTF-8, in parts that end at the end of a character."""
    part = b""
    for letter in source:
        data = letter.encode("utf-8", "replace")
        if len(part) + len(data) > _WORD_BYTES:
            yield part
            part = b""
        part += data
    yield part


def from_rfc2047(value: Any) -> str:
    source = text(value, most=_MAX_HEADER)
    return "".join(_decoded(charset, [data for _, data in run]) for charset, run in groupby(_runs(source), _charset))


def _runs(source: str) -> Iterator[tuple[str, bytes | str]]:
    """Yields charset and bytes of each encoded word, and the text around them without blanks between two words."""
    end, after_word = 0, False
    for word in _words(source):
        between, data = source[end : word.start()], _content(word)
        if between and not (after_word and data is not None and between.isspace()):
            yield "", between
        yield (word[1].lower(), data) if data is not None else ("", word[0])
        end, after_word = word.end(), data is not None
    yield "", source[end:]


def _charset(run: tuple[str, bytes | str]) -> str:
    return run[0]


def _content(word: re.Match[str]) -> bytes | None:
    """The bytes of an encoded word; None if it is invalid, or its charset is unknown."""
    if not charsets.is_known(word[1]):
        return None
    try:
        if word[2] in "bB":
            return base64.b64decode(word[3].rstrip("=") + "=" * (-len(word[3].rstrip("=")) % 4), validate=True)
        return binascii.a2b_qp(word[3].encode(), header=True)
    except ValueError:
        return None


def _decoded(charset: str, parts: list[Any]) -> str:
    """Decodes parts of one charset together, because some programs divide a character between two words."""
    return charsets.text(b"".join(parts), charset) if charset else "".join(parts)


def csv(value: Any, separator: str = ",", formulas: bool = True) -> str:
    if separator not in (",", ";", "\t", "|"):
        raise Unfit("a separator (comma, semicolon, tab or |)", separator)
    values = value if isinstance(value, (list, tuple)) else [value]
    charge(4 * len(values))
    return separator.join(_field(item, separator, formulas=formulas) for item in values)


def _field(value: Any, separator: str, *, formulas: bool) -> str:
    field = as_text(value)
    charge(1 + (len(field) >> 3))
    if not formulas and isinstance(value, str) and field.startswith(_FORMULA) and not _is_number(field):
        field = f"'{field}"
    if any(sign in field for sign in (separator, '"', "\n", "\r")) or field.strip() != field:
        expect_text(len(field) + field.count('"'))
        return '"' + field.replace('"', '""') + '"'
    return field


def soql(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        if not value:
            raise Unfit("a list that is not empty", value)
        charge(4 * len(value))
        return f"({', '.join(map(_soql_value, value))})"
    return _soql_value(value)


def _soql_value(value: Any) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        if isinstance(value, float) and not math.isfinite(value):
            raise Unfit("a number that is finite", value)
        return as_text(value) if value is not None else "null"
    source = text(value, "text, a number, true, false, null or a list of them")
    charge(1 + (len(source) >> 2))
    expect_text(6 * len(source))
    return f"'{source.translate(_SOQL)}'"


def _is_number(field: str) -> bool:
    try:
        number(field)
    except Unfit:
        return False
    return True


FILTERS = {
    "csv": Filter(
        function=csv,
        cost=40,
        help="A field of CSV; of a list, a record. `formulas=false` puts ' before text such as =SUM(A1).",
        example="""{{ ['Ann "A" Lee', 'Bonn, DE', 3] | csv }}""",
        result='"Ann ""A"" Lee","Bonn, DE",3',
    ),
    "from_rfc2047": Filter(
        group="Text",
        function=from_rfc2047,
        cost=400,
        help="Reads the encoded words of a header, such as =?UTF-8?B?w7Y=?=.",
        example="{{ '=?UTF-8?B?R3LDvMOfZQ==?= from =?iso-8859-1?q?K=F6ln?=' | from_rfc2047 }}",
        result="Grüße from Köln",
    ),
    "rfc2047": Filter(
        group="Text",
        function=rfc2047,
        cost=200,
        help="Writes text outside ASCII as encoded words, for headers that do not take UTF-8.",
        example="{{ 'Grüße' | rfc2047 }}",
        result="=?UTF-8?B?R3LDvMOfZQ==?=",
    ),
    "soql": Filter(
        function=soql,
        cost=150,
        help="A value in a query of Salesforce: text in quotes, escaped; a list for IN.",
        example="""{{ "Bob's BBQ" | soql }}""",
        result="""'Bob\\'s BBQ'""",
    ),
}
