"""Odd values in every input of every action: a request that is whole, or a refusal in words."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from relay.connectors import registry, request_builder
from relay.connectors.conformance import samples
from relay.connectors.definition import Action, Connector, Field
from relay.connectors.input_coercion import coerce
from relay.connectors.value_kinds import CONVERTERS
from relay.errors import RelayError, RequestRefused

DEEP: dict[str, Any] = {}
_inner = DEEP
for _ in range(200):
    _inner["a"] = _inner = {}

TEXTS = (
    *("a\r\nX-Evil: 1", "a\n", "\r", "\x00", "\u202eevil", "\ud800", "é/ü ✓", "a" * 1_000_000),
    *("../../admin", "..", "%2e%2e/x", "a/b?c#d", "/", "' OR 1=1 --", "<script>", "{{ 7*7 }}", "@everyone"),
    *("NaN", "Infinity", "1e999", "-1", "-0", "9" * 400, "0x10", "1_000", "١٢", "true", "null", "", "   "),
    *("0000-00-00", "9999-12-31", "10000-01-01", "2026-02-30", "2026-01-31T25:00:00Z"),
    *("Ada <ada@example.com>", "a@b", "a@b.c,d@e.f", "ada@example.com\r\nBcc: x@y.z", '{"a":', "[1,2"),
)
OTHERS = (
    *(float("nan"), float("inf"), -float("inf"), 1e308, 10**400, -(10**400), -1, 0, True, None),
    *([], {}, [[]], [None], ["a\r\nb"], {"a": "b"}, {"\r\n": "x"}, {"": ""}, [{"a": 1}] * 300, ["x"] * 10_001, DEEP),
)
HOSTILE = (*TEXTS, *OTHERS)
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
DOTS = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)
ACTIONS = [
    pytest.param(connector, action, id=f"{connector.key}.{action.key}")
    for connector in registry.list_connectors()
    for action in connector.actions
    if action.target == "http"
]


@pytest.mark.parametrize("kind", sorted(CONVERTERS))
def test_each_kind_of_value_is_converted_or_refused_in_words(kind: Any) -> None:
    field = Field("it", "The input", kind=kind, options=("one",) if kind == "choice" else ())

    for value in HOSTILE:
        try:
            coerce(field, value)
        except RequestRefused as refused:
            assert "The input" in str(refused)
            assert len(str(refused)) < 400


@pytest.mark.exhaustive
@pytest.mark.parametrize(("connector", "action"), ACTIONS)
def test_no_value_makes_a_broken_request(connector: Connector, action: Action) -> None:
    connection = samples.connection_of(connector) if connector.has_connection else None

    found = [
        (key, str(value)[:50], fault)
        for key, value, inputs in tries(action)
        for fault in faults(connector, action, inputs, connection)
    ]

    assert found == []


def tries(action: Action) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    for field in action.inputs:
        for value in HOSTILE:
            yield field.key, value, {**samples.inputs_of(action.inputs, chosen={field.key: value}), field.key: value}


def faults(
    connector: Connector, action: Action, inputs: dict[str, Any], connection: dict[str, str] | None
) -> Iterator[str]:
    try:
        made = request_builder.build(connector, action, inputs, connection, key="k", names=samples.names_of(action))
    except RelayError as error:
        if CONTROL.search(str(error)) or len(str(error)) > 600:
            yield f"message: {str(error)[:700]!r}"
        return
    if re.search(r"[\x00-\x20\x7f]", made.url) or DOTS.search(urlsplit(made.url).path):
        yield f"URL: {made.url[:300]!r}"
    if CONTROL.search("".join(made.headers.values())):
        yield f"headers: {made.headers}"
    if isinstance(made.body, bytes) and made.headers.get("Content-Type", "").startswith("application/json"):
        yield from () if is_json(made.body) else ["body: no JSON"]


def is_json(body: bytes) -> bool:
    def refuse(word: str) -> None:
        raise ValueError(word)  # NaN and Infinity are no JSON

    try:
        json.loads(body.decode(), parse_constant=refuse)
    except ValueError:
        return False
    return True
