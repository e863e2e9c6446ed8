"""Tests the test of a connection: whom it is connected as, or what is wrong, and what is stored of it."""

from __future__ import annotations

import contextlib
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from relay.connectors import registry
from relay.connectors.definition import Call, ConnectionTest, Connector
from relay.engine import http_client
from relay.engine.configuration import connection_state, connections
from relay.engine.configuration.connection_state import ConnectionState
from relay.engine.flow_control import circuit_breaker
from relay.engine.flow_control.limiter import SendTarget
from relay.engine.service_calls import connection_test
from relay.models import Connection, Workspace
from tests.support import certificates
from tests.support.service_double import SECRET, TRELLO, ServiceDouble, acme, answer, connect
from tests.support.smtp_server import PASSWORD, USER, SmtpServer

IDENTITY = "{{ body.user.name }}"


@pytest.fixture
def _acme(monkeypatch: pytest.MonkeyPatch) -> Connector:
    """The connector Acme, as if the catalog had it."""
    connector = acme(test=ConnectionTest(Call("me", "Me", url="/me"), identity=IDENTITY))
    monkeypatch.setattr(registry, "connector", lambda key: connector)
    return connector


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"user": {"name": "relay-bot"}}, "Connected to Acme as relay-bot"),
        ({"user": {"name": f"bot {SECRET}"}}, "Connected to Acme as bot ••••••"),
        ({"user": {"name": "<b>\n x</b>"}}, "Connected to Acme as <b> x</b>"),
        ({"user": {"name": "x" * 300}}, f"Connected to Acme as {'x' * 199}…"),
        ({"user": {"name": 7}}, "Connected to Acme as 7"),
        ({"user": {}}, "Connected to Acme"),
        ([], "Connected to Acme"),
        ("", "Connected to Acme"),
    ],
)
@pytest.mark.usefixtures("_acme")
def test_it_says_whom_it_is_tested_as(service: ServiceDouble, connection: Connection, body: Any, message: str) -> None:
    service.answers["/me"] = answer(body)

    report = connection_test.run(connection)

    assert (report.works, report.message) == (True, message)
    stored = Connection.objects.get()
    assert stored.tested_as == report.identity == message.removeprefix("Connected to Acme").removeprefix(" as ")
    assert stored.tested_at == stored.succeeded_at is not None
    assert connection_state.status(stored).state is ConnectionState.WORKS
    assert stored.changed_at == connection.changed_at


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (answer({"message": f"{SECRET}?"}, 401), "Acme refuses the credential. The answer was 401: ••••••?"),
        (
            answer({"message": "scope x is missing"}, 403),
            "may lack a permission. The answer was 403: scope x is missing",
        ),
        (answer("not json", 500), "Acme has a problem of its own"),
        (Response("", 301, {"Location": "http://169.254.169.254/"}), "redirects are not followed"),
    ],
)
@pytest.mark.usefixtures("_acme")
def test_it_says_what_is_wrong(service: ServiceDouble, connection: Connection, given: Response, message: str) -> None:
    service.answers["/me"] = given

    report = connection_test.run(connection)

    assert not report.works
    assert message in report.message
    stored = Connection.objects.get()
    assert stored.test_error == report.message
    assert (stored.succeeded_at, stored.tested_as) == (None, "")
    assert connection_state.status(stored).state is ConnectionState.FAILS
    assert SECRET not in report.message


@pytest.mark.usefixtures("_acme")
def test_a_host_that_is_away_and_a_private_one(service: ServiceDouble, connection: Connection, settings: Any) -> None:
    settings.CONNECTOR_URLS = {"https://api.acme.example": "http://127.0.0.1:9"}
    settings.OUTBOUND_PORTS = ["9"]
    assert "Acme could not be reached" in connection_test.run(connection).message

    from relay.engine import http_client

    http_client.list_sender.cache_clear()
    settings.ALLOWED_NETWORKS = []
    assert "The request was not sent" in connection_test.run(connection).message


def test_a_lost_key(service: ServiceDouble, workspace: Workspace) -> None:
    connection = connect(workspace, "trello", "Trello", **TRELLO)
    Connection.objects.update(sealed=b"damaged")
    connection.refresh_from_db()

    report = connection_test.run(connection)

    assert not report.works
    assert "enter its fields again under Connections" in report.message
    assert service.requests == []


