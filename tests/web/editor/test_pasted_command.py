"""Tests of pasting a cURL command into a step, with htmx and without scripts."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.models import AuditEntry, Flow, Workspace
from relay.web.editor import form_parser

COMMAND = """curl -k https://api.example.com/orders?page=1 \\
  -H 'Authorization: Bearer very-secret-value' \\
  --json '{"text": "{{ 7 * 7 }}"}'"""
INPUTS = {
    "method": "POST",
    "url": "https://api.example.com/orders?page=1",
    "headers": {"Authorization": "Bearer very-secret-value", "Accept": "application/json"},
    "body": {"json": {"text": "{{ '{{' }} 7 * 7 }}"}},
}
FORMER = {"url": "https://former.example.com/", "query": {"a": "1"}}
HTMX = {"HX-Request": "true"}


@pytest.fixture
def call(alices: tuple[Client, Workspace]) -> Flow:
    steps = [
        {"id": "call", "kind": "action", "action": "http.request", "inputs": FORMER},
        {"id": "note", "kind": "action", "action": "inbox.post", "inputs": {"text": "a"}},
    ]
    document = {"relay": 1, "name": "New", "trigger": {"kind": "webhook"}, "steps": steps}
    return flow_lifecycle.create_flow(alices[1], document)


def paste(client: Client, flow: Flow, text: str, *, step: str = "call", **sent: Any) -> str:
    answer = client.post(f"/flows/{flow.pk}/edit/", {"do": "curl", "step": step, "curl": text}, follow=True, **sent)
    assert answer.status_code == 200
    flow.refresh_from_db()
    return answer.content.decode()


def inputs(flow: Flow) -> Any:
    return flow.draft["steps"][0]["inputs"]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_a_command_replaces_the_inputs_of_the_step(alice: Client, call: Flow, headers: dict[str, str]) -> None:
    page = paste(alice, call, COMMAND, headers=headers)

    assert inputs(call) == INPUTS
    assert "Filled in from the command: method POST, URL, headers Authorization, Accept, body as JSON." in page
    assert "-k is left out: Relay always verifies certificates." in page
    assert "can read it: the header Authorization." in page
    assert "--json" not in page


def test_what_was_replaced_can_be_restored(alice: Client, call: Flow) -> None:
    page = paste(alice, call, COMMAND)
    assert "Inputs replaced." in page

    alice.post(f"/flows/{call.pk}/edit/", {"do": "undo", "step": "call"})

    call.refresh_from_db()
    assert inputs(call) == FORMER


@pytest.mark.parametrize("headers", [{}, HTMX])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Paste a command that starts with curl"),
        ("curl 'https://a.example/?token=abc", "A quote &#x27; is opened and not closed"),
        ("curl https://a.example/ -d @/etc/passwd", "Relay never reads files"),
        ("</textarea><script>alert(1)</script>", "&lt; is outside quotes"),
        ("curl https://a.example/ --json '[" + "[1]," * 20_000 + "[1]]'", "too long for the form"),
        ("curl https://a.example/ -d '" + "{{" * 30_000 + "'", "too long for the form"),
        ("curl https://a.example/ -d '" + "a" * 1_000_000 + "'", "longer than 100,000 characters"),
    ],
)
def test_an_error_is_said_in_words_and_the_text_stays(
    alice: Client, call: Flow, headers: dict[str, str], text: str, reason: str
) -> None:
    page = paste(alice, call, text, headers=headers)

    assert inputs(call) == FORMER
    assert reason in page
    assert text.replace("'", "&#x27;").replace("<", "&lt;").replace(">", "&gt;") in page
    assert 'aria-invalid="true"' in page


def test_a_command_that_makes_the_draft_too_large_is_not_stored(alice: Client, call: Flow) -> None:
    large = copy.deepcopy(call.draft)
    large["steps"][1]["inputs"]["text"] = "a" * 500_000
    flow_lifecycle.save_draft(call, large)
    text = "b" * 50_000

    page = paste(alice, call, f"curl https://a.example/ -H 'Content-Type: text/plain' -d {text}")

    assert inputs(call) == FORMER
    assert "Inputs replaced." not in page
    assert text in page
    assert 'aria-invalid="true"' in page


def test_only_a_step_that_sends_any_request_takes_a_command(alice: Client, call: Flow) -> None:
    assert "Paste a cURL command" in alice.get(f"/flows/{call.pk}/?step=call").content.decode()
    assert "Paste a cURL command" not in alice.get(f"/flows/{call.pk}/?step=note").content.decode()

    assert "Choose the action" in paste(alice, call, COMMAND, step="note")
    assert call.draft["steps"][1]["inputs"] == {"text": "a"}


def test_other_edits_of_the_form_are_kept_when_a_command_is_refused(alice: Client, call: Flow) -> None:
    sent = {"do": "curl", "step": "call", "form": "1", "name": "Call them", "in.url": "https://b.example/", "curl": "x"}

    alice.post(f"/flows/{call.pk}/edit/", sent)

    call.refresh_from_db()
    assert call.draft["steps"][0]["name"] == "Call them"
    assert inputs(call)["url"] == "https://b.example/"


def test_a_secret_is_in_no_log_and_no_entry_of_the_audit(
    alice: Client, call: Flow, caplog: pytest.LogCaptureFixture
) -> None:
    paste(alice, call, COMMAND)
    paste(alice, call, f"{COMMAND} --frobnicate")
    flow_lifecycle.publish(call)
    paste(alice, call, COMMAND.replace("very-secret-value", "very-secret-other"))
    flow_lifecycle.publish(call)

    entries = [str(values) for values in AuditEntry.objects.values()]
    assert entries
    assert not any("very-secret" in entry for entry in entries)
    assert "very-secret" not in caplog.text


def test_another_tenants_flow_takes_no_command(bob: Client, call: Flow) -> None:
    answer = bob.post(f"/flows/{call.pk}/edit/", {"do": "curl", "step": "call", "curl": COMMAND})

    assert answer.status_code == 404
    call.refresh_from_db()
    assert inputs(call) == FORMER


def test_a_form_with_parts_stays_as_it_is_when_the_step_is_saved(alice: Client, call: Flow) -> None:
    page = paste(alice, call, "curl https://a.example/ -F name=Ada -F tag=a -F tag=b")
    assert '<option value="multipart" selected>' in page

    text = '{"name": "Ada", "tag": ["a", "b"]}'
    sent = {"in.url": "https://a.example/", "in.body.kind": "multipart", "in.body.text": text}
    alice.post(f"/flows/{call.pk}/edit/", {"do": "save", "step": "call", "form": "1", **sent})

    call.refresh_from_db()
    assert inputs(call)["body"] == {"multipart": {"name": "Ada", "tag": ["a", "b"]}}


@pytest.mark.parametrize(
    "body",
    [
        {"file": "{{ event.files[0] }}", "type": "application/pdf"},
        {"multipart": {"file": "{{ event.files[0] }}"}, "type": "multipart/form-data"},
        {"json": {"a": 1}, "type": "application/vnd.api+json"},
    ],
)
def test_a_save_of_the_form_keeps_a_body(body: dict[str, Any]) -> None:
    (kind,) = body.keys() - {"type"}
    text = body[kind] if isinstance(body[kind], str) else json.dumps(body[kind])
    posted = QueryDict(mutable=True)
    posted.update({"in.body.kind": kind, "in.body.text": text})

    assert form_parser.parse_body(posted, "in.body", body) == body
