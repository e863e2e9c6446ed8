"""Tests the conversion of values to the kinds of their fields."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.connectors.definition import Action, Field
from relay.connectors.input_coercion import coerce, coerce_fields, coerce_inputs
from relay.errors import RequestRefused

TEXT = Field("text", "Message", kind="text", max_length=5)
ID = Field("id", "List", pattern="[0-9]{3}", example="123")
CHOICE = Field("method", "Method", kind="choice", options=("GET", "POST"))
NUMBER = Field("n", "Number", kind="number")
TRUTH = Field("b", "Silent", kind="boolean")
LIST = Field("l", "Labels", kind="list")
JSON = Field("j", "Blocks", kind="json")
EMAIL = Field("e", "E-mail", kind="email", max_length=20)
INTEGER = Field("i", "Quantity", kind="integer", minimum=1, maximum=99)
PRICE = Field("p", "Price", kind="number", minimum=0.5, maximum=16_384)
DATE = Field("d", "Due on", kind="date")
DATETIME = Field("m", "Due", kind="datetime")
SHORT_LIST = Field("s", "Labels", kind="list", max_items=2)
FILE = Field("f", "File", kind="file")
OTHER = Field("m", "Due", kind="datetime", excludes="d")
ADDRESS = Field(
    "to",
    "Address",
    kind="object",
    fields=(
        Field("city", "City", required=True, max_length=10),
        Field("country", "Country", default="DE"),
        Field("lines", "Lines", kind="list"),
    ),
)
ITEMS = Field(
    "items",
    "Line items",
    kind="rows",
    max_items=3,
    fields=(
        Field("name", "Name", required=True),
        Field("qty", "Quantity", kind="integer", minimum=1, maximum=99),
        Field("price", "Price", kind="object", fields=(Field("amount", "Amount", kind="number", minimum=0),)),
    ),
)


@pytest.mark.parametrize(
    ("field", "value", "fits"),
    [
        (TEXT, "hello", "hello"),
        (TEXT, 3, "3"),
        (TEXT, 2.5, "2.5"),
        (TEXT, True, "true"),
        (ID, 123, "123"),
        (CHOICE, "post", "POST"),
        (NUMBER, "12", 12),
        (NUMBER, " -1.5 ", -1.5),
        (NUMBER, 7, 7),
        (TRUTH, False, False),
        (TRUTH, "True", True),
        (LIST, ["a", 1], ["a", 1]),
        (LIST, "a, b,,c", ["a", "b", "c"]),
        (LIST, 7, ["7"]),
        (JSON, {"a": 1}, {"a": 1}),
        (JSON, "[1]", [1]),
        (EMAIL, " ada@example.com ", "ada@example.com"),
        (EMAIL, "ada+x@bücher.example", "ada+x@bücher.example"),
        (INTEGER, "12", 12),
        (INTEGER, 12.0, 12),
        (INTEGER, " 12.00 ", 12),
        (PRICE, 0.5, 0.5),
        (PRICE, "16384", 16_384),
        (DATE, "2024-02-29", "2024-02-29"),
        (DATE, " 2026-01-31 ", "2026-01-31"),
        (DATETIME, "2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        (DATETIME, "2026-01-31 12:00", "2026-01-31T12:00:00"),
        (DATETIME, "2026-01-31t12:00:00.5+0100", "2026-01-31T12:00:00.5+01:00"),
        (DATETIME, "2026-01-31", "2026-01-31T00:00:00Z"),
        (SHORT_LIST, "a,b", ["a", "b"]),
        (FILE, {"id": "f1", "link": "/f1"}, {"id": "f1", "link": "/f1"}),
        (ADDRESS, {"city": "Berlin"}, {"city": "Berlin", "country": "DE"}),
        (ADDRESS, '{"city": 5, "lines": "a, b", "other": 1}', {"city": "5", "country": "DE", "lines": ["a", "b"]}),
        (ITEMS, [{"name": "Pen", "qty": "2", "price": {"amount": ""}}], [{"name": "Pen", "qty": 2}]),
        (ITEMS, [None, {}, {"name": "", "price": {}}, ""][:3], []),
        (ITEMS, '[{"name": "Pen"}]', [{"name": "Pen"}]),
    ],
)
def test_a_value_that_fits(field: Field, value: Any, fits: Any) -> None:
    assert coerce(field, value) == fits
    assert type(coerce(field, value)) is type(fits)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (TEXT, "hello!", "Message has 6 characters, 5 are allowed"),
        (TEXT, {}, "Message must be text, not an object; | tojson makes text of it"),
        (TEXT, [1], "Message must be text, not a list; | tojson makes text of it"),
        (ID, "12a", "List doesn't look right; it looks like 123"),
        (ID, "123\n", "List doesn't look right; it looks like 123"),
        (CHOICE, "TRACE", "Method is one of GET, POST"),
        (NUMBER, "many", "Number must be a number, not text"),
        (NUMBER, True, "Number must be a number, not true or false"),
        (NUMBER, float("inf"), "Number must be a number, not this"),
        (NUMBER, [1], "Number must be a number, not a list"),
        (TRUTH, "yes", "Silent must be true or false"),
        (LIST, {"a": 1}, "Labels must be a list, not an object"),
        (JSON, "[1", "Blocks is not JSON"),
        (JSON, "[" * 100_000, "Blocks is not JSON"),
        (EMAIL, "ada", "E-mail must be one e-mail address, such as ada@example.com"),
        (EMAIL, "a@b.com, c@d.com", "E-mail must be one e-mail address, such as ada@example.com"),
        (EMAIL, "Ada <a@b.com>", "E-mail must be one e-mail address, such as ada@example.com"),
        (EMAIL, "a@b.com\nBcc: cc@d.com", "E-mail has 21 characters, 20 are allowed"),
        (EMAIL, "a@b.com\n@c", "E-mail must be one e-mail address, such as ada@example.com"),
        (EMAIL, "a@b\x00.com", "E-mail must be one e-mail address, such as ada@example.com"),
        (EMAIL, "a@@b.com", "E-mail must be one e-mail address, such as ada@example.com"),
        (EMAIL, ["a@b.com"], "E-mail must be text, not a list; | tojson makes text of it"),
        (INTEGER, 1.5, "Quantity must be a whole number; | round | int makes one"),
        (INTEGER, "1e3", "Quantity must be a whole number, not text"),
        (INTEGER, "٣", "Quantity must be a whole number, not text"),
        (INTEGER, True, "Quantity must be a whole number, not true or false"),
        (INTEGER, float("nan"), "Quantity must be a whole number, not this"),
        (INTEGER, 0, "Quantity must be at least 1"),
        (INTEGER, "100", "Quantity must be at most 99"),
        (PRICE, 0.4, "Price must be at least 0.5"),
        (PRICE, 16_385, "Price must be at most 16,384"),
        (DATE, "31.01.2026", "Due on must be a date such as 2026-01-31; | date_format('yyyy-MM-dd') writes one"),
        (DATE, "2026-02-30", "Due on must be a date such as 2026-01-31; | date_format('yyyy-MM-dd') writes one"),
        (DATE, 20260131, "Due on must be a date such as 2026-01-31; | date_format('yyyy-MM-dd') writes one"),
        (DATE, "2026-01-31T12:00:00Z", "Due on must be a date such as 2026-01-31; | date_format('yyyy-MM-dd') wr"),
        (DATETIME, "tomorrow", "Due must be a date and time such as 2026-01-31T12:00:00Z; | date_parse writes one"),
        (DATETIME, "2026-01-31T25:00:00Z", "Due must be a date and time such as 2026-01-31T12:00:00Z; | date_pars"),
        (DATETIME, "2026-01-31T12:00:00+99:00", "Due must be a date and time such as 2026-01-31T12:00:00Z; | dat"),
        (DATETIME, 1_700_000_000, "Due must be a date and time such as 2026-01-31T12:00:00Z; | date_parse writes"),
        (DATETIME, "2" * 100_000, "Due must be a date and time such as 2026-01-31T12:00:00Z; | date_parse writes"),
        (SHORT_LIST, ["a", "b", "c"], "Labels has 3 items, 2 are allowed"),
        (ADDRESS, [1], "Address must be an object, not a list"),
        (ADDRESS, "Berlin", "Address must be an object, not text"),
        (ADDRESS, "[" * 100_000, "Address must be an object, not text"),
        (ADDRESS, 7, "Address must be an object, not a number"),
        (ADDRESS, {"country": "DE"}, "Address: City is empty"),
        (ADDRESS, {"city": "x" * 11}, "Address: City has 11 characters, 10 are allowed"),
        (ADDRESS, {"town": "Berlin"}, "Address has none of the names city, country, lines"),
        (ITEMS, {"name": "Pen"}, "Line items must be a list of objects, not an object"),
        (ITEMS, "Pen", "Line items must be a list of objects, not text"),
        (ITEMS, [{"name": "a"}] * 4, "Line items has 4 rows, 3 are allowed"),
        (ITEMS, [{"name": "Pen"}, {"name": "Ink", "qty": 100}], "Line items, row 2: Quantity must be at most 99"),
        (ITEMS, [{}, {"qty": 1}], "Line items, row 2: Name is empty"),
        (ITEMS, [{"name": "Pen"}, "Ink"], "Line items, row 2 must be an object, not text"),
        (ITEMS, [{"title": "Pen"}], "Line items, row 1 has none of the names name, qty, price"),
        (
            ITEMS,
            [{"name": "Pen", "price": {"amount": -1}}],
            "Line items, row 1: Price: Amount must be at least 0",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_that_does_not_fit(field: Field, value: Any, message: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        coerce(field, value)

    assert str(refused.value).startswith(message)


def test_defaults_stand_in_and_empty_ones_are_left_out() -> None:
    action = Action("a", "A", inputs=(Field("x", "X", default="d"), Field("y", "Y"), Field("z", "Z", required=True)))

    assert coerce_inputs(action, {"x": "", "y": None, "z": 0, "other": 1}) == {"x": "d", "z": "0"}


def test_a_required_one_that_is_empty_is_named() -> None:
    with pytest.raises(RequestRefused, match="Message is empty"):
        coerce_inputs(Action("a", "A", inputs=(Field("text", "Message", required=True),)), {"text": ""})


def test_required_rows_need_one_that_is_not_empty() -> None:
    action = Action("a", "A", inputs=(replace(ITEMS, required=True),))

    for value in (None, [], [{}, {"name": ""}]):
        with pytest.raises(RequestRefused, match="Line items is empty"):
            coerce_inputs(action, {"items": value})


def test_an_object_without_values_is_left_out_and_missed_if_it_is_required() -> None:
    blank = {"to": {"city": "", "lines": None}}

    assert coerce_inputs(Action("a", "A", inputs=(ADDRESS,)), blank) == {}
    with pytest.raises(RequestRefused, match="Address is empty"):
        coerce_inputs(Action("a", "A", inputs=(replace(ADDRESS, required=True),)), blank)


def test_a_length_that_may_be_that_of_a_secret_stays_hidden_inside_objects_too() -> None:
    """A ValueRefused may be shown for a secret; this error says something about the value."""
    for field, value in ((ADDRESS, {"city": "x" * 11}), (TEXT, "hello!")):
        with pytest.raises(RequestRefused) as refused:
            coerce(field, value)
        assert type(refused.value) is RequestRefused


CONDITIONAL = (
    Field("kind", "Kind", kind="choice", options=("card", "invoice"), default="card"),
    Field("card", "Card", required=True, when=("kind", ("card",))),
    Field("due", "Due", kind="date", required=True, when=("kind", ("invoice",))),
    Field("note", "Note", when=("due", ("2026-01-31",))),
)


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"card": "c1"}, {"kind": "card", "card": "c1"}),
        ({"card": "c1", "due": "2026-01-31", "note": "x"}, {"kind": "card", "card": "c1"}),
        ({"card": "c1", "due": "not a date"}, {"kind": "card", "card": "c1"}),
        ({"kind": "INVOICE", "due": "2026-01-31", "note": "x"}, {"kind": "invoice", "due": "2026-01-31", "note": "x"}),
        ({"kind": "invoice", "due": "2026-02-01", "note": "x"}, {"kind": "invoice", "due": "2026-02-01"}),
    ],
)
def test_a_field_whose_condition_does_not_hold_is_neither_needed_nor_sent(given: Any, sent: Any) -> None:
    assert coerce_inputs(Action("a", "A", inputs=CONDITIONAL), given) == sent


@pytest.mark.parametrize("given", [{}, {"kind": "card", "due": "2026-01-31"}])
def test_a_field_whose_condition_holds_is_needed(given: Any) -> None:
    with pytest.raises(RequestRefused, match="Card is empty"):
        coerce_inputs(Action("a", "A", inputs=CONDITIONAL), given)


def test_two_inputs_that_exclude_each_other_are_not_sent_together() -> None:
    day, time = {"d": "2026-01-31"}, {"m": "2026-01-31T12:00:00Z"}

    alone = [coerce_fields((DATE, OTHER), values) for values in (day, time, {**day, "m": ""}, {**time, "d": None})]

    assert alone == [day, time, day, time]
    with pytest.raises(RequestRefused, match=r"^Due can't be given together with Due on; leave one of them empty$"):
        coerce_fields((DATE, OTHER), {**day, **time})