def test_a_service_without_a_test(workspace: Workspace) -> None:
    connection = connect(workspace, "http", "Any", signing_secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")

    report = connection_test.run(connection)

    assert (report.works, report.is_known) == (False, False)
    assert Connection.objects.get().tested_at is None


def test_a_test_of_former_values_is_dropped(service: ServiceDouble, workspace: Workspace) -> None:
    connections.set_connection(workspace, "Trello", "trello", TRELLO)
    under_test = Connection.objects.get()
    connections.set_connection(workspace, "Trello", "trello", {**TRELLO, "token": "0" * 16})
    service.answers["/1/members/me"] = answer({"fullName": "Ada"})

    assert connection_test.run(under_test).works
    assert Connection.objects.get().tested_at is None


@pytest.mark.parametrize(
    ("key", "values", "path", "body", "message"),
    [
        ("trello", TRELLO, "/1/members/me", {"fullName": "Ada", "username": "a"}, "Connected to Trello as Ada"),
        ("trello", TRELLO, "/1/members/me", {"fullName": "", "username": "a"}, "Connected to Trello as a"),
        (
            "hubspot",
            {"token": "pat-eu1-0a1b2c3d"},
            "/account-info/v3/details",
            {"portalId": 62515},
            "Connected to HubSpot as account 62515",
        ),
    ],
)
def test_the_services_of_the_catalog(
    service: ServiceDouble, workspace: Workspace, key: str, values: dict[str, str], path: str, body: Any, message: str
) -> None:
    service.answers[path] = answer(body)
    connection = connections.set_connection(workspace, "One", key, values)

    assert connection_test.run(connection).message == message
    sent = service.requests[0]
    assert all(value in f"{sent.full_path} {sent.headers}" for value in values.values())


def test_a_test_that_succeeds_releases_held_runs(service: ServiceDouble, workspace: Workspace) -> None:
    connection = connections.set_connection(workspace, "Trello", "trello", TRELLO)
    for name in ("Trello", "Other"):
        circuit_breaker.hold_refused(SendTarget(workspace.pk, "https://api.trello.com", name), "The answer was 401")

    assert not connection_test.run(connection).works
    assert connection_state.status(connection).state is ConnectionState.REFUSED
    service.answers["/1/members/me"] = answer({"fullName": "Ada"})
    assert connection_test.run(connection).works

    assert connection_state.status(connection).state is ConnectionState.WORKS
    assert list(circuit_breaker.held_connections(workspace)) == ["Other"]


def test_states(workspace: Workspace) -> None:
    connection = connections.set_connection(workspace, "Trello", "trello", TRELLO)
    target = SendTarget(workspace.pk, "https://api.trello.com", "Trello")
    seen = [connection_state.status(connection).state]
    circuit_breaker.hold_refused(target, "The answer was 401: invalid key")
    seen.append(connection_state.status(connection).state)
    assert connection_state.status(connection).reason == "The answer was 401: invalid key"
    circuit_breaker.hold_locked(circuit_breaker.connection_target(workspace.pk, "Trello"), "lost")
    seen.append(connection_state.status(connection).state)

    assert seen == [ConnectionState.UNTESTED, ConnectionState.REFUSED, ConnectionState.LOCKED]


MAIL = {"host": "127.0.0.1", "security": "none"}


def mail_report(workspace: Workspace, port: int, **values: str) -> connection_test.ConnectionReport:
    return connection_test.run(
        connections.set_connection(workspace, "box", "mail", {**MAIL, "port": str(port), **values})
    )


def test_a_mail_server_without_a_user(workspace: Workspace, settings: Any) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    http_client.list_sender.cache_clear()
    with SmtpServer() as server:
        report = mail_report(workspace, server.port)
        assert (report.works, report.message) == (True, "Connected to E-mail (SMTP)")
        refused = mail_report(workspace, server.port, user=USER, password=PASSWORD)
        no_tls = mail_report(workspace, server.port, security="STARTTLS")

    assert server.handler.envelopes == []
    assert "need an encrypted connection" in refused.message
    assert "offers no STARTTLS" in no_tls.message
    gone = mail_report(workspace, server.port)
    assert gone.message.startswith("E-mail (SMTP) could not be reached: ")
    assert connection_state.status(Connection.objects.get()).state is ConnectionState.FAILS


@pytest.mark.parametrize("security", ["STARTTLS", "TLS"])
def test_a_mail_server_signs_in(workspace: Workspace, settings: Any, tmp_path: Path, security: str) -> None:
    certificates.with_private_ca(tmp_path)
    settings.CA_FILE = str(tmp_path / "own-ca.pem")
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8", "::1/128"]
    http_client.list_sender.cache_clear()
    with SmtpServer(tmp_path / "server.pem", is_tls=security == "TLS", needs_user=True) as server:
        options = {"host": "localhost", "security": security, "user": USER}
        good = mail_report(workspace, server.port, password=PASSWORD, **options)
        wrong = mail_report(workspace, server.port, password="guessed", **options)

    assert (good.works, good.message, good.identity) == (True, f"Connected to E-mail (SMTP) as {USER}", USER)
    assert wrong.message.startswith("E-mail (SMTP) refuses the credential. The mail server answered 535")
    assert "guessed" not in wrong.message
    assert server.handler.envelopes == []


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([b"554 go away\r\n"], "E-mail (SMTP): The mail server answered 554: go away"),
        ([b"220 hi\r\n", b"250 hi\r\n", b"421 later\r\n"], "E-mail (SMTP): The mail server answered 421: later"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "it may not be a mail server"),
        ([b"220 hi\r\n", b"250 hi\r\n", b""], "it may not be a mail server"),
        ([b"220-" + b"x" * 200 + b"\r\n"] * 2000, "it may not be a mail server"),
        ([], "didn't answer in time"),
    ],
)
def test_hostile_mail_servers(workspace: Workspace, settings: Any, said: list[bytes], message: str) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    settings.HTTP_TIMEOUT = 1.0 if not said else 8.0
    http_client.list_sender.cache_clear()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=talk, args=(server, said), daemon=True).start()
        report = mail_report(workspace, server.getsockname()[1])

    assert message in report.message
    assert not report.works


