"""Tests that each alert is sent once, to the alert flow and by mail, despite crashes and failing mail servers."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from pytest_httpserver import HTTPServer

from relay.engine.alerts import alerts, issues
from relay.engine.alerts.alert_mail import LEASE, MAX_DELAY, AlertMailer
from relay.engine.configuration import connections, flow_lifecycle
from relay.engine.database import statements
from relay.engine.settle.issue_counting import ALERT_DELAY
from relay.engine.upkeep import tick
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.errors import RelayError
from relay.models import AuditEntry, Event, Flow, Issue, Membership, Role, Run, RunState, User, Workspace
from tests.engine.alerts.test_issues import FAILED, orders, refusing
from tests.engine.conftest import posting
from tests.engine.flow_control.test_circuit_breaker import CARD, KEYS, sending_to
from tests.support.issues import issue_of
from tests.support.mailserver import MailServer
from tests.support.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

Made = Callable[..., Issue]


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A mail server that Relay is configured to use."""
    with MailServer() as running:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{running.port}"
        settings.EMAIL_BACKEND = "relay.engine.people.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running.port
        yield running


@pytest.fixture
def flow(live: Any) -> Flow:
    return live({**posting("http://127.0.0.1:9/"), "name": "Orders"})


@pytest.fixture
def made(flow: Flow) -> Made:
    """Make issues whose alerts are due."""
    return lambda number=1, **changes: issue_of(flow, number, **changes)


def look(at: int = 0) -> AlertMailer:
    """Run one upkeep that sends the due alerts and waits for its mail, whose result it has not stored yet."""
    now = at or statements.now()
    alerts.send_due(now)
    postman = AlertMailer()
    postman.tick(now)
    if postman._mail is not None and postman._mail.thread is not None:
        postman._mail.thread.join(10)
    return postman


# By mail


def test_a_burst_is_one_mail_with_its_whole_number(
    owner: User, live, arrive, destination: HTTPServer, server: MailServer, walkers: WalkThreads
) -> None:
    arrive(live({**refusing(destination), "name": "Orders"}), *orders(500))
    while Run.objects.filter(state=RunState.QUEUED).exists():
        work(walkers=walkers)
    early = alerts.send_due(statements.now() - ALERT_DELAY)

    look(statements.now() + ALERT_DELAY).finish()
    look(statements.now() + ALERT_DELAY + LEASE).finish()

    (mail,) = server.mails
    text = " ".join(mail.get_content().split())
    assert early == 0
    assert mail["To"] == owner.email
    assert mail["Subject"].strip().startswith("500 failures in “Orders”: localhost says unknown order #")
    assert "“Orders”, step “send” localhost says unknown order" in text
    assert re.search(r"500 failures, (at|from) 20", text)
    assert "Fix the step or the service, then replay these runs." in text
    assert f"http://127.0.0.1:8000/issues/{Issue.objects.get().ref}/" in text


def test_owners_and_editors_get_it(workspace: Workspace, owner: User, made: Made, server: MailServer) -> None:
    for role in (Role.EDITOR, Role.VIEWER):
        user = User.objects.create_user(f"{role}@example.com", "correct horse battery")
        Membership.objects.create(workspace=workspace, user=user, role=role)
    gone = User.objects.create_user("gone@example.com", "correct horse battery", is_active=False)
    Membership.objects.create(workspace=workspace, user=gone)
    made()

    look().finish()

    assert [mail["To"] for mail in server.mails] == ["owner@example.com, editor@example.com"]


def test_many_issues_are_one_mail(owner: User, made: Made, server: MailServer) -> None:
    for number in range(1, 34):
        made(number)

    look().finish()

    (mail,) = server.mails
    text = mail.get_content()
    assert mail["Subject"] == "33 issues in Acme: 1,221 runs failed or are held"
    assert text.count("Slack says no_") == 30
    assert "And 3 more: http://127.0.0.1:8000/issues/" in text
    assert not Issue.objects.filter(mail_at__isnull=False).exists()


