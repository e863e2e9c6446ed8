"""Files that go to services in several requests."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.connectors import registry
from relay.connectors.definition import Call
from relay.engine.configuration import connections
from relay.engine.files import file_store
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Attempt, RunState, Workspace
from relay.outbound import Sender
from tests.connectors.conformance.actions import EVENT_WITH_FILE, FILE
from tests.support.file_flows import arrives, flow_of

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "xoxb-0123456789-abcdefghij"
UPLOAD = {
    "id": "up",
    "kind": "action",
    "action": "slack_bot.upload_file",
    "connection": "Slack",
    "inputs": {"file": "{{ event.files }}", "channel": "C024BE91L", "text": "The note"},
}


class Slack:
    """What Slack's pages say of its three requests: a length that is wrong, another type or no token are refused."""

    def __init__(self, server: HTTPServer, upload_url: str) -> None:
        self.upload_url, self.uploaded, self.shared = upload_url, b"", dict[str, Any]()
        self.length = 0
        for path, answer in (
            ("/api/files.getUploadURLExternal", self._slot),
            ("/upload/v1/abc", self._upload),
            ("/api/files.completeUploadExternal", self._complete),
        ):
            server.expect_request(path, method="POST").respond_with_handler(answer)

    def _slot(self, request: Request) -> Response:
        self.length = int(request.form.get("length", "0"))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}" or not self.length or not request.form["filename"]:
            return _json({"ok": False, "error": "invalid_arguments"})
        return _json({"ok": True, "upload_url": self.upload_url, "file_id": "F123ABC456"})

    def _upload(self, request: Request) -> Response:
        self.uploaded = request.get_data()
        if len(self.uploaded) != self.length:
            return Response("bad length", 400, content_type="text/plain")
        return Response(f"OK - {self.length}", content_type="text/plain")

    def _complete(self, request: Request) -> Response:
        self.shared = request.get_json()
        if not self.uploaded or [one["id"] for one in self.shared["files"]] != ["F123ABC456"]:
            return _json({"ok": False, "error": "file_not_found"})
        return _json({"ok": True, "files": self.shared["files"]})


def _json(body: Any) -> Response:
    return Response(json.dumps(body), content_type="application/json")


def _uploaded(
    workspace: Workspace, live: Any, walkers: WalkThreads, server: HTTPServer, upload_url: str
) -> tuple[Any, Slack]:
    slack = Slack(server, upload_url)
    here = server.url_for("").rstrip("/")
    walkers._sender = Sender(
        ("127.0.0.0/8",), {"https://slack.com": here, "https://files.slack.com": here}, timeout=2.0
    )
    connections.set_connection(workspace, "Slack", "slack_bot", {"token": TOKEN})
    run = arrives(live(flow_of(UPLOAD)), EVENT_WITH_FILE)
    for _ in range(3):
        work(walkers=walkers)
    run.refresh_from_db()
    return run, slack


def test_a_file_is_uploaded_to_slack(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer
) -> None:
    run, slack = _uploaded(workspace, live, walkers, destination, "https://files.slack.com/upload/v1/abc")

    assert run.state == RunState.SUCCEEDED, run.reason
    assert slack.uploaded == FILE
    assert slack.shared == {
        "files": [{"id": "F123ABC456", "title": "scan.pdf"}],
        "channel_id": "C024BE91L",
        "initial_comment": "The note",
    }
    shown = [attempt.request["body"] for attempt in Attempt.objects.filter(run=run).order_by("id")]
    assert "[scan.pdf, application/pdf, 12 bytes]" in shown[1]
    assert len(shown) == 3


@pytest.mark.parametrize("url", ["https://evil.example/upload/v1/abc", "http://127.0.0.1/x", "", "//evil.example"])
def test_a_file_goes_to_no_other_host(
    workspace: Workspace, live: Any, walkers: WalkThreads, destination: HTTPServer, url: str
) -> None:
    run, slack = _uploaded(workspace, live, walkers, destination, url)

    assert run.state == RunState.FAILED
    assert (slack.uploaded, slack.shared) == (b"", {})
    assert len(destination.log) == 1


def test_a_call_passes_its_file_on_to_the_requests_after_it(
    live: Any, walkers: WalkThreads, destination: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    connector, action = registry.find("http.request")
    label = Call("label", "Fetch the label", url="{{ inputs.url }}/label")
    body = {"file": "{{ calls.label.files[0] }}"}
    chain = replace(action, before=(label,), method="POST", body=body, repeatable=False)
    actions = {**registry._actions(), "http.request": (connector, chain)}
    monkeypatch.setattr(registry, "_actions", lambda: actions)
    destination.expect_request("/x/label", method="GET").respond_with_data(FILE, content_type="application/pdf")
    destination.expect_request("/x", method="POST").respond_with_data("ok")
    step = {"id": "it", "kind": "action", "action": "http.request", "inputs": {"url": destination.url_for("/x")}}

    run = arrives(live(flow_of(step)))
    for _ in range(3):
        work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.reason
    assert [(received.method, received.data) for received, _ in destination.log] == [("GET", b""), ("POST", FILE)]
    (row,) = file_store.of_run(run.pk)
    assert (row.name, row.type, row.size) == ("it.label.pdf", "application/pdf", len(FILE))
