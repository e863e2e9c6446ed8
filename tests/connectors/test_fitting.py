"""Values and the fields they are for."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors.definition import Action, Field
from relay.connectors.fitting import fit, fitted
from relay.errors import RequestRefused

TEXT = Field("text", "Message", kind="text", max_length=5)
ID = Field("id", "List", pattern="[0-9]{3}", example="123")
CHOICE = Field("method", "Method", kind="choice", options=("GET", "POST"))
NUMBER = Field("n", "Number", kind="number")
TRUTH = Field("b", "Silent", kind="boolean")
LIST = Field("l", "Labels", kind="list")
JSON = Field("j", "Blocks", kind="json")


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
    ],
)
def test_a_value_that_fits(field: Field, value: Any, fits: Any) -> None:
    assert fit(field, value) == fits
    assert type(fit(field, value)) is type(fits)


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
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_value_that_does_not_fit(field: Field, value: Any, message: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        fit(field, value)

    assert str(refused.value) == message


def test_defaults_stand_in_and_empty_ones_are_left_out() -> None:
    action = Action("a", "A", inputs=(Field("x", "X", default="d"), Field("y", "Y"), Field("z", "Z", required=True)))

    assert fitted(action, {"x": "", "y": None, "z": 0, "other": 1}) == {"x": "d", "z": "0"}


def test_a_required_one_that_is_empty_is_named() -> None:
    with pytest.raises(RequestRefused, match="Message is empty"):
        fitted(Action("a", "A", inputs=(Field("text", "Message", required=True),)), {"text": ""})
