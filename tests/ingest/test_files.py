"""Files that arrive: in forms and in JSON, small and large, from all kinds of senders."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from base64 import b64encode
from typing import Any

import pytest
from django.db import OperationalError

from relay import files_url
from relay.engine.configuration import flow_lifecycle
from relay.engine.files import event_files, file_store
from relay.engine.intake.event_data import EventData, event_context
from relay.ingest import spools
from relay.ingest.application import Ingest
from relay.models import Event, FileChunk, Flow, Rejection, StoredFile, Workspace
from tests.support import object_store
from tests.support.asgi_requests import Answered, scope_of, serve

pytestmark = pytest.mark.django_db(transaction=True)
SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
FORM = "multipart/form-data; boundary=XX"
MIB = 1 << 20


def live(workspace: Workspace, **trigger: Any) -> Flow:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook", **trigger}, "steps": [SAY]}
    return flow_lifecycle.import_document(workspace, document, publish_it=True)


def part(name: str, content: bytes, filename: str | None = None, kind: str = "") -> bytes:
    head = f'Content-Disposition: form-data; name="{name}"'
    head += f'; filename="{filename}"' if filename is not None else ""
    head += f"\r\nContent-Type: {kind}" if kind else ""
    return f"--XX\r\n{head}\r\n\r\n".encode() + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--XX--\r\n"


async def send(ingest: Ingest, flow: Flow, body: bytes, kind: str = FORM, step: int = 65_536, **more: Any) -> Answered:
    pieces = [body[start : start + step] for start in range(0, len(body), step)] or [b""]
    answered: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        if not pieces:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def respond(message: dict[str, Any]) -> None:
        answered.append(message)

    await ingest(scope_of(f"/in/{flow.trigger.token}", content_type=kind, **more), receive, respond)
    names = {name.decode(): value.decode("latin-1") for name, value in answered[0]["headers"]}
    return Answered(answered[0]["status"], names, answered[1]["body"])


def sent(flow: Flow, body: bytes, kind: str = FORM, **more: Any) -> Answered:
    answer: Answered = serve(lambda ingest: send(ingest, flow, body, kind, **more))
    return answer


def context() -> dict[str, Any]:
    return event_context(EventData.from_model(Event.objects.latest("id")))


def content_of(record: dict[str, Any]) -> bytes:
    parsed = event_files.parse_id(record["id"])
    assert parsed is not None
    one = event_files.stored(EventData.from_model(Event.objects.get(pk=parsed[0])).files)[parsed[1] - 1]
    return b"".join(_pieces(one.id))


def _pieces(file_id: int) -> Any:
    row = StoredFile.objects.get(pk=file_id)
    return file_store.read(row.pk, row.size, row.area)


def test_a_small_form_keeps_its_files_in_the_body(workspace: Workspace) -> None:
    flow = live(workspace)

    sent(flow, form(part("note", b"hi"), part("scan", b"%PDF-1", "../a/scan.pdf", "Application/PDF; x=y")))

    (record,) = context()["files"]
    assert {**record, "link": ""} == {
        "id": f"{Event.objects.get().ref}-1",
        "name": "scan.pdf",
        "type": "application/pdf",
        "size": 6,
        "link": "",
        "field": "scan",
    }
    assert StoredFile.objects.count() == 0


def test_a_large_form_is_stored_byte_for_byte(workspace: Workspace) -> None:
    flow, large = live(workspace), os.urandom(3 * MIB + 17)

    answer = sent(flow, form(part("note", b"hi"), part("a", large, "a.bin"), part("b", b"", "b.txt", "text/plain")))

    seen = context()
    assert answer.status == 202
    assert [(one["name"], one["size"], one["field"]) for one in seen["files"]] == [
        ("a.bin", len(large), "a"),
        ("b.txt", 0, "b"),
    ]
    assert content_of(seen["files"][0]) == large
    assert seen["body"]["note"] == "hi"
    assert seen["body"]["a"] == {
        "filename": "a.bin",
        "content_type": "application/octet-stream",
        "size": len(large),
    }
    assert len(Event.objects.get().body) < 1000
    assert {len(chunk) for chunk in FileChunk.objects.values_list("data", flat=True)} <= {
        file_store.CHUNK_BYTES,
        len(large) % file_store.CHUNK_BYTES,
    }
    assert set(StoredFile.objects.values_list("event_id", flat=True)) == {Event.objects.get().pk}


def test_base64_in_json_becomes_files_where_the_trigger_names_it(workspace: Workspace) -> None:
    flow, large = live(workspace, files=["Attachments.Content"]), os.urandom(2 * MIB)
    attachments = [
        {"Name": "a.png", "ContentType": "image/png", "Content": b64encode(large).decode()},
        {"Name": "b.txt", "ContentType": "text/plain", "Content": b64encode(b"small").decode()},
        {"Name": "c.txt", "Content": "no base64!"},
    ]

    small = sent(flow, json.dumps({"Attachments": attachments[1:]}).encode(), "application/json")
    files_of_small = context()["files"]
    answer = sent(flow, json.dumps({"id": 1, "Attachments": attachments[:1]}).encode(), "application/json")

    seen = context()
    assert (small.status, answer.status) == (202, 202)
    assert [(one["name"], one["size"], one["type"]) for one in files_of_small] == [("b.txt", 5, "text/plain")]
    assert [(one["name"], one["size"], one["field"]) for one in seen["files"]] == [
        ("a.png", 2 * MIB, "Attachments.Content")
    ]
    assert content_of(seen["files"][0]) == large
    assert seen["body"] == {"id": 1, "Attachments": [{"Name": "a.png", "ContentType": "image/png", "Content": ""}]}


@pytest.mark.parametrize("alphabet", ["escaped", "lines", "url"])
def test_base64_is_read_as_senders_write_it(workspace: Workspace, alphabet: str) -> None:
    flow, large = live(workspace, files=["file"]), os.urandom(2 * MIB + 1)
    text = b64encode(large).decode()
    if alphabet == "escaped":
        text = text.replace("/", "\\/")
    elif alphabet == "lines":
        text = "\\r\\n".join(text[start : start + 76] for start in range(0, len(text), 76))
    else:
        text = text.replace("+", "-").replace("/", "_").rstrip("=")

    answer = sent(flow, f'{{"file": "data:image/png;base64,{text}"}}'.encode(), "application/json")

    assert answer.status == 202
    assert content_of(context()["files"][0]) == large


def test_a_duplicate_keeps_no_second_copy(workspace: Workspace) -> None:
    flow = live(workspace, dedupe={"key": "{{ event.body.id }}"})
    body = form(part("id", b"7"), part("a", os.urandom(2 * MIB), "a.bin"))

    first, second = sent(flow, body), sent(flow, body)

    assert (first.status, second.status) == (202, 202)
    assert second.headers["relay-duplicate"] == "true"
    assert StoredFile.objects.count() == 1
    assert set(FileChunk.objects.values_list("file_id", flat=True)) == {StoredFile.objects.get().pk}


LARGE = b"x" * (2 * MIB)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (form(part("a", LARGE)), FORM),  # a field that is no file
        (form(*[part(f"p{index}", b"y" * 300, "f") for index in range(10_000)]), FORM),
        (form(part("a", LARGE, "a")), "multipart/form-data"),  # no boundary
        (form(part("a", LARGE, "a"))[:-8], FORM),  # no end
        (b"--XX\r\nContent-Disposition: form-data; name=a\r\n" + b"X-A: b\r\n" * 300_000, FORM),
        (b"--XX\r\nContent-Disposition: form-data; name=a; filename=" + LARGE, FORM),
        (LARGE, FORM),
        (b'{"file": "' + LARGE, "application/json"),
        (b'{"file": "' + b"!" * 2 * MIB + b'"}', "application/json"),
        (b'{"other": "' + LARGE + b'"}', "application/json"),
        (b'{"file": {"file": "' + LARGE + b'"}}', "application/json"),
        (b"[" + b'"aa",' * 400_000 + b'""]', "application/json"),
        (b'{"file": "' + rb"\"" * MIB + b'"}', "application/json"),
        (b'{"file": "' + b"\\" * 2 * MIB + b'"}', "application/json"),
    ],
    ids=range(14),
)
def test_a_large_body_without_readable_files_is_refused_and_leaves_nothing(
    workspace: Workspace, body: bytes, kind: str
) -> None:
    flow = live(workspace, files=["file"])

    answer = sent(flow, body, kind)

    assert answer.status == 413
    assert Event.objects.count() == StoredFile.objects.count() == FileChunk.objects.count() == 0
    assert "files can't be taken out" in Rejection.objects.get().reason


def test_files_have_a_limit(workspace: Workspace, settings: Any) -> None:
    settings.MAX_FILE_BYTES = 3 * MIB
    flow = live(workspace)

    two = sent(flow, form(part("a", LARGE, "a"), part("b", LARGE[: 3 * MIB // 2], "b")))
    one = sent(flow, form(part("a", LARGE * 3, "a")))
    fits = sent(flow, form(part("a", LARGE, "a"), part("b", LARGE[:MIB], "b")))

    assert [two.status, one.status, fits.status] == [413, 413, 202]
    assert StoredFile.objects.count() == 2


def test_a_trigger_with_its_own_limit_takes_no_larger_forms(workspace: Workspace) -> None:
    answer = sent(live(workspace, max_bytes=1000), form(part("a", LARGE, "a")))

    assert answer.status == 413
    assert StoredFile.objects.count() == 0


def test_a_compressed_form_is_not_unpacked_into_files(workspace: Workspace) -> None:
    answer = sent(live(workspace), form(part("a", LARGE, "a")), content_encoding="gzip")

    assert answer.status == 413
    assert StoredFile.objects.count() == 0


def test_names_are_safe(workspace: Workspace) -> None:
    names = ["C:\\x\\run\u202efdp.exe", "..", "/etc/passwd", "a\u0000\u0007b.txt", "", "n" * 500 + ".pdf"]

    sent(live(workspace), form(*[part("f", b"1", name) for name in names]))

    shown = [one["name"] for one in context()["files"]]
    assert shown == ["runfdp.exe", "file", "passwd", "ab.txt", "file", "n" * 196 + ".pdf"]


def test_a_full_disk_is_no_acknowledgement(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    flow, body = live(workspace), form(part("a", LARGE, "a"))

    def refuse(*args: Any, **more: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "TemporaryFile", refuse)
        no_spool = sent(flow, body)
    with monkeypatch.context() as patch:
        patch.setattr(file_store.statements, "insert", lambda *_: (_ for _ in ()).throw(OperationalError("full")))
        no_database = sent(flow, body)

    assert (no_spool.status, no_database.status) == (503, 503)
    assert "retry-after" in no_spool.headers
    assert Event.objects.count() == StoredFile.objects.count() == 0
    assert sent(flow, body).status == 202


def test_a_store_that_is_down_is_no_acknowledgement(workspace: Workspace, settings: Any) -> None:
    flow, content = live(workspace), os.urandom(5 * MIB)
    body = form(part("a", content, "a.bin"), part("b", b"small", "b.txt"))
    with object_store.running() as store:
        settings.FILES_STORE = files_url.settings_of(store.url())
        store.is_down = True
        refused = sent(flow, body)
        events, rows = Event.objects.count(), StoredFile.objects.filter(removed_at=None).count()

        store.is_down = False
        accepted = sent(flow, body)
        first, second = context()["files"]

        assert (refused.status, "retry-after" in refused.headers, events, rows) == (503, True, 0, 0)
        assert accepted.status == 202
        assert (content_of(first), content_of(second)) == (content, b"small")
        assert FileChunk.objects.count() == 0
        assert b"".join(store.objects[key] for key in sorted(store.objects)) == content + b"small"


def test_large_bodies_share_a_bounded_space(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spools, "MAX_BYTES_OF_WORKSPACE", 3 * MIB)
    flow, body = live(workspace), form(part("a", LARGE, "a"))

    async def visit(ingest: Ingest) -> list[int]:
        answers = await asyncio.gather(*(send(ingest, flow, body) for _ in range(4)))
        later = await send(ingest, flow, body)
        return [*(answer.status for answer in answers), later.status]

    *together, later = serve(visit)

    assert set(together) == {202, 503}
    assert later == 202


def test_small_senders_do_not_wait_for_large_ones(workspace: Workspace) -> None:
    flow, body = live(workspace), form(part("a", os.urandom(8 * MIB), "a"))

    async def visit(ingest: Ingest) -> tuple[int, int]:
        large = [asyncio.ensure_future(send(ingest, flow, body)) for _ in range(8)]
        await asyncio.sleep(0.05)
        small = 0
        while not all(task.done() for task in large):
            assert (await send(ingest, flow, b"{}", "application/json")).status == 202
            small += 1
        return small, sum(task.result().status == 202 for task in large)

    small, stored = serve(visit)

    assert stored == 8
    assert small > 8
    assert StoredFile.objects.count() == 8


def test_a_sender_that_disconnects_leaves_nothing(workspace: Workspace) -> None:
    flow = live(workspace)
    pieces = [form(part("a", LARGE, "a"))[: 3 * MIB // 2]]

    async def visit(ingest: Ingest) -> Answered:
        answered: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            if not pieces:
                return {"type": "http.disconnect"}
            return {"type": "http.request", "body": pieces.pop(0), "more_body": True}

        async def respond(message: dict[str, Any]) -> None:
            answered.append(message)

        await ingest(scope_of(f"/in/{flow.trigger.token}", content_type=FORM), receive, respond)
        return Answered(answered[0]["status"], {}, b"")

    assert serve(visit).status == 400
    assert Event.objects.count() == StoredFile.objects.count() == 0
