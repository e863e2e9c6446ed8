"""Files in an S3-compatible store: kept, sent, fetched, released, and nothing lost while the store is down."""

from __future__ import annotations

import dataclasses
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from pytest_httpserver import HTTPServer

from relay import files_url, ids
from relay.connectors import registry
from relay.engine.configuration import flow_lifecycle
from relay.engine.files import file_store
from relay.engine.files import object_store as objects
from relay.engine.upkeep import object_removal, storage_usage
from relay.engine.upkeep.retention import prune
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import FileGone, FileStoreDown
from relay.models import Attempt, FileArea, FileChunk, Run, RunState, StoredFile, Workspace
from tests.engine.conftest import posting
from tests.support import object_store
from tests.support.file_flows import arrives, flow_of, request, stored
from tests.support.object_store import S3Server

pytestmark = pytest.mark.django_db(transaction=True)
PDF = b"%PDF-1.7 " + bytes(range(256))
BROKEN = b"--XX--\r\n"


@pytest.fixture
def store(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    """A store that keeps all new files, in small objects."""
    monkeypatch.setattr(objects, "OBJECT_BYTES", 10_000)
    monkeypatch.setattr(object_removal, "GRACE_MICROS", -1_000_000)
    with object_store.running() as server:
        settings.FILES_STORE = files_url.settings_of(server.url(prefix="/relay"))
        yield server
        assert server.refused == []


def content(row: StoredFile) -> bytes:
    return b"".join(file_store.read(row.pk, row.size, row.area))


def due(run: Run) -> Run:
    Run.objects.filter(pk=run.pk).update(due_at=1)
    return run


@pytest.mark.parametrize("size", [0, 1, 9_999, 10_000, 10_001, 25_000])
def test_a_file_is_kept_in_objects_and_read_byte_for_byte(workspace: Workspace, store: S3Server, size: int) -> None:
    sent = os.urandom(size)

    row = StoredFile.objects.get(pk=stored(workspace, sent).id)

    assert content(row) == sent
    assert (row.size, FileChunk.objects.count()) == (size, 0)
    assert {len(one) for one in store.objects.values()} <= {10_000, size % 10_000}
    assert all(key.startswith(f"relay/{FileArea.current()}/") for key in store.objects)
    assert storage_usage.measure().object_bytes == size


def test_a_file_of_the_event_goes_out_and_one_that_is_fetched_is_kept(
    workspace: Workspace, store: S3Server, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    scan, label = os.urandom(60_000), os.urandom(30_000)
    destination.expect_request("/upload").respond_with_data("ok")
    destination.expect_request("/label").respond_with_data(label, content_type="application/pdf")
    flow = live(
        flow_of(
            request(destination.url_for("/label"), {}, "label", method="GET"),
            request(destination.url_for("/upload"), {"file": "{{ steps.label.files[0] }}"}, "first"),
            request(destination.url_for("/upload"), {"file": "{{ event.files[0] }}"}, "second"),
        )
    )

    run = arrives(flow, BROKEN, files=(stored(workspace, scan),))
    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.reason
    assert [received.data for received, _ in destination.log[1:]] == [label, scan]


def test_a_file_that_cannot_be_read_now_is_read_later(
    workspace: Workspace, store: S3Server, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/upload").respond_with_data("ok")
    flow = live(flow_of(request(destination.url_for("/upload"), {"multipart": {"a": "{{ event.files[0] }}"}})))
    run = arrives(flow, BROKEN, files=(stored(workspace, b"x" * 25_000),))

    store.is_down = True
    work(walkers=walkers, linger=0)
    run.refresh_from_db()
    waiting = (run.state, run.reason)
    store.is_down = False
    due(run)
    work(walkers=walkers)

    run.refresh_from_db()
    assert waiting == (RunState.QUEUED, "")
    assert run.state == RunState.SUCCEEDED
    assert b"x" * 25_000 in destination.log[-1][0].data


def test_a_file_whose_object_is_missing_fails_the_action(
    workspace: Workspace, store: S3Server, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    flow = live(flow_of(request(destination.url_for("/upload"), {"file": "{{ event.files[0] }}"})))
    run = arrives(flow, BROKEN, files=(stored(workspace, b"x" * 25_000),))
    store.objects.clear()

    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "not kept any more" in run.reason


@pytest.mark.parametrize("repeatable", [True, False])
def test_an_answer_that_cannot_be_stored_does_not_repeat_what_must_not_be_repeated(
    store: S3Server,
    live: Any,
    walkers: WalkThreads,
    destination: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
    repeatable: bool,
) -> None:
    connector, action = registry.find("http.request")
    actions = {**registry._actions(), "http.request": (connector, dataclasses.replace(action, repeatable=repeatable))}
    monkeypatch.setattr(registry, "_actions", lambda: actions)
    destination.expect_request("/label").respond_with_data(PDF, content_type="application/pdf")
    flow = live(flow_of(request(destination.url_for("/label"), {}, "label", method="GET")))
    run = arrives(flow, BROKEN)

    store.is_down = True
    work(walkers=walkers, linger=0)

    run.refresh_from_db()
    assert len(destination.log) == 1
    attempt = Attempt.objects.get(run=run)
    assert "can't be stored" in attempt.error
    assert (attempt.state, run.held_by) == (("retry", "") if repeatable else ("unknown", "unknown"))


def test_removed_files_lose_their_objects_and_nothing_else_does(
    workspace: Workspace, store: S3Server, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/label").respond_with_data(PDF, content_type="application/pdf")
    flow = live(flow_of(request(destination.url_for("/label"), {}, "label", method="GET")))
    arrives(flow, BROKEN, files=(stored(workspace, b"x" * 25_000),))
    work(walkers=walkers)
    other = stored(workspace, b"y" * 15_000)
    store.objects["relay/another-installation/070y5tqqzcfr0/000000"] = b"theirs"

    flow_lifecycle.delete(flow)
    marked = StoredFile.objects.filter(removed_at__isnull=False).count()
    store.is_down = True
    with pytest.raises(FileStoreDown):
        object_removal.remove_some()
    kept = StoredFile.objects.filter(removed_at__isnull=False).count()
    store.is_down = False
    removed = object_removal.remove_some()

    assert (marked, kept, removed) == (2, 2, 2)
    assert list(StoredFile.objects.values_list("pk", flat=True)) == [other.id]
    assert sorted(map(len, store.objects.values())) == [len(b"theirs"), 5_000, 10_000]


def test_a_file_that_cannot_be_removed_does_not_keep_the_others(workspace: Workspace, store: S3Server) -> None:
    locked, other = stored(workspace, b"x" * 5_000), stored(workspace, b"y" * 5_000)
    file_store.remove([locked.id])
    file_store.remove([other.id])
    store.locked = ids.text(locked.id)

    for _ in range(2):
        with pytest.raises(FileStoreDown):
            object_removal.remove_some()

    assert list(StoredFile.objects.values_list("pk", flat=True)) == [locked.id]


def test_a_file_whose_event_was_never_stored_is_removed(workspace: Workspace, store: S3Server) -> None:
    old = stored(workspace, b"x" * 25_000)
    StoredFile.objects.filter(pk=old.id).update(id=old.id - (7_200_000 << 22))

    prune()

    (row,) = StoredFile.objects.all()
    assert row.removed_at is not None
    assert file_store.find([row.pk], workspace.pk) == {}


def test_an_upload_that_breaks_off_leaves_no_object(workspace: Workspace, store: S3Server) -> None:
    writer = file_store.FileWriter(workspace.pk, "a", "a/b", most=1 << 20)
    writer.write(b"x" * 25_000)
    begun = len(store.objects)

    writer.abandon()
    object_removal.remove_some()

    assert begun == 2
    assert store.objects == {}
    assert StoredFile.objects.count() == 0


def test_a_sweep_removes_objects_that_an_older_backup_does_not_know(workspace: Workspace, store: S3Server) -> None:
    store.most = 2
    known, unknown, fresh = (stored(workspace, b"x" * 25_000) for _ in range(3))
    StoredFile.objects.filter(pk__in=[unknown.id, fresh.id]).delete()
    area, older = FileArea.current(), unknown.id - (7_200_000 << 22)
    for number in range(3):
        objects.put(area, older, number, b"left")
        objects.put("another", older, number, b"theirs")

    count = object_removal.sweep(threading.Event())

    assert count == 1
    with pytest.raises(FileGone):
        list(objects.read(area, older, 5))
    assert b"".join(objects.read("another", older, 18)) == b"theirs" * 3
    for one in (known, fresh):
        assert len(b"".join(objects.read(area, one.id, 25_000))) == 25_000


def test_files_of_both_places_are_read_whatever_the_setting_is_now(
    workspace: Workspace, store: S3Server, settings: LazySettings
) -> None:
    configured = settings.FILES_STORE
    inside = StoredFile.objects.get(pk=stored(workspace, PDF).id)
    settings.FILES_STORE = None
    beside = StoredFile.objects.get(pk=stored(workspace, PDF).id)

    with pytest.raises(FileStoreDown, match="RELAY_FILES_URL is not set"):
        content(inside)
    settings.FILES_STORE = configured

    assert content(inside) == content(beside) == PDF
    assert FileChunk.objects.get().file_id == beside.pk


def test_no_log_has_the_credentials(
    store: S3Server, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = "hunter22/+wrong"
    settings.FILES_STORE = files_url.settings_of(store.url(secret=wrong))

    with pytest.raises(FileStoreDown) as refused:
        objects.check()

    assert store.refused == ["the signature is wrong"]
    store.refused.clear()
    said = f"{refused.value} {settings.FILES_STORE!r} {''.join(capsys.readouterr())}"
    assert "SignatureDoesNotMatch" in said
    assert wrong not in said
    assert object_store.KEY not in said


def test_a_flow_without_files_asks_the_store_nothing(
    store: S3Server, live: Any, arrive: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_request("/hook").respond_with_data("ok")
    arrive(live(posting(destination.url_for("/hook"))))

    work(walkers=walkers)

    assert len(destination.log) == 1
    assert store.log == []
