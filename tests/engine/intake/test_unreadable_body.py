"""Tests that only templates that read the body fail if it can't be parsed."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from relay.conditions import compile_condition
from relay.engine.intake.arrival_keys import derive
from relay.engine.intake.event_data import EventData, event_context
from relay.engine.intake.trigger_rules import TriggerRules
from relay.engine.preview.render_task import answer
from relay.errors import PayloadError
from relay.templating import compile_tree
from tests.support.walking import POST, Recorder, walk, work_item

BODIES = [
    (b'{"v":NaN}', "application/json"),
    (b'{"a":1e400}', "application/json"),
    (b'{"a":1,}', "application/json"),
    (b"{'a':1}", "application/json"),
    (b'{"a":007}', "application/json; charset=utf-8"),
    (b'{"a":"x\ny"}', "application/vnd.api+json"),
    (b"<a>&nbsp;</a>", "text/xml"),
    (b"<!DOCTYPE a [<!ENTITY x 'y'>]><a/>", "application/soap+xml"),
    (b"&".join([b"a=1"] * 1_001), "application/x-www-form-urlencoded"),
    (b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1", "multipart/form-data; boundary=x"),
    (b"--x", "multipart/form-data"),
    (b"[" * 70 + b"]" * 70, "application/json"),
    (b"no.token", "application/jwt"),
]
READERS = [
    "{{ event.body }}",
    "{{ event.body.id }}",
    "{{ event['body'] }}",
    "{{ event['bo' ~ 'dy'] }}",
    "{{ event.body is defined }}",
    "{{ event.body.id is undefined }}",
    "{{ event.body | default('x') }}",
    "{{ event.body.id | default('x') }}",
    "{{ event }}",
    "{{ event | tojson }}",
    "{{ event | string }}",
    "{{ [event] }}",
    "{{ {'a': event} }}",
    "{{ dict(event) }}",
    "{{ dict(event) | length }}",
    "{{ event | items | length }}",
    "{{ [event] | map(attribute='body') | list }}",
    "{{ [event] | selectattr('body') | list | length }}",
    "{{ event | dictsort | length }}",
    "{% if event.body %}yes{% endif %}",
    "a {{ event.body.a }} b",
    "{% for one in event.body %}{{ one }}{% endfor %}",
]
OTHERS = {
    "{{ event.raw | length > 0 }}": True,
    "{{ event.headers['x-kind'] }}": "new",
    "{{ event.query.a }}": "1",
    "{{ event.method }} {{ event.id }}": "POST 0000000000001",
    "{{ event.nothing | default('none') }}": "none",
    "{{ event.nothing is defined }}": False,
    "{{ event | length }}": 8,
    "{{ 'body' in event }}": True,
}


def arrived(body: bytes, content_type: str) -> EventData:
    return EventData(1, "POST", "a=1", '{"x-kind":"new"}', content_type, body, 1_700_000_000_000_000)


@pytest.mark.parametrize("source", READERS)
def test_what_reads_the_body_fails_with_the_reason(source: str) -> None:
    context = {"event": event_context(arrived(b'{"v":NaN}', "application/json"))}

    with pytest.raises(Exception, match=r"event.body can't be read \(The body is not valid JSON: it has NaN"):
        msgspec.json.encode(compile_tree({"in": source}).render(context))


@pytest.mark.parametrize(("body", "content_type"), BODIES, ids=lambda value: str(value)[:30])
def test_the_other_names_of_an_event_stay(body: bytes, content_type: str) -> None:
    context = {"event": event_context(arrived(body, content_type))}

    found = {source: compile_tree(source).render(context) for source in OTHERS}

    assert found == {**OTHERS, "{{ event.method }} {{ event.id }}": f"POST {context['event']['id']}"}
    with pytest.raises(PayloadError, match=r"event\.body can't be read"):
        compile_tree("{{ event.body }}").render(context)


@pytest.mark.parametrize("op", ["exists", "is_empty", "not_equals", "equals"])
def test_a_condition_over_the_body_fails_and_does_not_decide(op: str) -> None:
    condition: Any = {"all": [{"left": "{{ event.body.id }}", "op": op, **({"right": "1"} if "equals" in op else {})}]}

    with pytest.raises(PayloadError, match=r"event\.body can't be read"):
        compile_condition(condition).holds({"event": event_context(arrived(b"{", "application/json"))})


def test_a_run_that_reads_no_body_sends() -> None:
    sender = Recorder()
    send = {**POST, "inputs": {**POST["inputs"], "body": {"text": "{{ event.raw | replace('NaN', 'null') }}"}}}

    outcome = walk(work_item(send, body=b'{"v":NaN}', title="{{ event.headers['x-kind'] }}"), sender)

    assert (outcome.state, outcome.title, sender.sent[0].body) == ("succeeded", "new", b'{"v":null}')


def test_a_run_fails_at_the_step_that_reads_the_body() -> None:
    sender = Recorder()
    second = {"id": "use", "kind": "set", "values": {"n": "{{ event.body.n }}"}}

    outcome = walk(work_item(POST, second, body=b'{"n":NaN}', title="{{ event.body.n }}"), sender)

    assert (outcome.state, len(sender.sent)) == ("failed", 1)
    assert outcome.reason.startswith("event.body can't be read (The body is not valid JSON: it has NaN in it")
    assert "can't be read" in outcome.title


def test_keys_that_read_no_body_are_made() -> None:
    event = arrived(b"{", "application/json")

    def keys(**rules: Any) -> Any:
        return derive(TriggerRules(**{"dedupe": "", "order": "", "split": "", "ordered": False, **rules}), event)

    assert keys(dedupe="{{ event.headers['x-kind'] }}{{ event.raw }}").duplicate
    assert keys(dedupe="{{ event.body.id }}").duplicate is None
    assert keys(split="{{ event.body.items }}").parts is None


def test_a_preview_shows_the_fields_that_read_no_body() -> None:
    event = arrived(b'{"v":NaN}', "application/json").pack()
    step = {"id": "s", "kind": "set", "values": {"a": "{{ event.raw }}", "b": "{{ event.body.v }}"}}

    shown = answer({"step": step, "before": [], "outputs": {}, "flow": "F", "event": event})["fields"]

    assert shown["a"] == {"text": '{"v":NaN}'}
    assert "it has NaN in it" in shown["b"]["error"]
