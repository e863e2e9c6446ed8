"""Tests of the differences between versions, and of restoring one."""

from __future__ import annotations

import copy

from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.models import Flow
from tests.support.browsing import collapsed
from tests.web.conftest import DOCUMENT


def changed(flow: Flow, text: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    document["steps"][1]["inputs"]["text"] = text
    flow_lifecycle.save_draft(flow, document)


def test_the_editor_says_what_publishing_would_change(alice: Client, flow: Flow) -> None:
    changed(flow, "Another text")

    page = collapsed(alice.get(f"/flows/{flow.pk}/"))

    assert "Publishing changes 1 thing of version 1" in page
    assert "<ins>Another text</ins>" in page


def test_an_unchanged_draft_has_no_differences(alice: Client, flow: Flow) -> None:
    assert "Publishing changes" not in alice.get(f"/flows/{flow.pk}/").content.decode()


def test_saving_brings_the_changes_along(alice: Client, flow: Flow) -> None:
    form = {"step": "tell", "form": "1", "in.channel": "orders", "in.text": "Newer"}

    page = alice.post(f"/flows/{flow.pk}/save/", form, headers={"HX-Request": "true"}).content.decode()

    assert "<ins>Newer</ins>" in page


def test_publishing_says_what_it_changed(alice: Client, flow: Flow) -> None:
    changed(flow, "Another text")

    page = alice.post(f"/flows/{flow.pk}/edit/", {"do": "publish", "step": "trigger"}, follow=True).content.decode()

    assert "Version 2 is live" in page
    assert "Changed: Step 2 “tell”: message changed." in page


def test_every_version_shows_its_changes(alice: Client, flow: Flow) -> None:
    changed(flow, "Second")
    flow_lifecycle.publish(flow)

    page = alice.get(f"/flows/{flow.pk}/versions/").content.decode()

    assert "<ins>Second</ins>" in page
    assert page.index("Version 2") < page.index("Version 1") < page.index("The first version")


def test_a_flow_that_was_never_live_has_no_versions(alice: Client, flow: Flow) -> None:
    draft = flow_lifecycle.import_document(flow.workspace, {**DOCUMENT, "name": "Never live"})

    shown = alice.get(f"/flows/{draft.pk}/versions/")
    older = alice.get(f"/flows/{flow.pk}/versions/?before=1")

    assert (shown.status_code, older.status_code) == (200, 200)
    assert "Never live" in shown.content.decode()


def test_an_old_version_comes_back_as_the_draft(alice: Client, flow: Flow) -> None:
    changed(flow, "Second")
    flow_lifecycle.publish(flow)

    page = alice.post(f"/flows/{flow.pk}/versions/1/restore/", follow=True).content.decode()

    flow.refresh_from_db()
    assert "Draft replaced with version 1" in page
    assert flow.draft == DOCUMENT
    assert flow.live_version is not None
    assert flow.live_version.number == 2


def test_many_versions_have_pages(alice: Client, flow: Flow) -> None:
    for number in range(2, 23):
        flow.versions.create(number=number, document=DOCUMENT)

    first = alice.get(f"/flows/{flow.pk}/versions/").content.decode()
    second = alice.get(f"/flows/{flow.pk}/versions/?before=3").content.decode()

    assert 'href="?before=3"' in first
    assert "Version 2</h2>" in second
    assert "Version 3</h2>" not in second


def test_versions_of_others_are_not_found(bob: Client, flow: Flow) -> None:
    assert bob.get(f"/flows/{flow.pk}/versions/").status_code == 404
    assert bob.post(f"/flows/{flow.pk}/versions/1/restore/").status_code == 404
