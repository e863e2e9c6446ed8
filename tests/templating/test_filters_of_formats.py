"""Tests that other programs can read what filters of formats write."""

from __future__ import annotations

import csv
import io
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import TemplateError
from relay.outbound import check_headers
from relay.templating import compile_leaf
from tests.support.examples import examples

LETTERS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp"]), max_size=200)


def rendered(filter_: str, value: Any) -> Any:
    return compile_leaf(f"{{{{ v | {filter_} }}}}").render({"v": value})


@pytest.mark.parametrize("value", ["Order 7", "", "a = b?", "\t x ", "100 % & more"])
def test_ascii_stays_as_it_is(value: str) -> None:
    assert rendered("rfc2047", value) == value


@pytest.mark.parametrize(
    "value", ["Grüße", "日本語" * 50, "😀" * 100, "=?UTF-8?B?w7Y=?=", "a =?x", "é" + "a" * 500, " ö "]
)
def test_encoded_words_are_read_by_other_programs(value: str) -> None:
    words = rendered("rfc2047", value)

    assert str(make_header(decode_header(words))) == value
    assert all(len(word) <= 75 for word in words.split(" "))
    assert rendered("from_rfc2047", words) == value
    check_headers({"X-Title": words})


@examples(200)
@given(LETTERS)
def test_any_text_comes_back(value: str) -> None:
    words = rendered("rfc2047", value)

    assert words.isascii()
    assert rendered("from_rfc2047", words) == value


@pytest.mark.parametrize("value", ["a\nb", "ö\r\nX-Admin: 1", "é\0", "a\x7f", "é\x85"])
def test_what_no_header_holds_is_not_hidden_in_a_word(value: str) -> None:
    with pytest.raises(TemplateError, match="without line breaks or control characters"):
        rendered("rfc2047", value)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("plain", "plain"),
        ("=?ISO-8859-1?Q?Andr=E9?= Pirard", "André Pirard"),
        ("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"),
        ("=?ISO-8859-1?Q?a_b?=\r\n =?utf-8?b?w7Y?=", "a bö"),
        ("=?utf-8*de?q?=C3=B6?=", "ö"),
        ("=?utf-8?B?w7?= =?utf-8?q?=B6?=", "ö"),
        ("=?utf-8?q?=C3?= =?utf-8?q?=B6?=", "ö"),
        ("=?gb2312?B?1tDOxA==?=", "中文"),
        ("=?zlib?B?eJw=?= x", "=?zlib?B?eJw=?= x"),
        ("=?utf-8?B?%%%?=", "=?utf-8?B?%%%?="),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?a=ZZ?=", "a=ZZ"),
        ("a=?utf-8?q?b?=c", "abc"),
        ("=?utf-8?q??=", ""),
        ("=?utf-8?q?open", "=?utf-8?q?open"),
    ],
)
def test_encoded_words_of_other_programs_are_read(words: str, value: str) -> None:
    assert rendered("from_rfc2047", words) == value


def test_a_header_of_many_beginnings_is_read_in_one_pass() -> None:
    value = "=?a?q?" * 5_000

    assert rendered("from_rfc2047", value) == value


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("formulas", ["true", "false"])
def test_records_are_read_by_other_programs(separator: str, formulas: str) -> None:
    record = ["a,b;c\td|e", 'say "hi"', "two\r\nlines", "", " blank ", "ö", 'a"', '"', "\n"]

    line = rendered(f"csv(separator={separator!r}, formulas={formulas})", record)

    assert next(csv.reader(io.StringIO(line, newline=""), delimiter=separator, strict=True)) == record


@pytest.mark.parametrize(
    ("value", "written"),
    [(None, ""), (True, "true"), (1.5, "1.5"), ({"a": 1}, '"{""a"": 1}"'), ([[1, 2], "x"], '"[1, 2]",x'), ([], "")],
)
def test_a_field_may_be_any_value(value: Any, written: str) -> None:
    assert rendered("csv", value) == written


@pytest.mark.parametrize("value", ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "=HYPERLINK(1)", "\t=1", "-"])
def test_formulas_become_text_where_asked(value: str) -> None:
    assert rendered("csv(formulas=false)", value).strip('"') == f"'{value}"
    assert rendered("csv", value).strip('"') == value


@pytest.mark.parametrize("value", [-5, "-5", "+4.5", "-1.5e3", "a=1", "", " =1"])
def test_numbers_and_other_text_are_no_formulas(value: Any) -> None:
    assert rendered("csv(formulas=false)", value).strip('"') == str(value)


def test_a_separator_is_one_of_those_that_programs_read() -> None:
    with pytest.raises(TemplateError, match="separator"):
        rendered("csv('ab')", "x")
