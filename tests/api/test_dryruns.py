"""Samples and dry runs in the API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from relay.engine.configuration import connections, flow_lifecycle, samples
from relay.models import Attempt, AuditEntry, Event, Flow, InboxMessage, Run, Sample, Workspace
from tests.api.conftest import Caller
from tests.commands.conftest import Shell, shell
from tests.web.conftest import DOCUMENT

__all__ = ["shell"]
EVENT: dict[str, Any] = {"method": "POST", "headers": {}, "body": {"id": 7, "total": 30}}
SMALL: dict[str, Any] = {"body": {"id": 8, "total": 3}}


def test_a_sample_is_added_shown_renamed_and_removed(call: Caller, flow: Flow) -> None:
    path = f"/flows/{flow.pk}/samples"

    made = call("POST", path, {"name": "Big", "event": EVENT})
    shown = call("GET", f"{path}/{made['id']}")
    call("PATCH", f"{path}/{made['id']}", {"name": "Bigger"})
    listed = call("GET", path)["samples"]
    call("DELETE", f"{path}/{made['id']}")

    assert shown["event"] == EVENT
    assert [(one["name"], one["bytes"]) for one in listed] == [("Bigger", len(b'{"id":7,"total":30}'))]
    assert call("GET", path) == {"samples": []}
    call("GET", f"{path}/{made['id']}", status=404)
    assert [(one.verb, one.who) for one in AuditEntry.objects.filter(verb__startswith="sample.").order_by("id")] == [
        ("sample.added", "Deploy"),
        ("sample.renamed", "Deploy"),
        ("sample.removed", "Deploy"),
    ]


def test_a_stored_event_becomes_a_sample(call: Caller, flow: Flow, run: Run) -> None:
    made = call("POST", f"/flows/{flow.pk}/samples", {"name": "Arrived", "event": run.event.ref})

    assert json.loads(samples.find(flow, "Arrived").event["body"])["id"] == 1001
    assert made["bytes"] == len(run.event.body)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "Send {"),
        ({"name": 3, "event": EVENT}, 422, "Send {"),
        ({"name": "x"}, 422, "An event is"),
        ({"name": "x", "event": {"bod": 1}}, 422, "An event is"),
        ({"name": "", "event": EVENT}, 422, "has a name"),
        ({"name": "Taken", "event": EVENT}, 422, "already"),
        ({"name": "x", "event": "0123456789abc"}, 404, "nothing here"),
        ({"name": "x", "event": "nonsense"}, 404, "nothing here"),
    ],
)
def test_a_sample_that_cannot_be_kept(call: Caller, flow: Flow, body: Any, status: int, said: str) -> None:
    samples.add(flow, "Taken", EVENT)

    assert said in call("POST", f"/flows/{flow.pk}/samples", body, status=status)["error"]
    assert Sample.objects.count() == 1


@pytest.mark.parametrize("which", ["event", "run", "sample", "written", "document"])
def test_a_dry_run_is_what_the_command_prints(
    call: Caller, flow: Flow, run: Run, shell: Shell, tmp_path: Path, which: str
) -> None:
    samples.add(flow, "Big", EVENT)
    last = shell.json("dry-run", str(flow.pk), "--last", "1", "--json")[0]
    del last["event"]
    ours = shell.json("dry-run", str(flow.pk), "--event", "-", "--json", given=json.dumps(EVENT))
    wanted: dict[str, tuple[Any, Any]] = {
        "event": ({"event": run.event.ref, "version": 1}, last),
        "run": ({"run": run.ref, "version": "live"}, last),
        "sample": ({"sample": "Big"}, ours),
        "written": ({"event": EVENT}, ours),
        "document": ({"event": EVENT, "document": DOCUMENT}, ours),
    }
    before = [table.objects.count() for table in (Run, Event, Attempt, InboxMessage, Sample)]

    told = call("POST", f"/flows/{flow.pk}/dry-run", wanted[which][0])

    assert told == wanted[which][1]
    assert told["state"] == "succeeded"
    assert [table.objects.count() for table in (Run, Event, Attempt, InboxMessage, Sample)] == before


def test_a_document_that_is_no_flow_is_walked(call: Caller, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "flow.json").write_text(json.dumps(DOCUMENT))
    printed = shell.json("dry-run", str(tmp_path / "flow.json"), "--event", "-", "--json", given=json.dumps(EVENT))

    assert call("POST", "/dry-run", {"document": DOCUMENT, "event": EVENT}) == printed


def test_a_draft_is_walked_that_is_not_live(call: Caller, flow: Flow) -> None:
    flow_lifecycle.save_draft(flow, {**DOCUMENT, "steps": []})
    path = f"/flows/{flow.pk}/dry-run"

    assert call("POST", path, {"event": EVENT})["steps"] == []
    assert len(call("POST", path, {"event": EVENT, "version": "live"})["steps"]) == 2


def test_secrets_stay_masked(call: Caller, flow: Flow) -> None:
    connections.set_connection(
        flow.workspace, "S", "slack", {"webhook_url": "https://hooks.slack.com/services/T/B/verysecret"}
    )
    step = {"id": "s", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "x"}}

    told = call("POST", f"/flows/{flow.pk}/dry-run", {"event": EVENT, "document": {**DOCUMENT, "steps": [step]}})

    assert told["state"] == "succeeded"
    assert "verysecret" not in json.dumps(told)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({}, 422, "Send one of"),
        ({"event": EVENT, "sample": "x"}, 422, "Send one of"),
        ({"sample": "nothing"}, 404, "no sample called “nothing”"),
        ({"run": "0123456789abc"}, 404, "nothing here"),
        ({"event": []}, 422, "An event is"),
        ({"event": EVENT, "version": 9}, 422, "no such version"),
        ({"event": EVENT, "document": "x"}, 422, "as a JSON object"),
        ({"event": EVENT, "document": {"relay": 1}}, 422, "has faults"),
    ],
)
def test_what_cannot_be_walked_is_said(call: Caller, flow: Flow, body: Any, status: int, said: str) -> None:
    assert said in call("POST", f"/flows/{flow.pk}/dry-run", body, status=status)["error"]


def test_all_samples_are_checked_in_one_call(call: Caller, flow: Flow) -> None:
    samples.add(flow, "Big", EVENT)
    samples.add(flow, "Small", SMALL)
    path = f"/flows/{flow.pk}/samples/check"

    rows = call("POST", path)["samples"]
    wrong = call("POST", path, {"document": {"relay": 1}}, status=422)

    assert [(row["sample"], row["state"], row["stopped_at"]) for row in rows] == [
        ("Big", "succeeded", None),
        ("Small", "filtered", "big"),
    ]
    assert wrong["faults"]


def test_a_sample_whose_name_no_database_holds(call: Caller, flow: Flow) -> None:
    assert "has no sample" in call("POST", f"/flows/{flow.pk}/dry-run", {"sample": "a\0b"}, status=404)["error"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/samples"),
        ("POST", "/samples"),
        ("GET", "/samples/{sample}"),
        ("PATCH", "/samples/{sample}"),
        ("DELETE", "/samples/{sample}"),
        ("POST", "/samples/check"),
        ("POST", "/dry-run"),
    ],
)
def test_what_is_of_another_workspace_is_not_there(stranger: Caller, flow: Flow, method: str, path: str) -> None:
    sample = samples.add(flow, "Big", EVENT)
    body = None if method == "GET" else {"name": "x", "event": EVENT}

    stranger(method, f"/flows/{flow.pk}" + path.format(sample=sample.pk), body, status=404)

    assert Sample.objects.kept().get().name == "Big"


def test_a_call_may_say_what_is_answered(call: Caller, flow: Flow) -> None:
    tell = {"id": "tell", "kind": "action", "action": "http.request", "inputs": {"url": "https://a.example"}}
    note = {"id": "note", "kind": "set", "values": {"x": "{{ steps.tell.body.id }}"}}
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [tell, note]}
    asked = {"document": document, "event": {}, "answers": {"tell": {"body": {"id": 7}}}}

    for path in ("/dry-run", f"/flows/{flow.pk}/dry-run"):
        assert call("POST", path, asked)["steps"][1]["outputs"] == {"x": 7}
        wrong = call("POST", path, {**asked, "answers": {"tell": 7}}, status=422)
        assert wrong["error"].startswith("The answer of tell is")


def test_samples_are_checked_with_what_is_answered(call: Caller, flow: Flow) -> None:
    samples.add(flow, "Big", EVENT)
    tell = {"id": "tell", "kind": "action", "action": "http.request", "inputs": {"url": "https://a.example"}}
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [tell]}

    found = call(
        "POST", f"/flows/{flow.pk}/samples/check", {"document": document, "answers": {"tell": {"status": 404}}}
    )

    assert [(one["sample"], one["state"], one["stopped_at"]) for one in found["samples"]] == [("Big", "failed", "tell")]


def test_variables_of_a_document_stand_as_their_places(call: Caller) -> None:
    note = {"id": "note", "kind": "set", "values": {"x": "{{ vars.shop }}"}}
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [note]}

    assert call("POST", "/dry-run", {"document": document, "event": {}})["steps"][0]["outputs"] == {
        "x": "{{ vars.shop }}"
    }


def test_numbers_keep_their_digits(call: Caller, workspace: Workspace, shell: Shell, tmp_path: Path) -> None:
    values = {"p": "{{ event.body.p }}", "own": 1.5}
    document = {
        "relay": 1,
        "name": "F",
        "constants": {"small": 1e-7},
        "trigger": {"kind": "webhook"},
        "steps": [{"id": "a", "kind": "set", "values": values}],
    }
    event = '{"body": {"p": 19.90, "s": [1234567890123456.78]}}'
    (tmp_path / "flow.json").write_text(json.dumps(document))

    call("POST", "/dry-run", f'{{"document": {json.dumps(document)}, "event": {event}}}')
    told = call.text
    printed = shell("dry-run", str(tmp_path / "flow.json"), "--event", "-", "--json", given=event)
    shown = shell("dry-run", str(tmp_path / "flow.json"), "--event", "-", given=event)
    rendered = shell("template", "render", "--json", given='{"template": "{{ [p] }}", "context": {"p": 19.90}}')
    flow = flow_lifecycle.import_document(workspace, document)
    made = call("POST", f"/flows/{flow.pk}/samples", f'{{"name": "One", "event": {event}}}')
    call("GET", f"/flows/{flow.pk}/samples/{made['id']}")

    assert '"outputs": {"p": 19.90, "own": 1.5}' in told
    assert '"p": 19.90' in printed
    assert '{"p": 19.90, "own": 1.5}' in shown
    assert "19.90" in rendered
    assert '{"p": 19.90, "s": [1234567890123456.78]}' in call.text
