"""Tests that names which no event or step can provide are reported when a document is saved."""

from __future__ import annotations

from typing import Any

import pytest

from relay.flows.checks.validation import parse_document
from tests.flows.checks.test_validation import YES, arm, branch, faults, flow, loop, made, post

SLACK = {"id": "say", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "x"}}
SMS = {
    "id": "sms",
    "kind": "action",
    "action": "twilio.send_sms",
    "connection": "T",
    "inputs": {"to": "+4930901820", "from": "+4930901821", "body": "x"},
}


@pytest.mark.parametrize(
    ("template", "found"),
    [
        ("{{ event.bdy.id }}", "event has no bdy; did you mean body?"),
        (
            "{{ event.total }}",
            "event has no total; there is body, files, form, headers, id, method, query, raw, received_at",
        ),
        ("{{ event['header'] }}", "event has no header; did you mean headers?"),
        ("{{ event.headers['X-Topic'] }}", "names of headers are in small letters: event.headers['x-topic']"),
        ("{{ event.headers.Host | default('') }}", "names of headers are in small letters: event.headers['host']"),
        ("{{ flow.id }}", "flow has no id; there is name"),
        ("{{ run.number }}", "run has no number; there is id"),
        ("a {{ 1 if event.bod else 2 }}", "event has no bod; did you mean body?"),
    ],
)
def test_what_is_no_part_of_an_event(template: str, found: str) -> None:
    rule = {"left": template, "op": "exists"}

    assert faults(flow(made(x=template))) == [f"steps[0].values.x: {found}"]
    assert faults(flow({"id": "f", "kind": "filter", "when": {"not": rule}})) == [f"steps[0].when.not.left: {found}"]


@pytest.mark.parametrize(
    ("before", "template", "found"),
    [
        (made(total=1), "{{ steps.made.totl }}", "the step made has no output totl; did you mean total?"),
        (made(total=1), "{{ steps['made']['x'] }}", "the step made has no output x; there is total"),
        (post(), "{{ steps.post.bdy.id }}", "the step post has no output bdy; did you mean body?"),
        (post(), "{{ steps.post.error }}", "the step post has no error output: its on_error is not continue or branch"),
        (
            SLACK,
            "{{ steps.say.ts }}",
            "the step say has no output ts; there is body, body_error, body_start, files, headers, st",
        ),
        (SMS, "{{ steps.sms.id }}", "the step sms has no output id; did you mean sid?"),
        (branch(arm(YES)), "{{ steps.a.name }}", "the step a has no output name; there is arm, arms"),
        (loop(made()), "{{ steps.a.items }}", "the step a has no output items; there is count, left_out, outputs"),
        ({"id": "a", "kind": "filter", "when": YES}, "{{ steps.a.x }}", "the step a has no outputs"),
        (
            {"id": "a", "kind": "digest", "limit": 2},
            "{{ steps.a.item }}",
            "the step a has no output item; did you mean i",
        ),
        (
            {"id": "a", "kind": "respond"},
            "{{ steps.a.code }}",
            "the step a has no output code; there is body, headers, st",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_step_does_not_give(before: dict[str, Any], template: str, found: str) -> None:
    (fault,) = faults(flow(before, made(id="reader", x=template)))

    assert fault.startswith(f"steps[1].values.x: {found}")


@pytest.mark.parametrize(
    ("before", "template"),
    [
        (made(total=1), "{{ steps.made.total }}{{ steps.made }}{{ steps['made'].total }}"),
        (post(), "{{ steps.post.body_start }}{{ steps.post.body_error }}{{ event.form.payload }}"),
        (post(on_error="continue"), "{{ steps.post.error | default('') }}{{ steps.post.status }}"),
        (SMS, "{{ steps.sms.sid }}{{ steps.sms.body.sid }}"),
        (loop(made(x=1), on_error="continue"), "{{ steps.a.error }}{{ steps.made[0].y }}{{ steps.a.outputs[0].made }}"),
        ({"id": "a", "kind": "delay", "for": "1m"}, "{{ steps.a.until }}"),
        (made(total=1), "{{ event.headers['x-a'] }}{{ event.body.Any }}"),
        (made(total=1), "{% for one in [1] %}{{ loop.revindex }}{% endfor %}"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_step_gives(before: dict[str, Any], template: str) -> None:
    assert parse_document(flow(before, made(id="reader", x=template))).steps


def test_the_loop_of_a_flow_has_its_own_names() -> None:
    assert faults(flow(loop(made(x="{{ loop.idx }}{{ loop.first }}{{ item.anything }}")))) == [
        "steps[0].steps[0].values.x: loop has no idx; did you mean index?"
    ]


def test_a_step_that_cant_be_read_may_give_anything() -> None:
    broken = {"id": "tell", "kind": "set", "values": []}

    assert faults(flow(broken, made(x="{{ steps.tell.x }}"))) == ["steps[0].values: expected an object, got a list"]
