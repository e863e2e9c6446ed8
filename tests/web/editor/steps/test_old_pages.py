"""Tests buttons on a page that is older than the draft: nothing of others is removed, and nothing typed is lost."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow, Workspace

SAY: dict[str, Any] = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "Hello"}}
EACH: dict[str, Any] = {"id": "each", "kind": "loop", "over": "{{ event.body.items }}", "steps": [SAY]}


@pytest.fixture
def looping(alices: tuple[Client, Workspace]) -> Flow:
    document = {"relay": 1, "name": "Looping", "trigger": {"kind": "webhook"}, "steps": [EACH]}
    return flow_lifecycle.create_flow(alices[1], document)


def _press(client: Client, flow: Flow, do: str, **form: str) -> str:
    answer = client.post(f"/flows/{flow.pk}/edit/", {"do": do, **form}, follow=True)
    flow.refresh_from_db()
    return answer.content.decode()


@pytest.mark.parametrize("do", ["remove each", "remove say", "unfail say", "publish", "discard", "remove each:1"])
def test_an_old_page_removes_nothing_and_loses_nothing(alice: Client, looping: Flow, do: str) -> None:
    shown = {"step": "say", "base": msgspec.json.encode(SAY).decode(), "page": "mine", "form": "1"}
    typed = {**shown, "revision": str(looping.draft_revision), "in.text": "Typed", "note": "Typed too"}
    _press(alice, looping, "add set each:steps", page="theirs")
    _press(alice, looping, "add failure say", page="theirs")

    page = _press(alice, looping, do, **typed)

    assert "Others have changed this flow since the page was loaded" in page
    (each,) = looping.draft["steps"]
    assert [step["id"] for step in each["steps"]] == ["set", "say"]
    say = each["steps"][1]
    assert (say["inputs"]["text"], say["note"], say["on_error"]) == ("Typed", "Typed too", "branch")


@pytest.mark.parametrize("odd", ["say it", "say:1", "say\tit", "say\u2028it", "x" * 300, "", 7])
def test_a_step_with_an_odd_id_is_never_taken_for_another(alice: Client, looping: Flow, odd: Any) -> None:
    document = {**looping.draft, "steps": [SAY, {**SAY, "id": odd}, {**EACH, "steps": []}]}
    Flow.objects.filter(pk=looping.pk).update(draft=document)

    page = alice.get(f"/flows/{looping.pk}/").content.decode()
    second = re.findall(r'value="(remove [^"]*)"', page)[1]
    _press(alice, looping, second)

    assert [step["id"] for step in looping.draft["steps"]] == ["say", "each"]


def test_the_page_after_a_refusal_can_remove(alice: Client, looping: Flow) -> None:
    old = str(looping.draft_revision)
    _press(alice, looping, "add set each:steps")
    _press(alice, looping, "remove each", revision=old)

    _press(alice, looping, "remove each", revision=str(looping.draft_revision))

    assert looping.draft["steps"] == []


def test_a_refusal_without_anything_typed_changes_no_draft(alice: Client, looping: Flow) -> None:
    old = str(looping.draft_revision)
    _press(alice, looping, "add set each:steps")
    revision = looping.draft_revision

    _press(alice, looping, "remove each", step="say", revision=old)

    assert looping.draft_revision == revision
