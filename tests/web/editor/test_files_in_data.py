"""The editor shows the files of the last event, so that a click puts one or all of them into a field."""

from __future__ import annotations

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
