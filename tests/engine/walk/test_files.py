"""Files in runs: sent as forms, whole bodies and base64, fetched from answers, and never those of another run."""

from __future__ import annotations

import dataclasses
import json
import os
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from typing import Any

import multipart  # type: ignore[import-untyped]
import pytest
from django.db import OperationalError
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.connectors import registry
from relay.connectors.definition import Output
from relay.engine.configuration import flow_lifecycle
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.files import event_files, file_store
from relay.engine.files.file_store import FileWriter
from relay.engine.intake.event_data import EventData, event_context
from relay.engine.runs import replay
from relay.engine.upkeep.retention import prune
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Attempt, Event, FileChunk, Run, RunState, StoredFile, Workspace
from tests.support.file_flows import FORM, arrives, flow_of, request, stored

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.7 " + bytes(range(256))


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of several chunks that the test's server keeps in memory."""
    monkeypatch.setattr(file_store, "CHUNK_BYTES", 10_000)


def small(content: bytes = PDF) -> bytes:
    head = b'--XX\r\nContent-Disposition: form-data; name="scan"; filename="a.pdf"\r\n'
    head += b"Content-Type: application/pdf\r\n\r\n"
    return head + content + b"\r\n--XX--\r\n"


def form_of(received: Request) -> dict[str, tuple[str | None, str, bytes]]:
    _, options = multipart.parse_options_header(received.headers["Content-Type"])
    parser = multipart.MultipartParser(__import__("io").BytesIO(received.data), options["boundary"])
    return {part.name: (part.filename, part.content_type, part.raw) for part in parser}


@pytest.mark.parametrize("is_large", [False, True])
def test_a_file_of_the_event_goes_out_in_a_form(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer, is_large: bool
) -> None:
    content = os.urandom(60_000) if is_large else PDF
    destination.expect_request("/upload").respond_with_data("ok")
    body = {"multipart": {"note": "{{ event.method }}", "file": "{{ event.files[0] }}", "all": "{{ event.files }}"}}
    flow = live(flow_of(request(destination.url_for("/upload"), body, headers={"content-type": "text/plain"})))
    files = (stored(workspace, content),) if is_large else ()

    run = arrives(flow, small(b"" if is_large else content), files=files)
    work(walkers=walkers)

    received = destination.log[0][0]
    sent = form_of(received)
    name, kind = ("big.bin", "application/zip") if is_large else ("a.pdf", "application/pdf")
    assert sent["note"] == (None, "text/plain", b"POST")
    assert sent["file"] == sent["all"] == (name, kind, content)
    assert int(received.headers["Content-Length"]) == len(received.data)
    shown = Attempt.objects.get(run=run).request["body"]
    assert f"[{name}, {kind}, {len(content)} bytes]" in shown
    assert len(shown) < 1000