def test_workspaces_get_mails_of_their_own(
    workspace: Workspace, owner: User, made: Made, server: MailServer, flow: Flow
) -> None:
    other = Workspace.objects.create(name="Elsewhere")
    Membership.objects.create(workspace=other, user=User.objects.create_user("bob@example.com", "correct horse"))
    made(1)
    made(2, workspace=other)
    service = alerts.Alerts()

    wait_until(lambda: (service.tick(), len(server.mails) == 2)[1])

    assert sorted(mail["To"] for mail in server.mails) == ["bob@example.com", "owner@example.com"]
    service.finish()


def test_a_server_that_refuses_is_asked_again_ever_later(
    owner: User, made: Made, server: MailServer, capfd: Any
) -> None:
    made()
    server.refuses = True
    waits, now = [], statements.now()
    for _ in range(9):
        postman = look(now)
        postman._is_done(postman._mail, now) if postman._mail else None
        (mail_at,) = statements.fetch("SELECT mail_at FROM relay_issue")[0]
        waits.append((mail_at - now) // 60_000_000)
        now = mail_at
    server.refuses = False

    look(now).finish()

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert "alert.mail_waits" in capfd.readouterr().err
    assert len(server.mails) == 1
    assert list(Issue.objects.values_list("mail_at", "mail_tries")) == [(None, 0)]


def test_a_server_that_hangs_holds_nobody_up(owner: User, made: Made, server: MailServer) -> None:
    made()
    server.answers.clear()

    tick.once()
    tick.once()
    is_waiting = not server.mails and Issue.objects.get().mail_at is not None
    server.answers.set()
    wait_until(lambda: (tick.once(), Issue.objects.get().mail_at is None)[1])

    assert is_waiting
    assert len(server.mails) == 1


def test_who_hangs_for_long_is_not_overtaken(owner: User, made: Made, server: MailServer) -> None:
    made()
    server.answers.clear()
    now = statements.now()
    alerts.send_due(now)
    first, second = AlertMailer(), AlertMailer()
    first.tick(now)

    for later in range(1, 6):
        first.tick(now + later * LEASE * 2 // 3)
        second.tick(now + later * LEASE * 2 // 3)
    server.answers.set()
    first.finish()

    assert second._mail is None
    assert len(server.mails) == 1
    assert Issue.objects.get().mail_at is None


def test_who_dies_before_it_is_noted_sends_it_twice_and_not_more(owner: User, made: Made, server: MailServer) -> None:
    made()
    now = statements.now()
    look(now)  # and dies

    early = look(now + LEASE - 1)
    look(now + LEASE).finish()
    look(now + 3 * LEASE).finish()

    assert early._mail is None
    assert len(server.mails) == 2


def test_two_upkeeps_send_it_once(owner: User, made: Made, server: MailServer, alert_flow: Flow) -> None:
    for number in range(1, 21):
        made(number)
    start = threading.Barrier(2)

    def keep_up() -> None:
        service = alerts.Alerts()
        start.wait(10)
        service.tick()
        service.finish()
        connection.close()

    threads = [threading.Thread(target=keep_up) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    told = [word for mail in server.mails for word in mail.get_content().split() if word.startswith("no_")]
    assert sorted(told) == sorted(f"no_{number}" for number in range(1, 21))
    assert Event.objects.filter(flow=alert_flow).count() == 20


@pytest.mark.parametrize("verb", [issues.resolve, issues.mute])
def test_what_a_person_has_dealt_with_is_not_told(verb: Any, owner: User, made: Made, server: MailServer) -> None:
    server.refuses = True
    verb(made(1))
    told = made(2)
    look().finish()
    verb(told)
    server.refuses = False

    look(statements.now() + MAX_DELAY).finish()

    assert server.mails == []


def test_what_is_over_by_itself_is_told_as_over(owner: User, made: Made, server: MailServer) -> None:
    made(state="resolved")

    look().finish()

    assert "It has been resolved meanwhile: nothing is left to do." in " ".join(server.mails[0].get_content().split())


def test_a_clock_that_was_set_back_puts_no_alert_off(owner: User, made: Made, server: MailServer) -> None:
    made(1, alert_at=statements.now() + 3_600_000_000)
    made(2, alert_at=None, mail_at=statements.now() + 3 * MAX_DELAY)

    look().finish()

    assert "2 issues" in server.mails[0]["Subject"]


def test_without_a_server_nothing_waits_for_one(owner: User, made: Made) -> None:
    made()

    look().finish()

    issue = Issue.objects.get()
    assert (issue.alert_at, issue.mail_at) == (None, None)
    assert issue.alerted_at is not None


def test_a_workspace_of_viewers_gets_none(workspace: Workspace, made: Made, server: MailServer) -> None:
    made()

    look().finish()

    assert server.mails == []
    assert Issue.objects.get().mail_at is None


# To a flow


@pytest.fixture
def alert_flow(workspace: Workspace, live: Any, destination: HTTPServer) -> Flow:
    """An alert flow that posts its events to /slack."""
    destination.expect_request("/slack").respond_with_data("ok")
    text = "{{ event.body.flow.name }}: {{ event.body.count }} times {{ event.body.cause }}"
    document = posting(destination.url_for("/slack"), **FAILED)
    document["steps"][0]["inputs"]["body"] = {"json": {"text": text}}
    # The trigger's request verification doesn't apply to alerts.
    asks = {"verify": {"scheme": "header", "header": "X-Token"}, "dedupe": {"key": "{{ event.body.kind }}"}}
    chosen: Flow = live({**document, "name": "Alerts", "trigger": {"kind": "webhook", **asks}})
    alerts.set_alert_flow(workspace, chosen)
    return chosen


def test_a_flow_is_told_as_if_somebody_had_called_it(
    made: Made, alert_flow: Flow, walkers: WalkThreads, destination: HTTPServer
) -> None:
    issue = made(3)
    made(4)

    alerts.send_due(statements.now())
    work(walkers=walkers)

    texts = sorted(request.get_json()["text"] for request, _ in destination.log)
    assert texts == ["Orders: 37 times Slack says no_3", "Orders: 37 times Slack says no_4"]
    event = Event.objects.filter(flow=alert_flow).order_by("pk")[0]
    assert (event.method, event.remote) == ("ALERT", "alert")
    assert statements.fetch("SELECT count(*) FROM relay_event")[0][0] == 2
    assert alerts.send_due(statements.now()) == 0
    assert Issue.objects.get(pk=issue.pk).alerted_at is not None


def test_an_event_says_all_of_an_issue(made: Made, flow: Flow, alert_flow: Flow) -> None:
    from msgspec import json

    issue = made(3, first_at=1_772_359_200_000_000, last_at=1_772_359_260_000_000)

    alerts.send_due(statements.now())

    assert json.decode(bytes(Event.objects.get().body)) == {
        "kind": "failed",
        "flow": {"id": flow.pk, "name": "Orders"},
        "step": "send",
        "step_name": "Tell Slack",
        "cause": "Slack says no_3",
        "reason": "The answer was 200: no",
        "advice": "Fix the step or the service, then replay these runs.",
        "count": 37,
        "first_at": "2026-03-01T10:00:00.000Z",
        "last_at": "2026-03-01T10:01:00.000Z",
        "run": "0000000000007",
        "issue": issue.ref,
        "workspace": "Acme",
        "url": f"http://127.0.0.1:8000/issues/{issue.ref}/",
    }


def test_the_alert_flow_is_not_told_of_its_own_failures(
    owner: User, made: Made, alert_flow: Flow, walkers: WalkThreads, destination: HTTPServer, server: MailServer
) -> None:
    destination.clear()
    destination.expect_request("/slack").respond_with_data("no_service", status=404)
    made()
    alerts.send_due(statements.now())
    work(walkers=walkers)
    failed = Issue.objects.get(flow=alert_flow)

    look(statements.now() + ALERT_DELAY).finish()

    assert failed.alert_at is not None
    assert Event.objects.filter(flow=alert_flow).count() == 1
    assert any("localhost says no_service (404)" in mail.get_content() for mail in server.mails)


def test_an_alert_flow_that_is_paused_keeps_what_it_is_told(made: Made, alert_flow: Flow) -> None:
    flow_lifecycle.pause(alert_flow)
    made()

    alerts.send_due(statements.now())

    assert Run.objects.get(flow=alert_flow).state == RunState.HELD


def test_an_alert_flow_that_is_removed_is_none(
    owner: User, made: Made, alert_flow: Flow, workspace: Workspace, server: MailServer
) -> None:
    flow_lifecycle.delete(alert_flow)
    made()

    look().finish()

    workspace.refresh_from_db()
    assert workspace.alert_flow_id is None
    assert len(server.mails) == 1


def test_what_a_flow_can_not_take_is_mailed_all_the_same(
    owner: User, made: Made, alert_flow: Flow, server: MailServer, settings: Any, capfd: Any
) -> None:
    settings.MAX_BYTES = 10
    made()

    look().finish()

    assert Event.objects.count() == 0
    assert "alert.event_not_sent" in capfd.readouterr().err
    assert len(server.mails) == 1


SCHEDULE = {"kind": "schedule", "every": "1h"}


def test_some_flows_can_not_be_told(workspace: Workspace, live: Any) -> None:
    draft = flow_lifecycle.import_document(workspace, posting("http://e.com/"))
    clock = live({**posting("http://e.com/"), "trigger": SCHEDULE})
    foreign = flow_lifecycle.import_document(
        Workspace.objects.create(name="B"), posting("http://e.com/"), publish_it=True
    )

    for flow, why in ((draft, "is a draft"), (clock, "starts on a schedule"), (foreign, "in another workspace")):
        with pytest.raises(RelayError, match=why):
            alerts.set_alert_flow(workspace, flow)


def test_who_is_told_is_in_the_audit_log(workspace: Workspace, alert_flow: Flow) -> None:
    alerts.set_alert_flow(workspace, None)

    noted = AuditEntry.objects.filter(verb="workspace.alert_flow").order_by("id").values_list("change", flat=True)
    assert list(noted) == ["Alerts go to “Alerts”", "Alerts go to no flow"]


def test_no_secret_is_told(
    workspace: Workspace,
    owner: User,
    live: Any,
    arrive: Any,
    walkers: WalkThreads,
    destination: HTTPServer,
    server: MailServer,
    alert_flow: Flow,
) -> None:
    destination.expect_request("/1/cards").respond_with_data(f"no board for {KEYS['token']}", status=404)
    walkers._sender = sending_to(destination, "https://api.trello.com")
    connections.set_connection(workspace, "Board", "trello", KEYS)
    arrive(live({**posting(""), "steps": [CARD]}))
    work(walkers=walkers)

    look(statements.now() + ALERT_DELAY).finish()

    (mail,) = server.mails
    told = mail.get_content() + mail["Subject"] + bytes(Event.objects.get(flow=alert_flow).body).decode()
    assert "Trello says no board for ••••••" in told
    assert KEYS["token"] not in told


def test_what_fails_in_a_row_is_told_in_the_next_mail(owner: User, made: Made, server: MailServer) -> None:
    postman, now = AlertMailer(), statements.now()
    for number in range(1, 5):
        made(number)
        alerts.send_due(statements.now())
        postman.tick(now + number * 10_000_000)
        wait_until(lambda: not [one for one in threading.enumerate() if one.name == "mail"])
    early = len(server.mails)

    postman.tick(now + 80_000_000)
    postman.finish()

    assert early == 1
    assert [mail["Subject"].strip()[:8] for mail in server.mails] == ["37 failu", "3 issues"]
