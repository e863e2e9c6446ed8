"""Tests document texts in JSON and YAML, valid and hostile."""

from __future__ import annotations

import time
from typing import Any

import pytest

from relay.errors import DocumentFaults
from relay.flows.loading import load


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        ('\ufeff{"a": 1}', {"a": 1}),
        ("a: 1\nb: [x, 2.5, null, ~, true]\n", {"a": 1, "b": ["x", 2.5, None, None, True]}),
        ("alerts: {on: final_failure}", {"alerts": {"on": "final_failure"}}),
        (
            "a: 2026-01-31\nb: 12:30\nc: 0123\nd: yes\ne: 1_000\nf: .nan",
            dict(zip("abcdef", ("2026-01-31", "12:30", "0123", "yes", "1_000", ".nan"), strict=True)),
        ),
        ("a: -3\nb: 1e+3\nc: 0\nd: ''", {"a": -3, "b": 1000.0, "c": 0, "d": ""}),
        ("a: |\n  {{ event.body.id }}\n  x\n", {"a": "{{ event.body.id }}\nx\n"}),
        ("", None),
        ('{"a": "\\\\u0000", "b": {"a": 1}}', {"a": "\\u0000", "b": {"a": 1}}),
    ],
)
def test_text_becomes_plain_values(text: str, value: Any) -> None:
    assert load(text) == value
    assert load(text.encode()) == value


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "the document is not UTF-8 text"),
        (b'name: "\\ud800"', "not YAML: line 1: found invalid Unicode character escape code"),
        (b'{"name": "\\ud800"}', "not JSON: the text ends too early"),
        ('{"a": 1, "b": 2, "a": 1}', "a: appears twice"),
        (
            '{"steps": [{"id": "s", "values": {"x": 1, "y": [{"z": 1, "z": 2}], "x": 2}}]}',
            "steps[0].values.x: appears twice\nsteps[0].values.y[0].z: appears twice",
        ),
        ('{"a": "\\u0000"}', "the document has the character NUL in it (\\u0000), which no database can keep"),
        ('{"a\\u0000": 1}', "the document has the character NUL in it (\\u0000), which no database can keep"),
        ('a: "\\\\\\0"', "the document has the character NUL in it (\\u0000), which no database can keep"),
        ('{"a": }', "not JSON: line 1, column 7: invalid character"),
        ('{\n  "ä": "ü",\n  "b": x\n}', "not JSON: line 3, column 8: invalid character"),
        ('{"a": [1, 2', "not JSON: the text ends too early"),
        ('{"a": 1e999}', "not JSON: Number out of range"),
        ("a: [1", "not YAML: line 1: did not find expected ',' or ']'"),
        ("a: &x [1]\nb: *x", "not YAML: line 2: aliases are not allowed"),
        (
            "a: !!python/object/apply:os.system [id]",
            "not YAML: line 1: the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed",
        ),
        ("a: !!binary aGk=", "not YAML: line 1: the tag tag:yaml.org,2002:binary is not allowed"),
        ("a: 1\na: 2", "not YAML: line 2: the key a appears twice"),
        ("1: a", "not YAML: line 1: the key 1 is not text"),
        ("[" * 65 + "]" * 65, "the document is nested more than 64 levels deep"),
        ("[" * 100_000 + "]" * 100_000, "the document is nested more than 64 levels deep"),
        ("a: 1\n---\nb: 1", "not YAML: line 2: there is another document after the first"),
        ("? [a]\n: 1", "not YAML: line 1: the key of several values is not text"),
        ("x: [" + "a," * 60_000 + "a]", "the document has more than 50,000 values: make two flows of it"),
        ('{"x": [' + "[]," * 60_000 + "1]}", "the document has more than 50,000 values: make two flows of it"),
        (
            "x: {" + ",".join(f"k{one}: 1" for one in range(26_000)) + "}",
            "the document has more than 50,000 values: make two flows of it",
        ),
        ("- " * 5_000 + "a", "the document is nested more than 64 levels deep"),
        ("a" * 600_000, "the document has 600000 bytes; it may have 524288"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_text_that_is_refused(data: str | bytes, message: str) -> None:
    with pytest.raises(DocumentFaults) as refused:
        load(data)

    assert str(refused.value) == message


def test_many_keys_take_no_quadratic_time() -> None:
    text = "\n".join(f"k{number}: 1" for number in range(8_000))
    started = time.monotonic()

    load(text)

    assert time.monotonic() - started < 10
