"""Tests of deduplication and retention in the editor and on the page of a run."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.engine.intake import event_store, sample_events
from relay.engine.intake.event_store import Arrival, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.models import Event, Flow, Run, Workspace
from relay.models.flows import digest
from relay.web.editor import draft_edits
from tests.web.conftest import DOCUMENT, posted, read_form

KEY = "{{ event.body.id }}"


def form_of(document: dict[str, Any], step: str, **values: str) -> dict[str, Any]:
    made = draft_edits.editable_copy(document)
    read_form(made, posted(step=step, form="1", **values))
    return made


@pytest.mark.parametrize(
    ("key", "window", "made"),
    [
        (KEY, "", {"key": KEY}),
        (f" {KEY} ", "2h", {"key": KEY, "window": "2h"}),
        ("", "2h", None),
    ],
)
def test_the_triggers_form(key: str, window: str, made: dict[str, str] | None) -> None:
    before = {**DOCUMENT, "trigger": {"kind": "webhook", "dedupe": {"key": "old", "window": "1m"}}}

    document = form_of(before, "trigger", **{"dedupe.key": key, "dedupe.window": window})

    assert document["trigger"].get("dedupe") == made


@pytest.mark.parametrize(
    ("values", "made"),
    [
        ({"retention": "7d"}, {"retention": "7d"}),
        ({"retention": "", "no_bodies": "1"}, {"store_bodies": False}),
        ({"retention": ""}, None),
        ({"retention": "", "alerts.on": "never", "alerts.silence": ""}, {"alerts": {"on": "never"}}),
        ({"retention": "", "alerts.on": "final_failure", "alerts.silence": "4h"}, {"alerts": {"silence": "4h"}}),
        ({"retention": "", "alerts.on": "final_failure", "alerts.silence": " "}, None),
    ],
)
def test_the_flows_form(values: dict[str, str], made: dict[str, Any] | None) -> None:
    document = form_of({**DOCUMENT, "settings": {"retention": "1h", "store_bodies": False}}, "flow", **values)

    assert document.get("settings") == made


def test_the_editor_shows_what_is_set(alice: Client, flow: Flow) -> None:
    document = {**DOCUMENT, "settings": {"retention": "7d"}}
    document["trigger"] = {"kind": "webhook", "dedupe": {"key": KEY, "window": "2h"}}
    flow_lifecycle.save_draft(flow, document)

    trigger = alice.get(f"/flows/{flow.pk}/").content.decode()
    settings = alice.get(f"/flows/{flow.pk}/", {"step": "flow"}).content.decode()

    assert 'name="dedupe.key"' in trigger
    assert 'value="2h"' in trigger
    assert 'name="retention" maxlength="20" value="7d"' in settings


def test_a_run_shows_how_often_its_event_arrived(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    document = {**DOCUMENT, "trigger": {"kind": "webhook", "dedupe": {"key": KEY}}}
    flow = flow_lifecycle.import_document(workspace, document, publish_it=True)
    arrival = Arrival(digest(flow.trigger.token), StoredRequest("POST", "", "{}", "application/json", b'{"id": 1}'), 1)
    event_store.accept([arrival] * 4, TriggerCache())

    page = alice.get(f"/runs/{Run.objects.get().ref}/").content.decode()

    assert "Received <strong>3 more times</strong>" in page


def test_a_run_says_that_its_body_is_not_kept(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    flow = flow_lifecycle.import_document(workspace, {**DOCUMENT, "settings": {"store_bodies": False}}, publish_it=True)
    run = sample_events.send_sample(flow).runs.get()
    Event.objects.update(body=b"")

    assert "Its body is not kept" in alice.get(f"/runs/{run.ref}/").content.decode()
