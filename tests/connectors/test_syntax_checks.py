"""Tests that text in JSON and XML is checked before it is sent, in runs, dry runs and previews alike."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.connectors import registry, request_builder
from relay.errors import ValueRefused
from tests.engine.dry_run.test_dry_runs import told
from tests.support.walking import Recorder, walk, work_item

CONNECTOR, ACTION = registry.find("http.request")


def sent(**body: Any) -> bytes:
    inputs = {"url": "https://h.example/x", "body": body}
    return request_builder.build(CONNECTOR, ACTION, inputs, None, key="k").body or b""


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ('{"title": "a "b""}', "application/json", "isn't valid JSON: line 1: "),
        ('{"title":\n "a\nb"}', "application/json; charset=utf-8", "isn't valid JSON: line 2: "),
        ('{"n": }', "application/vnd.api+json", "isn't valid JSON: line 1: "),
        ('{"n": abc}', "application/JSON", "isn't valid JSON: line 1: "),
        ('{"n": 1', "application/json", "line 1: it ends too early"),
        ("a=b", "text/json", "isn't valid JSON"),
        ('{"a": 1}\n{"a": x}\n', "application/x-ndjson", "isn't valid JSON: line 2: "),
        ("<a>\n<b>A & B</b></a>", "application/xml", "isn't well-formed XML: line 2: "),
        ("<a><b></a>", "text/xml", "isn't well-formed XML: line 1: mismatched tag"),
        ("<a>1 < 2</a>", "application/soap+xml", "isn't well-formed XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "text/xml", "declares entities"),
    ],
)
def test_text_that_is_not_what_its_type_says_is_not_sent(text: str, kind: str, said: str) -> None:
    with pytest.raises(ValueRefused, match=said):
        sent(text=text, type=kind)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"title": "a \\"b\\"", "n": 1}', "application/json"),
        ("null", "application/json"),
        ('{"a": 1}\n\n{"a": 2}\n', "application/x-ndjson"),
        ('<?xml version="1.0" encoding="iso-8859-1"?><a>ö &amp; b</a>', "application/xml; charset=iso-8859-1"),
        ("{ not json", "text/plain"),
        ("a & b", "text/html"),
    ],
)
def test_text_that_is_what_its_type_says_is_sent(text: str, kind: str) -> None:
    assert sent(text=text, type=kind)


def test_a_type_in_the_headers_counts() -> None:
    inputs = {"url": "https://h.example/", "headers": {"content-TYPE": "application/json"}, "body": {"text": "{a"}}

    with pytest.raises(ValueRefused, match="isn't valid JSON"):
        request_builder.build(CONNECTOR, ACTION, inputs, None, key="k")


@pytest.mark.parametrize("title", ['a "b"', "a\nb", "\\"])
def test_runs_and_dry_runs_say_what_is_wrong(title: str) -> None:
    body = {"text": '{"title": "{{ event.body.title }}"}', "type": "application/json"}
    step = {
        "id": "s",
        "kind": "action",
        "action": "http.request",
        "inputs": {"url": "https://h.example/", "body": body},
    }
    recorder = Recorder()

    outcome = walk(work_item(step, body=json.dumps({"title": title}).encode()), recorder)
    dry = told(step, event={"body": {"title": title}})

    assert (outcome.state, dry["state"], recorder.sent) == ("failed", "failed", [])
    assert outcome.reason == dry["reason"]
    assert "line 1: " in outcome.reason
    assert "| tojson" in outcome.reason


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ({"items": [{"sku": "A", "n": 1}, {"sku": "B"}]}, "items[0][sku]=A&items[0][n]=1&items[1][sku]=B"),
        ({"a": {"b": {"c": 1}}}, "a[b][c]=1"),
        ({"a": {"tags": ["x", "y"]}}, "a[tags][0]=x&a[tags][1]=y"),
        ({"tags": ["x", None, "y"], "b": None, "c": True}, "tags=x&tags=y&c=true"),
        ({"a": [[1, 2], [3]]}, "a[0][0]=1&a[0][1]=2&a[1][0]=3"),
        ({"a": {}, "b": []}, ""),
    ],
)
def test_forms_are_nested_as_most_programs_read_them(form: dict[str, Any], written: str) -> None:
    assert sent(form=form).decode().replace("%5B", "[").replace("%5D", "]") == written
