"""Tests what saving complains about in objects, rows, limits and fields with a condition."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors.definition import Action, Connector, Field
from relay.errors import DocumentFaults
from relay.flows.checks.validation import parse_document
from tests.support.offering import offer

ADDRESS = (
    Field("city", "City", required=True, max_length=10),
    Field("email", "E-mail", kind="email"),
    Field("since", "Since", kind="date"),
    Field("until", "Until", kind="date", excludes="since"),
)
LINE = (
    Field("name", "Name", required=True),
    Field("qty", "Quantity", kind="integer", minimum=1, maximum=99),
    Field("unit", "Unit", kind="choice", options=("pcs", "kg")),
    Field("weight", "Weight", kind="number", required=True, when=("unit", ("kg",))),
)
SHOP = Connector(
    "shop",
    "Shop",
    actions=(
        Action(
            "order",
            "Order",
            inputs=(
                Field("to", "Address", kind="object", fields=ADDRESS),
                Field("items", "Line items", kind="rows", required=True, max_items=3, fields=LINE),
                Field("pay", "Payment", kind="choice", options=("card", "invoice"), default="card"),
                Field("due", "Due", kind="datetime", required=True, when=("pay", ("invoice",))),
            ),
            url="https://shop.example/{{ inputs.pay }}",
            json={"to": "{{ inputs.to }}", "items": "{{ inputs.items }}", "due": "{{ inputs.due }}"},
        ),
    ),
)
PEN: dict[str, Any] = {"name": "Pen"}


@pytest.fixture(autouse=True)
def _shop(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, SHOP)


def faults(**inputs: Any) -> list[str]:
    step = {"id": "a", "kind": "action", "action": "shop.order", "inputs": {"items": [PEN], **inputs}}
    try:
        parse_document({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [step]})
    except DocumentFaults as refused:
        return [str(fault).removeprefix("steps[0].inputs.") for fault in refused.faults]
    return []


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"to": {"city": "Berlin", "email": "a@b.com", "since": "2026-01-31"}},
        {"to": "{{ event.body.address }}"},
        {"to": {"city": "{{ event.body.city }}", "email": "{{ event.body.mail | trim }}"}},
        {"to": {"city": "", "email": None}},
        {"to": '{"city": "Berlin"}'},
        {"items": "{{ event.body.items }}"},
        {"items": ["{{ event.body.first }}", PEN]},
        {"items": [{"name": "{{ event.body.a }}", "qty": "{{ event.body.n }}", "unit": "kg", "weight": "2.5"}]},
        {"items": [{"name": "Pen", "unit": "{{ event.body.unit }}"}]},
        {"items": [PEN, {}, {"name": "", "qty": None}]},
        {"pay": "Invoice", "due": "2026-01-31 12:00"},
        {"pay": "{{ event.body.pay }}"},
        {"pay": "card", "due": "not a date"},
        {"due": "{{ event.body.due }}"},
    ],
    ids=str,
)
def test_no_fault(inputs: Any) -> None:
    assert faults(**inputs) == []


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ({"to": {"email": "a@b.com"}}, ["to.city: Address: City is needed"]),
        ({"to": {"city": "x" * 11}}, ["to.city: Address: City has 11 characters, 10 are allowed"]),
        ({"to": {"city": "B", "email": "{{ a"}}, ["to.email: line 1: the closing }} is missing"]),
        ({"to": {"city": "B", "email": "a"}}, ["to.email: Address: E-mail must be one e-mail address, such as"]),
        ({"to": {"city": "B", "since": "1.2.2026"}}, ["to.since: Address: Since must be a date such as 2026-01-31"]),
        ({"to": {"city": "B", "zip": "1"}}, ["to.zip: unknown field; there are city, email, since"]),
        ({"to": "Berlin"}, ["to: Address must be an object, not text"]),
        ({"to": ["Berlin"]}, ["to: Address must be an object, not a list"]),
        ({"to": '{"zip": "1"}'}, ["to: Address has none of the names city, email, since"]),
        ({"items": []}, ["items: Line items is needed"]),
        ({"items": [{}, None]}, ["items: Line items is needed"]),
        ({"items": PEN}, ["items: Line items must be a list of objects, not an object"]),
        ({"items": 7}, ["items: Line items must be a list of objects, not a number"]),
        ({"items": [PEN] * 4}, ["items: Line items has 4 rows, 3 are allowed"]),
        ({"items": [PEN, "Ink"]}, ["items[1]: Line items, row 2 must be an object, not text"]),
        ({"items": [PEN, [PEN]]}, ["items[1]: Line items, row 2 must be an object, not a list"]),
        (
            {"items": [{"name": "Pen", "qty": 100}, {"qty": 0.5}]},
            [
                "items[0].qty: Line items, row 1: Quantity must be at most 99",
                "items[1].name: Line items, row 2: Name is needed",
                "items[1].qty: Line items, row 2: Quantity must be a whole number; | round | int makes one",
            ],
        ),
        (
            {"items": [{"name": "Salt", "unit": "kg"}]},
            ["items[0].weight: Line items, row 1: Weight is needed"],
        ),
        ({"pay": "invoice"}, ["due: Due is needed"]),
        ({"pay": "invoice", "due": "soon"}, ["due: Due must be a date and time such as 2026-01-31T12:00:00Z"]),
        ({"pay": "{{ event.body.pay }}", "due": "soon"}, ["due: Due must be a date and time such as"]),
        ({"pay": "gold"}, ["pay: Payment is one of card, invoice"]),
    ],
    ids=str,
)
def test_each_fault_has_its_place_and_its_labels(inputs: Any, expected: list[str]) -> None:
    found = faults(**inputs)

    assert len(found) == len(expected), found
    assert all(text.startswith(wanted) for text, wanted in zip(found, expected, strict=True)), found


@pytest.mark.parametrize("depth", [50, 5_000])
def test_values_of_any_depth_and_size_are_refused_in_words(depth: int) -> None:
    deep: Any = "x"
    for _ in range(depth):
        deep = {"city": deep}

    assert faults(to=deep)
    assert faults(items=[PEN] * 10_000) == ["items: Line items has 10000 rows, 3 are allowed"]


def test_two_constants_that_exclude_each_other_are_a_fault() -> None:
    there = {"city": "Bonn", "since": "2026-01-31"}

    assert faults(to={**there, "until": "{{ event.body.until }}"}) == []
    assert faults(to={**there, "until": ""}) == []
    assert faults(to={**there, "until": "2026-02-01"}) == [
        "to.until: Until can't be given together with Since; leave one of them empty"
    ]
