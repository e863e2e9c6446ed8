"""Tests of trigger types in the editor, and of starting a flow by hand."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow, Run, Workspace
from relay.web.editor import trigger_kinds
from tests.web.conftest import DOCUMENT, posted, read_form
from tests.web.editor.test_editor_pages import press


def test_a_flow_gets_a_schedule_without_any_script(alice: Client, flow: Flow) -> None:
    page = press(alice, flow, "kind schedule")
    form = {"schedule.cron": "30 7 * * *", "schedule.every": "", "schedule.timezone": "Europe/Paris"}
    saved = press(alice, flow, "save", form="1", **form, **{"schedule.catch_up": "skip"})

    assert "Undo" in page
    assert flow.draft["trigger"] == {
        "kind": "schedule",
        "cron": "30 7 * * *",
        "timezone": "Europe/Paris",
        "catch_up": "skip",
    }
    assert saved.count(" 07:30") == 5
    assert "30 7 * * *, Europe/Paris" in saved


def test_invalid_times_are_reported_while_typing(alice: Client, flow: Flow) -> None:
    press(alice, flow, "kind schedule")
    form = {"step": "trigger", "form": "1", "schedule.cron": "often", "schedule.every": "", "schedule.timezone": "UTC"}

    page = alice.post(f"/flows/{flow.pk}/save/", form, headers={"HX-Request": "true"}).content.decode()

    assert "These times can&#x27;t be read yet" in page or "Enter times or an interval" in page


def test_a_form_is_made_of_rows() -> None:
    before = [{"name": "who", "default": "Ada", "help": "A name"}]
    document: dict[str, Any] = {**DOCUMENT, "trigger": {"kind": "manual", "inputs": before}}
    columns = {
        "input.name": ["who", "", "size"],
        "input.label": ["Who", "", ""],
        "input.kind": ["string", "string", "choice"],
        "input.required": ["yes", "no", "no"],
        "input.options": ["", "", "S, L"],
    }

    read_form(document, posted(form="1", step="trigger", **columns))

    assert document["trigger"]["inputs"] == [
        {"name": "who", "label": "Who", "required": True, "default": "Ada", "help": "A name"},
        {"name": "size", "kind": "choice", "options": ["S", "L"]},
    ]
    assert [row.get("name") for row in trigger_kinds.input_rows(document["trigger"])] == ["who", "size", None]


@pytest.fixture
def by_hand(alices: tuple[Client, Workspace]) -> Flow:
    inputs = [{"name": "who", "required": True}, {"name": "sure", "kind": "boolean", "default": True}]
    trigger = {"kind": "manual", "inputs": inputs}
    return flow_lifecycle.import_document(alices[1], {**DOCUMENT, "trigger": trigger}, publish_it=True)


def test_a_flow_is_started_by_its_form(alice: Client, by_hand: Flow) -> None:
    assert 'value="true" selected' in alice.get(f"/flows/{by_hand.pk}/start/").content.decode()

    answer = alice.post(f"/flows/{by_hand.pk}/start/", {"in.who": "Ada", "in.sure": "false"})

    run = Run.objects.get()
    assert answer["Location"] == f"/runs/{run.ref}/"
    assert bytes(run.event.body) == b'{"who":"Ada","sure":false}'


def test_an_incomplete_form_is_shown_again(alice: Client, by_hand: Flow) -> None:
    answer = alice.post(f"/flows/{by_hand.pk}/start/", {"in.who": ""})

    assert answer.status_code == 422
    assert "Who is needed" in answer.content.decode()
    assert not Run.objects.exists()


def test_a_webhook_has_no_form(alice: Client, flow: Flow) -> None:
    assert "doesn&#x27;t start by hand" in alice.get(f"/flows/{flow.pk}/start/", follow=True).content.decode()
