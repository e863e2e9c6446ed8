"""The editor shows the files of the chosen event, so that a click puts one or all of them into a field."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine.intake import sample_events
from relay.models import Flow, Workspace
from relay.web.ui import payload_tree

TYPE = "multipart/form-data; boundary=b"
BODY = (
    b'--b\r\nContent-Disposition: form-data; name="scan"; filename="<b>scan.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF\r\n--b--\r\n"
)


def test_files_of_the_last_event_can_be_inserted(alices: tuple[Client, Workspace], flow: Flow) -> None:
    event = sample_events.send_sample(flow)
    flow.events.filter(pk=event.pk).update(body=BODY, content_type=TYPE)

    page = alices[0].get(f"/flows/{flow.pk}/").content.decode()

    assert 'data-insert="event.files"' in page
    assert 'data-insert="event.files[0]"' in page
    assert 'data-insert="event.files[0].link"' in page
    assert "&lt;b&gt;scan.pdf" in page
    assert "<b>scan.pdf" not in page


def test_an_event_without_files_has_no_such_branch(alices: tuple[Client, Workspace], flow: Flow) -> None:
    sample_events.send_sample(flow)

    assert "event.files" not in alices[0].get(f"/flows/{flow.pk}/").content.decode()


def test_the_added_leaves_are_not_counted() -> None:
    tree = payload_tree.files_tree([{"name": "a.txt", "size": 6}, {"name": "b.txt", "size": 7}])

    assert (tree.size, tree.children[1].size) == ("2 items", "2 fields")
    assert [child.name for child in tree.children] == ["event.files", "event.files[0]", "event.files[1]"]


UPLOAD = {"id": "up", "kind": "action", "action": "slack_bot.upload_file", "inputs": {}}
FETCH = {"id": "label", "name": "Fetch <label>", "kind": "action", "action": "http.request", "inputs": {}}


def editing(flow: Flow, *steps: dict[str, Any]) -> None:
    flow.draft = {**flow.draft, "steps": list(steps)}
    flow.save()


def test_a_field_for_a_file_offers_those_of_the_event_and_of_earlier_steps(
    alices: tuple[Client, Workspace], flow: Flow
) -> None:
    event = sample_events.send_sample(flow)
    flow.events.filter(pk=event.pk).update(body=BODY, content_type=TYPE)
    editing(flow, FETCH, UPLOAD)

    page = alices[0].get(f"/flows/{flow.pk}/?step=up").content.decode()

    assert 'data-choices-of="f-in-file"' in page
    assert '<option value="{{ event.files[0] }}">1. &lt;b&gt;scan.pdf</option>' in page
    assert '<option value="{{ steps.label.files[0] }}">The file that it downloads</option>' in page
    assert '<optgroup label="Fetch &lt;label&gt;">' in page


def test_without_a_file_the_first_one_of_the_event_can_be_chosen(alices: tuple[Client, Workspace], flow: Flow) -> None:
    editing(flow, UPLOAD, FETCH)

    page = alices[0].get(f"/flows/{flow.pk}/?step=up").content.decode()

    assert '<option value="{{ event.files[0] }}">The first file of the event</option>' in page
    assert "steps.label.files" not in page


def test_in_a_loop_over_files_the_item_can_be_chosen(alices: tuple[Client, Workspace], flow: Flow) -> None:
    event = sample_events.send_sample(flow)
    flow.events.filter(pk=event.pk).update(body=BODY, content_type=TYPE)
    loop = {"id": "each", "kind": "loop", "over": "{{ event.files }}", "as": "scan", "steps": [FETCH, UPLOAD]}
    editing(flow, loop, {**FETCH, "id": "later"})

    page = alices[0].get(f"/flows/{flow.pk}/?step=up").content.decode()

    assert '<option value="{{ scan }}">&lt;b&gt;scan.pdf</option>' in page
    assert '<option value="{{ steps.label.files[0] }}">' in page
    assert "steps.later.files" not in page


def test_a_choice_without_scripts_goes_into_the_field(alices: tuple[Client, Workspace], flow: Flow) -> None:
    editing(flow, UPLOAD)

    alices[0].post(
        f"/flows/{flow.pk}/edit/",
        {"step": "up", "form": "1", "do": "save", "in.file": "", "pick.in.file": "{{ event.files[0] }}"},
    )

    flow.refresh_from_db()
    assert flow.draft["steps"][0]["inputs"]["file"] == "{{ event.files[0] }}"


@pytest.mark.parametrize(
    ("body", "is_offered"), [({"file": ""}, True), ({"json": {}}, False), ("{{ event.body }}", False), (None, False)]
)
def test_a_body_that_is_a_file_offers_files(
    alices: tuple[Client, Workspace], flow: Flow, body: Any, is_offered: bool
) -> None:
    editing(flow, {**FETCH, "inputs": {"method": "POST", "body": body}})

    page = alices[0].get(f"/flows/{flow.pk}/?step=label").content.decode()

    assert ('name="pick.in.body.text"' in page) is is_offered
