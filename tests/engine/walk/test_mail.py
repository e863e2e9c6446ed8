"""The mail action: sent, tried again, failed, held for its credential or for a person, and shown."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.configuration import connections
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Attempt, HeldBy, Run, RunState, Workspace
from tests.engine.walk.test_files import FORM, PDF, arrives, flow_of, small
from tests.support.smtp_server import SmtpServer

pytestmark = pytest.mark.django_db(transaction=True)
INPUTS = {
    "to": "ada@example.com, bob@example.com",
    "bcc": "hidden@example.com",
    "subject": "Order\n{{ event.method }}",
    "text": "Hello",
    "html": "<p>Hello</p>",
    "attachments": "{{ event.files }}",
}


def mailing(**inputs: Any) -> dict[str, Any]:
    step = {"id": "mail", "kind": "action", "action": "mail.send", "connection": "box", "inputs": {**INPUTS, **inputs}}
    then = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ steps.mail.message_id }}"}}
    return flow_of({**step, "retry": {"delays": ["1s", "1s"]}}, then)


@pytest.fixture
def server(workspace: Workspace) -> Any:
    with SmtpServer() as running:
        values = {"host": "127.0.0.1", "port": str(running.port), "security": "none", "from": "Shop <shop@example.com>"}
        connections.set_connection(workspace, "box", "mail", values)
        yield running


def again(run: Run, walkers: WalkThreads) -> Run:
    Run.objects.filter(pk=run.pk, due_at__isnull=False).update(due_at=1)
    work(walkers=walkers)
    run.refresh_from_db()
    return run


def test_a_mail_is_sent_with_the_files_of_the_event(live: Any, walkers: WalkThreads, server: SmtpServer) -> None:
    run = arrives(live(mailing()), small())

    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.SUCCEEDED, run.reason
    (envelope,), (mail,) = server.handler.envelopes, server.handler.mails
    assert envelope.rcpt_tos == ["ada@example.com", "bob@example.com", "hidden@example.com"]
    assert mail["Subject"] == "Order POST"
    assert [(one.get_filename(), one.get_content()) for one in mail.iter_attachments()] == [("a.pdf", PDF)]
    attempt = Attempt.objects.get(step="mail")
    assert (attempt.status, attempt.state) == (250, "succeeded")
    assert attempt.request["url"] == f"smtp://127.0.0.1:{server.port}"
    assert attempt.request["headers"]["To"] == "ada@example.com, bob@example.com"
    assert f"[a.pdf, {len(PDF)} bytes]" in attempt.request["body"]
    assert "hidden" not in attempt.request["headers"].values()
    posted = run.workspace.inbox_messages.get().text
    assert posted == mail["Message-ID"]


def test_a_temporary_refusal_is_tried_again_with_the_same_message_id(
    live: Any, walkers: WalkThreads, server: SmtpServer
) -> None:
    server.handler.replies["DATA"] = ["451 4.3.0 Greylisted"]
    run = arrives(live(mailing()), small())
    work(walkers=walkers)
    run.refresh_from_db()
    state, reason = run.state, run.reason
    first = Attempt.objects.get(step="mail").request["headers"]["Message-ID"]

    again(run, walkers)

    assert (state, run.state) == (RunState.WAITING, RunState.SUCCEEDED)
    assert reason == "The mail server answered 451: 4.3.0 Greylisted"
    assert server.handler.mails[0]["Message-ID"] == first


def test_a_permanent_refusal_fails(live: Any, walkers: WalkThreads, server: SmtpServer) -> None:
    server.handler.replies["RCPT"] = ["550 5.1.1 No such user"]
    run = arrives(live(mailing()), small())

    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "550: ada@example.com was refused: 5.1.1 No such user" in run.reason


@pytest.mark.parametrize("code", [500, 502, 504])
def test_a_code_of_a_mail_server_is_no_unknown_outcome(
    live: Any, walkers: WalkThreads, server: SmtpServer, code: int
) -> None:
    server.handler.replies["DATA"] = [f"{code} no"]
    run = arrives(live(mailing()), small())

    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.FAILED


def test_a_refused_sign_in_holds_the_run(live: Any, walkers: WalkThreads, server: SmtpServer) -> None:
    server.handler.replies["MAIL"] = ["535 5.7.8 wrong password"]
    run = arrives(live(mailing()), small())

    work(walkers=walkers)

    run.refresh_from_db()
    assert (run.state, run.held_by) == (RunState.HELD, HeldBy.CREDENTIAL)
    assert server.handler.envelopes == []


def test_a_mail_that_may_have_been_sent_is_held_for_a_person(
    live: Any, walkers: WalkThreads, server: SmtpServer
) -> None:
    server.handler.replies["DATA"] = ["drop"]
    run = arrives(live(mailing()), small())

    work(walkers=walkers)
    again(run, walkers)

    assert (run.state, run.held_by) == (RunState.HELD, HeldBy.UNKNOWN)
    assert "handed over" in run.reason
    assert len(server.handler.envelopes) == 1


def test_a_connection_that_breaks_before_the_end_is_tried_again(
    live: Any, walkers: WalkThreads, server: SmtpServer
) -> None:
    server.handler.replies["RCPT"] = ["drop"]
    run = arrives(live(mailing()), small())
    work(walkers=walkers)
    run.refresh_from_db()
    state = run.state

    again(run, walkers)

    assert (state, run.state) == (RunState.WAITING, RunState.SUCCEEDED)
    assert len(server.handler.envelopes) == 1


def test_a_password_is_not_sent_in_the_clear(
    workspace: Workspace, live: Any, walkers: WalkThreads, server: SmtpServer
) -> None:
    values = {
        "host": "127.0.0.1",
        "port": str(server.port),
        "security": "none",
        "user": "u",
        "password": "hunter2hunter2",
    }
    connections.set_connection(workspace, "box", "mail", {**values, "from": "shop@example.com"})
    run = arrives(live(mailing()), small())

    work(walkers=walkers)

    run.refresh_from_db()
    assert run.state == RunState.FAILED
    assert "need an encrypted connection" in run.reason
    assert "hunter2" not in str(list(Attempt.objects.values()))


def test_a_dry_run_shows_the_mail(workspace: Workspace, server: SmtpServer) -> None:
    event = EventData(1, "POST", "", "{}", FORM, small(), 0)
    box = workspace.connections.get()

    seen = dry_run(mailing(), event, DryRunContext("F", connections={"box": box}))
    bare = dry_run(mailing(), event, DryRunContext("F", is_bare=True))

    assert seen["state"] == "succeeded", seen["reason"]
    request = seen["steps"][0]["request"]
    assert request["method"] == "SEND"
    assert request["headers"]["Subject"] == "Order POST"
    assert request["headers"]["From"] == "Shop <shop@example.com>"
    assert f"[a.pdf, {len(PDF)} bytes]" in request["body"]
    assert bare["steps"][0]["request"]["headers"]["Subject"] == "Order POST"
    assert server.handler.envelopes == []