def talk(server: socket.socket, said: list[bytes]) -> None:
    """Say each text as the answer to a command, and end the connection at an empty one, or after the last."""
    with contextlib.suppress(OSError), server.accept()[0] as peer:
        for number, text in enumerate(said):
            if number and not said[0].startswith(b"220-"):
                peer.recv(1_000)
            if not text:
                return
            peer.sendall(text)
        if not said:
            peer.recv(1_000)


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "localhost", "10.0.0.1"])
def test_a_mail_server_in_a_network_that_may_not_be_called(workspace: Workspace, settings: Any, host: str) -> None:
    settings.ALLOWED_NETWORKS = []
    http_client.list_sender.cache_clear()

    report = mail_report(workspace, 25, host=host)

    assert report.message.startswith("The request was not sent: ")


def test_http_says_what_was_answered(workspace: Workspace, service: ServiceDouble) -> None:
    url = f"{service.origin}/health"
    values = {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI", "test_url": url}
    row = connections.set_connection(workspace, "Any", "http", values)
    service.answers["/health"] = answer({"ok": True})

    good = connection_test.run(row)
    assert (good.works, good.message, row.tested_as) == (True, f"{url} answered 200", "")
    (request,) = service.requests
    assert request.method == "GET"
    assert not [name for name, _ in request.headers if name.lower().startswith("webhook-")]

    service.answers["/health"] = answer({"message": "gone"}, 404)
    bad = connection_test.run(row)
    assert (bad.works, bad.message) == (
        False,
        'HTTP did not do what it was asked. The answer was 404: {"message": "gone"}',
    )
    values["test_url"] = "http://169.254.169.254/latest/meta-data/"
    inside = connection_test.run(connections.set_connection(workspace, "Any", "http", values))
    assert inside.message.startswith("The request was not sent: ")


def test_http_has_nothing_to_test_without_a_url(workspace: Workspace, service: ServiceDouble) -> None:
    row = connections.set_connection(workspace, "Any", "http", {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI"})

    report = connection_test.run(row)

    assert (report.is_known, report.works) == (False, False)
    assert report.message == "There is nothing to test: the connection has no URL for the test"
    assert service.requests == []
    assert connection_state.status(row).state is ConnectionState.UNTESTED
