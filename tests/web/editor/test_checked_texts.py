"""Tests of the editor's warnings about texts that other programs parse, and about numbers that are text."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from relay.engine.intake import sample_events
from relay.models import Flow

HTMX = {"HX-Request": "true"}
FORM = "application/x-www-form-urlencoded"
HTTP = {"id": "send", "kind": "action", "action": "http.request", "inputs": {"url": "https://h.example/"}}


def previewed(client: Client, flow: Flow, value: Any, **form: str) -> str:
    """Return the preview for an event with that value, as a person reads it."""
    flow.draft["steps"] += [HTTP]
    flow.save(update_fields=["draft"])
    sample_events.send_sample(flow, json.dumps({"v": value, "total": value}).encode())
    answer = client.post(f"/flows/{flow.pk}/preview/", {"form": "1", **form}, headers=HTMX)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def body(text: str, kind: str) -> dict[str, str]:
    return {
        "step": "send",
        "in.method": "POST",
        "in.url": "https://h.example/",
        "in.body.kind": "text",
        "in.body.type": kind,
        "in.body.text": text,
    }


@pytest.mark.parametrize(
    ("text", "kind", "value", "message"),
    [
        ('{"a": "{{ event.body.v }}"}', "application/json", 'x"y', "The body isn't valid JSON: line 1: "),
        ('{"a": "{{ event.body.v }}"}', "application/json", "x\ny", "write values as {{ value | tojson }}"),
        ('{"a": 1}\n{"a": {{ event.body.v }}}', "application/x-ndjson", "x", "isn't valid JSON: line 2: "),
        ("<a>{{ event.body.v }}</a>", "application/xml", "<b>", "The body isn't well-formed XML: line 1: "),
        ("a={{ event.body.v }}&b=1", FORM, "x&b=2", "has “&” in it, which a form can't hold as it is"),
        ("a={{ event.body.v }}&b=1", FORM, "100 %", "write {{ event.body.v | urlencode }}"),
        ("n,m\n{{ event.body.v }},1", "text/csv", "Bonn, DE", "write {{ event.body.v | csv }}"),
        ('n,m\n"{{ event.body.v }}",1', "text/csv", '"', "ends the quotes that are around it"),
    ],
)
def test_a_preview_says_what_breaks_a_text(
    alice: Client, flow: Flow, text: str, kind: str, value: str, message: str
) -> None:
    page = previewed(alice, flow, value, **body(text, kind))

    assert message in page
    assert "POST https://h.example/" not in page


@pytest.mark.parametrize(
    ("text", "kind", "sent"),
    [
        ('{"a": {{ event.body.v | tojson }}}', "application/json", '"a": "x\\"&,<ö"'),
        ("<a>{{ event.body.v | escape }}</a>", "text/xml", "<a>x&#34;&amp;,&lt;ö</a>"),
        ("a={{ event.body.v | urlencode }}&b=1", FORM, "a=x%22%26%2C%3C%C3%B6&b=1"),
        ("n,m\n{{ event.body.v | csv }},1", "text/csv", '"x""&,<ö",1'),
        ("{{ event.body.v }}", FORM, 'x"&,<ö'),
        ("a={{ event.body.v }}", "text/plain", 'a=x"&,<ö'),
    ],
)
def test_a_preview_shows_a_text_that_is_whole(alice: Client, flow: Flow, text: str, kind: str, sent: str) -> None:
    answer = previewed(alice, flow, 'x"&,<ö', **body(text, kind))

    assert "POST https://h.example/" in answer
    assert unescape(sent) in unescape(answer)


@pytest.mark.parametrize(("text", "is_whole"), [('{"a": {{ event.body.v }}}', False), ("{{ event.body.v }}", True)])
def test_a_preview_of_an_answer_says_what_breaks_it(alice: Client, flow: Flow, text: str, is_whole: bool) -> None:
    step = {"id": "say", "kind": "respond", "headers": {"Content-Type": "application/json"}, "body": text}
    flow.draft["steps"] += [step]

    page = previewed(alice, flow, 'x"y', step="say", **{"k.body": text, "k.headers": json.dumps(step["headers"])})

    assert ("The body isn't valid JSON: line 1: " in page) != is_whole


@pytest.mark.parametrize(
    "draft", [[], {"body": []}, {"body": {"text": {}}}, {"body": {"text": "a={{ 1 }}", "type": {}}}]
)
def test_a_draft_of_any_shape_is_previewed(alice: Client, flow: Flow, draft: Any) -> None:
    flow.draft["steps"] += [{**HTTP, "inputs": draft}]
    flow.save(update_fields=["draft"])
    sample_events.send_sample(flow)

    assert alice.get(f"/flows/{flow.pk}/?step=send").status_code == 200


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("19,90", "“19,90” is text, so it is neither greater nor less than a number: | parse_number('de') reads it"),
        ("1.500,00 €", "“1.500,00 €” is text"),
        ("<b>1,5</b>", "“<b>1,5</b>” is text"),
        ("many", "“many” is not a number"),
        ("9" * 60 + ",5", f"“{'9' * 40}…” is text"),
        (["1,5"], "is not a number"),
    ],
)
def test_a_preview_says_which_side_is_no_number(alice: Client, flow: Flow, value: Any, message: str) -> None:
    rule = {"left": "{{ event.body.total }}", "op": "greater_than", "right": "20", "join": "all"}

    page = previewed(alice, flow, value, step="big", **rule)

    assert message in page
    assert "<b>" not in alice.get(f"/flows/{flow.pk}/?step=big").content.decode()
    assert "This event would stop here" in page


@pytest.mark.parametrize(
    ("value", "passes"), [("21", True), (21, True), ("2e1", False), ("+21", True), ("19.90", False)]
)
def test_a_preview_says_nothing_of_numbers(alice: Client, flow: Flow, value: Any, passes: bool) -> None:
    rule = {"left": "{{ event.body.total }}", "op": "greater_than", "right": "20", "join": "all"}

    page = previewed(alice, flow, value, step="big", **rule)

    assert "parse_number" not in page
    assert ("This event would pass" in page) == passes


@pytest.mark.parametrize(
    ("value", "amount"),
    [("19,90", 19.9), ("1.019,90 €", 1019.9), ("1,019.90", 1019.9), ("1.234.567", 1_234_567), ("$ 12.50", 12.5)],
)
def test_the_filter_that_the_hint_names_reads_the_number(alice: Client, flow: Flow, value: str, amount: float) -> None:
    rule = {"left": "{{ event.body.total }}", "op": "greater_than", "right": "0", "join": "all"}
    page = previewed(alice, flow, value, step="big", **rule)
    hint = re.search(r"number: \| (parse_number\S*) reads it", page)
    assert hint

    rule |= {"left": f"{{{{ event.body.total | {hint[1]} }}}}", "op": "equals", "right": str(amount)}
    page = unescape(
        alice.post(f"/flows/{flow.pk}/preview/", {"form": "1", "step": "big", **rule}, headers=HTMX).content.decode()
    )

    assert "This event would pass" in page
