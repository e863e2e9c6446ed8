"""Tests of the forms of branch, loop, delay, digest, changed, once and respond steps."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.flows.checks.validation import parse_document
from relay.models import Flow
from relay.web.editor import draft_edits, simple_forms
from relay.web.editor.steps import step_edits
from tests.web.conftest import posted, read_form

PATH = {"name": "Path 1", "when": {"all": [{"left": "", "op": "equals", "right": ""}]}, "steps": []}
STEPS = [{"id": "note", "kind": "set", "values": {"x": "{{ item }}"}}]


@pytest.mark.parametrize(
    ("kind", "fields", "kept"),
    [
        ("branch", {"match": "all"}, {"branches": [PATH], "match": "all"}),
        ("branch", {"match": ""}, {"branches": [PATH]}),
        ("branch", {"match": "first"}, {"branches": [PATH]}),
        (
            "loop",
            {"over": "{{ event.body.list }}", "limit": "5", "as": "item", "on_error": "continue"},
            {"over": "{{ event.body.list }}", "steps": [], "limit": 5, "on_error": "continue"},
        ),
        ("loop", {"over": "[1, 2]", "on_error": "stop"}, {"over": [1, 2], "steps": []}),
        ("delay", {"for": " 5m ", "until": ""}, {"for": "5m"}),
        ("delay", {"for": "", "until": "08:30"}, {"until": "08:30"}),
        ("digest", {"every": "", "at": "8:00, 12:00", "limit": "7"}, {"at": ["8:00", "12:00"], "limit": 7}),
        (
            "changed",
            {"value": "{{ event.body.t }}", "deadband": "0.5"},
            {"value": "{{ event.body.t }}", "deadband": 0.5},
        ),
        ("once", {"key": "{{ event.body.id }}", "window": "24h"}, {"key": "{{ event.body.id }}", "window": "24h"}),
        (
            "respond",
            {"status": "201", "body": '{"n": "{{ event.body.n }}"}', "headers": '{"X-N": "1"}'},
            {"status": 201, "body": {"n": "{{ event.body.n }}"}, "headers": {"X-N": "1"}},
        ),
        ("respond", {"status": "200", "body": "{{ event.body.n }}"}, {"body": "{{ event.body.n }}"}),
    ],
)
def test_posted_fields_become_the_step(
    alice: Client, flow: Flow, kind: str, fields: dict[str, str], kept: dict[str, Any]
) -> None:
    document = draft_edits.editable_copy(flow.draft)
    document["steps"] = []
    step_id = step_edits.add(document, kind, place="trigger")
    flow.draft = document
    flow.save()

    form = {"step": step_id, "form": "1", "do": "save", **{f"k.{name}": text for name, text in fields.items()}}
    alice.post(f"/flows/{flow.pk}/edit/", form)

    flow.refresh_from_db()
    assert flow.draft["steps"] == [{"id": step_id, "kind": kind, **kept}]
    parse_document(flow.draft)
    assert alice.get(f"/flows/{flow.pk}/?step={step_id}").status_code == 200


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("-7", -7),
        ("0.5", 0.5),
        ("{{ event.body.n }}", "{{ event.body.n }}"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("1e999", "1e999"),
        ("1_000", "1_000"),
        ("007", "007"),
        ("²", "²"),
    ],
)
@pytest.mark.parametrize(
    ("step", "field"),
    [
        ({"id": "one", "kind": "changed"}, "k.deadband"),
        ({"id": "one", "kind": "action", "action": "zendesk.create_ticket"}, "in.group_id"),
    ],
)
def test_every_form_reads_numbers_alike(step: dict[str, Any], field: str, text: str, value: Any) -> None:
    document = draft_edits.editable_copy({"steps": [step]})

    read_form(document, posted(step="one", form="1", **{field: text}))

    (read,) = document["steps"]
    assert {**read, **read.get("inputs", {})}[field.partition(".")[2]] == value


@pytest.mark.parametrize("kind", [*simple_forms.FORMS])
def test_a_new_step_has_a_form(alice: Client, flow: Flow, kind: str) -> None:
    alice.post(f"/flows/{flow.pk}/edit/", {"step": "trigger", "do": f"add {kind} trigger"})

    page = alice.get(f"/flows/{flow.pk}/?step={kind}").content.decode()
    for field in simple_forms.FORMS[kind]:
        assert f'name="k.{field.key}"' in page
    assert "can't be edited here" not in page


def test_unfinished_json_is_kept_and_reported(alice: Client, flow: Flow) -> None:
    alice.post(f"/flows/{flow.pk}/edit/", {"step": "trigger", "do": "add respond trigger"})

    alice.post(f"/flows/{flow.pk}/edit/", {"step": "respond", "form": "1", "do": "save", "k.headers": '{"X": '})

    flow.refresh_from_db()
    assert flow.draft["steps"][0]["headers"] == '{"X": '
    page = alice.get(f"/flows/{flow.pk}/?step=respond").content.decode()
    assert "This can&#x27;t be read yet" in page


def test_error_steps_of_an_action_outlive_its_form(alice: Client, flow: Flow) -> None:
    action = {"id": "send", "kind": "action", "action": "http.request", "inputs": {"url": "https://a.example/"}}
    flow.draft = {**flow.draft, "steps": [{**action, "on_error": "branch", "error_steps": STEPS}]}
    flow.save()
    form = {"step": "send", "form": "1", "do": "save", "in.url": "https://a.example/", "on_error": "branch"}

    alice.post(f"/flows/{flow.pk}/edit/", form)

    flow.refresh_from_db()
    assert (flow.draft["steps"][0]["on_error"], flow.draft["steps"][0]["error_steps"]) == ("branch", STEPS)


def test_a_copy_of_a_loop_has_ids_of_its_own(alice: Client, flow: Flow) -> None:
    flow.draft = {**flow.draft, "steps": [{"id": "loop", "kind": "loop", "over": [1], "steps": STEPS}]}
    flow.save()

    alice.post(f"/flows/{flow.pk}/edit/", {"step": "trigger", "do": "duplicate loop"})

    flow.refresh_from_db()
    ids = [(step["id"], step["steps"][0]["id"]) for step in flow.draft["steps"]]
    assert ids == [("loop", "note"), ("loop_2", "note_2")]