def test_a_file_is_a_whole_body_or_base64(live: Any, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/put").respond_with_data("ok")
    destination.expect_request("/json").respond_with_data("ok")
    flow = live(
        flow_of(
            request(destination.url_for("/put"), {"file": "{{ event.files[0] }}"}, "put", method="PUT"),
            request(destination.url_for("/json"), {"json": {"data": "{{ event.files[0] | base64 }}"}}, "json"),
        )
    )

    run = arrives(flow, small())
    work(walkers=walkers)

    put, posted = (received for received, _ in destination.log)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.reason
    assert (put.data, put.headers["Content-Type"]) == (PDF, "application/pdf")
    assert b64decode(posted.get_json()["data"]) == PDF


def test_a_binary_answer_is_a_file_for_later_steps(live: Any, walkers: WalkThreads, destination: HTTPServer) -> None:
    label = os.urandom(60_000)
    destination.expect_request("/label").respond_with_data(
        label, content_type="application/pdf", headers={"Content-Disposition": 'attachment; filename="../Etikett.pdf"'}
    )
    destination.expect_request("/print").respond_with_data("ok")
    body = {"multipart": {"file": "{{ steps.label.files[0] }}", "size": "{{ steps.label.files[0].size }}"}}
    flow = live(
        flow_of(
            request(destination.url_for("/label"), {}, "label", method="GET"),
            request(destination.url_for("/print"), body, "print"),
        )
    )

    run = arrives(flow)
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.reason
    assert form_of(destination.log[1][0])["file"] == ("Etikett.pdf", "application/pdf", label)
    (row,) = file_store.of_run(run.pk)
    assert (row.name, row.size) == ("Etikett.pdf", len(label))
    assert Attempt.objects.get(run=run, step="label").answer["body"] == ""


def test_an_output_that_is_declared_as_a_file_is_one(
    live: Any, walkers: WalkThreads, destination: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector, action = registry.find("http.request")
    outputs = (Output("label", "Label", "label", kind="file"), Output("id", "Id", "id"))
    actions = {**registry._actions(), "http.request": (connector, dataclasses.replace(action, outputs=outputs))}
    monkeypatch.setattr(registry, "_actions", lambda: actions)
    destination.expect_request("/buy").respond_with_json({"id": 7, "label": b64encode(PDF).decode()})
    destination.expect_request("/print").respond_with_data("ok")
    # The document is checked in another process, which does not know the output.
    body = {"multipart": {"two": "{{ steps.buy.files[0] }}", "one": "{{ (steps | values)[0].label }}"}}
    flow = live(
        flow_of(request(destination.url_for("/buy"), {}, "buy"), request(destination.url_for("/print"), body, "print"))
    )

    run = arrives(flow)
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.reason
    sent = form_of(destination.log[1][0])
    assert sent["one"] == sent["two"] == ("label.pdf", "application/pdf", PDF)


@pytest.mark.parametrize("kind", ["application/json", "text/csv", "application/vnd.x+xml", ""])
def test_an_answer_of_text_is_no_file(live: Any, walkers: WalkThreads, destination: HTTPServer, kind: str) -> None:
    answer = Response("[1]")
    answer.headers["Content-Type"] = kind
    destination.expect_request("/a").respond_with_response(answer)
    destination.expect_request("/b").respond_with_data("ok")
    flow = live(
        flow_of(
            request(destination.url_for("/a"), {}, "a", method="GET"),
            request(destination.url_for("/b"), {"json": "{{ steps.a.files | default([]) }}"}, "b"),
        )
    )

    arrives(flow)
    work(walkers=walkers)

    assert destination.log[1][0].get_json() == []
    assert StoredFile.objects.count() == 0


def test_an_answer_that_is_too_large_keeps_nothing(
    live: Any, walkers: WalkThreads, destination: HTTPServer, settings: Any
) -> None:
    settings.MAX_FILE_BYTES = 1_000_000
    destination.expect_request("/label").respond_with_data(b"x" * 1_000_001, content_type="application/zip")
    flow = live(flow_of(request(destination.url_for("/label"), {}, "label", method="GET")))

    run = arrives(flow)
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED
    assert StoredFile.objects.count() == FileChunk.objects.count() == 0
    assert Attempt.objects.get(run=run).answer["truncated"]


def test_an_answer_that_breaks_off_keeps_nothing(live: Any, walkers: WalkThreads, destination: HTTPServer) -> None:
    def broken(_: Request) -> Response:
        return Response((b"x" for _ in range(10)), headers={"Content-Length": "400000"}, content_type="image/png")

    destination.expect_request("/label").respond_with_handler(broken)
    flow = live(flow_of(request(destination.url_for("/label"), {}, "label", method="GET")))

    run = arrives(flow)
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.WAITING
    assert StoredFile.objects.count() == 0


def forged(workspace: Workspace) -> list[dict[str, Any]]:
    """Records that a sender may write, of files that exist."""
    other = Workspace.objects.create(name="Other")
    flow = flow_lifecycle.import_document(other, flow_of(), publish_it=True)
    theirs = stored(other, b"secret")
    event = Event.objects.get(pk=arrives(flow, small(b"secret"), files=(theirs,)).event_id)
    ours = FileWriter(workspace.pk, "a", "a/b", most=100, run_id=77)
    ours.write(b"secret")
    from relay import ids

    return [
        event_files.record(name, "a.pdf", "application/pdf", 6)
        for name in (f"{event.ref}-1", f"{event.ref}-2", ids.text(theirs.id), ids.text(ours.finish().id), "x", "")
    ]


def test_no_sender_can_name_the_file_of_another_run(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/upload").respond_with_data("ok")
    upload = destination.url_for("/upload")
    flows = [
        live(flow_of(request(upload, {"multipart": {"file": "{{ event.body.file }}"}}))),
        live(flow_of(request(upload, {"json": {"file": "{{ event.body.file | base64 }}"}}))),
    ]
    runs = [
        arrives(flow, json.dumps({"file": record}).encode(), "application/json")
        for record in forged(workspace)
        for flow in flows
    ]

    work(walkers=walkers)

    for run in runs:
        run.refresh_from_db()
        assert run.state == RunState.FAILED
        assert "not one of this run" in run.reason
    assert destination.log == []


def test_a_lying_size_changes_nothing(live: Any, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/upload").respond_with_data("ok")
    lie = "{{ event.files[0] | merge({'size': 1, 'name': 'b\\r\\nX: y\".pdf', 'type': 'text/html\\r\\nX: y'}) }}"
    flow = live(flow_of(request(destination.url_for("/upload"), {"multipart": {"file": lie}})))

    run = arrives(flow, small())
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.reason
    name, kind, content = form_of(destination.log[0][0])["file"]
    assert content == PDF
    assert (name, kind) == ('bX: y".pdf', "application/octet-stream")


def test_base64_of_a_large_file_ends_at_the_limit_of_texts(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    flow = live(flow_of(request(destination.url_for("/x"), {"json": {"data": "{{ event.files[0] | base64 }}"}})))

    run = arrives(flow, small(b""), files=(stored(workspace, b"x" * 3_000_000),))
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "limit: text size" in run.reason
    assert destination.log == []


@pytest.mark.parametrize("body", [{"file": "{{ event.files[0] }}"}, {"json": "{{ event.files[0] | base64 }}"}])
@pytest.mark.parametrize("broken", ["find", "read"])
def test_a_database_that_does_not_answer_is_no_failure(
    workspace: Workspace,
    live: Any,
    walkers: WalkThreads,
    destination: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    body: dict[str, Any],
    broken: str,
) -> None:
    def refuse(*_: Any) -> Any:
        raise OperationalError("gone")

    destination.expect_request("/upload").respond_with_data("ok")
    flow = live(flow_of(request(destination.url_for("/upload"), body)))
    run = arrives(flow, small(b""), files=(stored(workspace, b"x" * 25_000),))
    with monkeypatch.context() as patch:
        patch.setattr(file_store, broken, refuse)
        work(walkers=walkers, linger=0)
    run.refresh_from_db()
    state, reason = run.state, run.reason

    Run.objects.update(due_at=1)
    work(walkers=walkers)

    run.refresh_from_db()
    assert (state, reason) == (RunState.QUEUED, "")
    assert run.state == RunState.SUCCEEDED


def test_a_replay_sends_the_same_bytes(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    content = os.urandom(600_000)
    destination.expect_request("/upload").respond_with_data("ok")
    flow = live(flow_of(request(destination.url_for("/upload"), {"file": "{{ event.files[0] }}"})))
    run = arrives(flow, small(b""), files=(stored(workspace, content),))
    work(walkers=walkers)
    run.refresh_from_db()

    replay.from_start(run)
    work(walkers=walkers)

    assert [received.data for received, _ in destination.log] == [content, content]


def test_files_go_with_their_event_and_run(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/label").respond_with_data(PDF, content_type="application/pdf")
    document = flow_of(request(destination.url_for("/label"), {}, "label", method="GET"))
    flow = live({**document, "settings": {"retention": "1d"}})
    arrives(flow, small(b""), files=(stored(workspace, b"x" * 600_000),))
    work(walkers=walkers)
    assert StoredFile.objects.count() == 2

    prune()
    kept = StoredFile.objects.count()
    flow_lifecycle.delete(flow)

    assert kept == 2
    assert StoredFile.objects.count() == FileChunk.objects.count() == 0


def test_upkeep_removes_files_whose_event_was_never_stored(workspace: Workspace) -> None:
    old = stored(workspace, b"x" * 600_000)
    fresh = stored(workspace, b"y")
    older = old.id - (7_200_000 << 22)
    FileChunk.objects.filter(file_id=old.id).update(file_id=older)
    StoredFile.objects.filter(pk=old.id).update(id=older)

    prune()

    assert list(StoredFile.objects.values_list("pk", flat=True)) == [fresh.id]
    assert set(FileChunk.objects.values_list("file_id", flat=True)) == {fresh.id}


def test_a_flow_that_stores_no_bodies_stores_no_files_either(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer, time_machine: Any
) -> None:
    destination.expect_request("/label").respond_with_data(PDF, content_type="application/pdf")
    document = flow_of(request(destination.url_for("/label"), {}, "label", method="GET"))
    flow = live({**document, "settings": {"store_bodies": False}})
    run = arrives(flow, small(b""), files=(stored(workspace, b"x" * 600_000),))
    work(walkers=walkers)
    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED

    time_machine.move_to(datetime.now(UTC) + timedelta(minutes=1))
    prune()

    event = Event.objects.get()
    assert StoredFile.objects.count() == FileChunk.objects.count() == 0
    assert event_context(EventData.from_model(event))["files"] == []


def test_a_dry_run_shows_files_by_name_and_size(workspace: Workspace, destination: HTTPServer) -> None:
    body = {"multipart": {"file": "{{ event.files[0] }}"}}
    steps = (
        request("https://example.com/a", body, "form"),
        request("https://example.com/b", {"json": {"data": "{{ event.files[0] | base64 }}"}}, "text"),
        request("https://example.com/c", {"file": "{{ event.files[0] }}"}, "whole"),
    )
    event = EventData(1, "POST", "", "{}", FORM, small(), 0)

    seen = dry_run(flow_of(*steps), event, DryRunContext("F", is_bare=True))

    bodies = [step["request"]["body"] for step in seen["steps"]]
    size = len(PDF)
    assert f"[a.pdf, application/pdf, {size} bytes]" in bodies[0]
    assert json.loads(bodies[1]) == {"data": f"[base64 of a.pdf, {size:,} bytes]"}
    assert bodies[2] == f"[a.pdf, application/pdf, {size} bytes]"
    assert b64encode(PDF).decode() not in str(seen)
