"""Tests of the pages of samples."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from relay.engine.configuration import samples
from relay.engine.files import downloads
from relay.engine.intake import sample_events
from relay.models import Flow, Run, Sample

ORDER = {"headers": {"x-kind": "new", "authorization": "Bearer canary"}, "query": "a=1", "body": {"id": 7, "total": 30}}
PASTED = {"name": "Pasted", "event": "paste", "kind": "application/json", "body": '{"id": 8}'}


@pytest.fixture
def sample(flow: Flow) -> Sample:
    return samples.add(flow, "Big <order>", ORDER)


@pytest.fixture
def run(flow: Flow) -> Run:
    return sample_events.send_sample(flow, b'{"id": 9, "total": 1}').runs.get()


def text(answer: Any) -> str:
    return str(answer.content.decode())


def test_a_flow_without_samples_says_how_to_get_some(alice: Client, flow: Flow) -> None:
    page = text(alice.get(f"/flows/{flow.pk}/samples/"))

    assert "Samples will be here" in page
    assert "Use as sample" in page


def test_samples_are_listed_and_shown(alice: Client, flow: Flow, sample: Sample) -> None:
    listed = text(alice.get(f"/flows/{flow.pk}/samples/"))
    shown = text(alice.get(f"/flows/{flow.pk}/samples/{sample.pk}/"))

    assert "Big &lt;order&gt;" in listed
    assert "Big &lt;order&gt;" in shown
    assert "x-kind" in shown
    assert "canary" not in shown


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        ("application/json", '{"id": 8}', ""),
        ("application/x-www-form-urlencoded", "id=8&id=9", ""),
        ("application/xml", "<order><id>8</id></order>", ""),
        ("text/plain", "eight", ""),
        ("application/json", "{", "is not valid JSON"),
        ("application/xml", "<order>", "is not valid XML"),
        ("application/json", " ", "Paste the body"),
        ("image/png", "x", "Choose the type of the pasted text"),
    ],
)
def test_an_event_is_pasted(alice: Client, flow: Flow, kind: str, body: str, message: str) -> None:
    answer = alice.post(f"/flows/{flow.pk}/samples/", {**PASTED, "kind": kind, "body": body}, follow=True)

    kept = [(one.event["headers"], one.event["body"]) for one in Sample.objects.all()]
    assert kept == ([] if message else [({"content-type": kind}, body)])
    assert (message or "Sample “Pasted” added") in text(answer)
    assert answer.status_code == (422 if message else 200)
    # The pasted text is still there, so that it can be fixed.
    assert (
        not message or not body.strip() or f">\n{body}</textarea>".replace("<order>", "&lt;order&gt;") in text(answer)
    )


def test_what_arrived_is_kept(alice: Client, flow: Flow, run: Run) -> None:
    alice.post(f"/flows/{flow.pk}/samples/", {"name": "Nine", "event": f"event:{run.event.ref}"})

    assert samples.find(flow, "Nine").event["body"] == '{"id": 9, "total": 1}'


@pytest.mark.parametrize("event", ["", "event:", "event:0123456789abc", "sample:x", "sample:99999", "x"])
def test_an_event_that_is_not_there(alice: Client, flow: Flow, event: str) -> None:
    answer = alice.post(f"/flows/{flow.pk}/samples/", {"name": "x", "event": event})

    assert answer.status_code == 422
    assert "Choose an event" in text(answer)


def test_a_run_becomes_a_sample_on_its_page(alice: Client, flow: Flow, run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(title="Order #9")

    assert "Use as sample" in text(alice.get(f"/runs/{run.ref}/"))
    page = text(alice.post(f"/runs/{run.ref}/act/", {"do": "sample"}, follow=True))

    assert "“Order #9” was added to the samples of Orders" in page
    assert samples.find(flow, "Order #9").size == run.event.body.__len__()


@pytest.mark.parametrize(
    ("sent", "message", "kept"),
    [
        ({"do": "rename", "name": "Bigger"}, "Renamed to “Bigger”", ["Bigger"]),
        ({"do": "remove", "name": "ignored"}, "“Big &lt;order&gt;” was removed", []),
    ],
)
def test_changes_can_be_undone(
    alice: Client, flow: Flow, sample: Sample, sent: dict[str, str], message: str, kept: list[str]
) -> None:
    page = text(alice.post(f"/flows/{flow.pk}/samples/{sample.pk}/", sent, follow=True))
    done = [one.name for one in flow.samples.kept()]

    alice.post(f"/flows/{flow.pk}/samples/undo/")
    again = text(alice.post(f"/flows/{flow.pk}/samples/undo/", follow=True))

    assert message in page
    assert "Undo" in page
    assert done == kept
    assert [one.name for one in flow.samples.kept()] == ["Big <order>"]
    assert "nothing left to undo" in again


def test_a_used_name_is_refused(alice: Client, flow: Flow, sample: Sample) -> None:
    samples.add(flow, "Taken", ORDER)

    answer = alice.post(f"/flows/{flow.pk}/samples/{sample.pk}/", {"do": "rename", "name": "Taken"})

    assert answer.status_code == 422
    assert "There is a sample called “Taken” already" in text(answer)


def test_samples_of_others_are_not_there(bob: Client, flow: Flow, sample: Sample) -> None:
    for address in ("", f"{sample.pk}/"):
        assert bob.get(f"/flows/{flow.pk}/samples/{address}").status_code == 404
    assert bob.post(f"/flows/{flow.pk}/samples/{sample.pk}/", {"do": "remove"}).status_code == 404
    assert flow.samples.kept().count() == 1


PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def attached(content: bytes = PNG, name: str = "door.png", **more: Any) -> dict[str, Any]:
    upload = SimpleUploadedFile(name, content, "image/png")
    return {"name": "Door", "event": "form", "upload": upload, "upload_field": "photo", "fields": "order=1001", **more}


def test_a_form_with_a_file_is_a_sample_and_dry_runs(alice: Client, flow: Flow) -> None:
    body = {"multipart": {"photo": "{{ event.files[0] }}", "order": "{{ event.body.order }}"}}
    flow.draft = {
        **flow.draft,
        "steps": [
            {
                "id": "send",
                "kind": "action",
                "action": "http.request",
                "inputs": {"url": "https://example.com/", "body": body},
            }
        ],
    }
    flow.save()
    added = alice.post(f"/flows/{flow.pk}/samples/", attached())
    sample = Sample.objects.get()
    shown = text(alice.get(f"/flows/{flow.pk}/samples/{sample.pk}/"))
    chosen = {"version": "draft", "event": f"sample:{sample.pk}"}
    result = text(alice.post(f"/flows/{flow.pk}/dry-run/", chosen, follow=True))

    assert added.status_code == 302
    assert "door.png" in shown
    assert "image/png" in shown
    assert "[door.png, image/png, 264 bytes]" in result, result[result.find("<main") :]
    assert "1001" in result


def test_a_sample_with_a_file_is_sent_to_the_flow(alice: Client, flow: Flow) -> None:
    alice.post(f"/flows/{flow.pk}/samples/", attached())

    alice.post(f"/flows/{flow.pk}/samples/{Sample.objects.get().pk}/", {"do": "send"})

    (record,) = downloads.of_event(flow.events.get())
    assert (record["name"], record["type"], record["size"], record["field"]) == ("door.png", "image/png", 264, "photo")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"upload": ""}, "Attach a file"),
        ({"upload": SimpleUploadedFile("a", b"")}, "Attach a file"),
        ({"upload": SimpleUploadedFile("a", b"x" * 1_100_000)}, "may have 1,048,576 bytes"),
        ({"upload": SimpleUploadedFile("a", b"x" * 1_048_576)}, "may have 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_a_sample_says_why(alice: Client, flow: Flow, change: dict[str, Any], said: str) -> None:
    answer = alice.post(f"/flows/{flow.pk}/samples/", attached(**change))

    assert answer.status_code == 422
    assert said in text(answer)
    assert not Sample.objects.exists()


def test_hostile_names_stay_in_their_place(alice: Client, flow: Flow) -> None:
    evil = attached(name='a"\r\nX: y; filename="../../etc/x', upload_field='f"\r\n\r\nx')

    alice.post(f"/flows/{flow.pk}/samples/", {**evil, "fields": 'a"b=1\n=2\nno value\nc=d=e'})
    alice.post(f"/flows/{flow.pk}/samples/{Sample.objects.get().pk}/", {"do": "send"})

    event = flow.events.get()
    (record,) = downloads.of_event(event)
    assert "/" not in record["name"]
    assert record["size"] == len(PNG)
    assert bytes(event.body).count(b"Content-Disposition") == 4
