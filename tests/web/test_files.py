"""Files on pages: listed, downloaded by signed links, and never opened by a browser."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from relay import files_url, ids
from relay.engine.configuration import flow_lifecycle
from relay.engine.files import downloads, event_files, links
from relay.engine.files.event_files import StoredMeta
from relay.engine.files.file_store import FileWriter
from relay.engine.intake import event_store
from relay.engine.intake.event_store import Arrival, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.models import Event, Run, Workspace
from relay.models.flows import digest
from tests.support import object_store

pytestmark = pytest.mark.django_db(transaction=True)
FLOW = {
    "relay": 1,
    "name": "F",
    "trigger": {"kind": "webhook"},
    "steps": [{"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}],
}
FORM = "multipart/form-data; boundary=XX"
PAGE = b"<script>alert(1)</script>"
SMALL = (
    b'--XX\r\nContent-Disposition: form-data; name="page"; filename="a<b>\xe2\x80\xae.html"\r\n'
    b"Content-Type: text/html\r\n\r\n" + PAGE + b"\r\n--XX--\r\n"
)


def arrives(workspace: Workspace, files: tuple[StoredMeta, ...] = ()) -> Run:
    flow = flow_lifecycle.import_document(workspace, FLOW, publish_it=True)
    token, beside = digest(flow.trigger.token), event_files.beside(files)
    request = StoredRequest("POST", "", "{}", FORM, SMALL, "127.0.0.1")
    arrival = Arrival(token, request, 1_700_000_000_000_000, files=beside)
    (accepted,) = event_store.accept([arrival], TriggerCache())
    return Run.objects.get(event_id=accepted.event_id)


def stored(workspace: Workspace, content: bytes, **more: Any) -> StoredMeta:
    writer = FileWriter(workspace.pk, "big.zip", "application/zip", most=1 << 30, **more)
    writer.write(content)
    row = writer.finish()
    return StoredMeta(row.id, row.name, row.type, row.size)


def body_of(answer: Any) -> bytes:
    async def whole() -> bytes:
        return b"".join([piece async for piece in answer.streaming_content])

    return async_to_sync(whole)()


def test_the_run_lists_its_files_and_each_can_be_downloaded(alices: tuple[Client, Workspace]) -> None:
    member, workspace = alices
    content = os.urandom(700_000)
    run = arrives(workspace)
    one = stored(workspace, content, run_id=run.pk)
    Run.objects.filter(pk=run.pk).update(trail=[{"id": "a", "kind": "action", "state": "succeeded", "files": [one.id]}])

    page = member.get(f"/runs/{run.ref}/").content.decode()
    of_event, of_step = downloads.of_event(run.event)[0], downloads.of_run(run.pk)[0]
    first = member.get(links.path(of_event["id"]))
    second = member.get(links.path(of_step["id"]))

    assert "a&lt;b&gt;.html" in page
    assert "big.zip" in page
    assert (body_of(first), body_of(second)) == (PAGE, content)
    for answer in (first, second):
        assert answer["Content-Type"] == "application/octet-stream"
        assert answer["Content-Disposition"].startswith("attachment; filename")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
    assert int(second["Content-Length"]) == len(content)


@pytest.mark.parametrize("change", ["none", "signature", "until", "id", "late"])
def test_a_link_that_is_not_signed_or_is_over_opens_nothing(alices: tuple[Client, Workspace], change: str) -> None:
    member, workspace = alices
    run = arrives(workspace)
    arrives(workspace)
    record = downloads.of_event(run.event)[0]
    address = urlsplit(links.path(record["id"]))
    values = {name: texts[0] for name, texts in parse_qs(address.query).items()}
    path = address.path
    if change == "none":
        values = {}
    elif change == "signature":
        values["signature"] = values["signature"][:-1] + ("0" if values["signature"][-1] != "0" else "1")
    elif change == "until":
        values["until"] = str(int(values["until"]) + 86_400)
    elif change == "id":
        path = path.replace(run.event.ref, Event.objects.latest("id").ref)
    else:
        values["until"] = str(int(values["until"]) - 30 * 86_400)
        values["signature"] = links._signature(record["id"], int(values["until"]))

    answer = member.get(path, values)

    assert answer.status_code == 410
    assert PAGE not in answer.content


def test_a_file_in_a_store_is_streamed_and_a_store_that_is_down_is_said(
    alices: tuple[Client, Workspace], settings: Any
) -> None:
    member, workspace = alices
    content = os.urandom(700_000)
    with object_store.running() as store:
        settings.FILES_STORE = files_url.settings_of(store.url())
        run = arrives(workspace)
        one = stored(workspace, content, run_id=run.pk)
        answer = member.get(links.path(ids.text(one.id)))
        assert body_of(answer) == content

        store.is_down = True
        down = member.get(links.path(ids.text(one.id)))

    assert down.status_code == 503
    assert "The file can&#x27;t be read now" in down.content.decode()


def test_a_link_is_for_members_only(alices: tuple[Client, Workspace], bob: Client) -> None:
    member, workspace = alices
    run = arrives(workspace)
    path = links.path(downloads.of_event(run.event)[0]["id"])

    assert bob.get(path).status_code == 404
    assert Client().get(path).status_code == 302
    assert member.get(path).status_code == 200


def test_files_of_another_run_and_rubbish_are_not_found(alices: tuple[Client, Workspace]) -> None:
    member, workspace = alices
    loose = stored(workspace, b"x")
    run = arrives(workspace)
    for name in (f"{run.event.ref}-2", f"{run.event.ref}-9999", "0" * 13, "x", f"{'0' * 13}-1"):
        assert member.get(links.path(name)).status_code == 404
    assert member.get(links.path(ids.text(loose.id))).status_code == 404
