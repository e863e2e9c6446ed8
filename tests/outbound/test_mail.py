"""Mails over real SMTP: TLS, sign-in, refusals, and connections that break at every point."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from relay.errors import ConnectFailed, ConnectionLost, DeadlinePassed, DeliveryError, RequestRefused
from relay.outbound import FilePart, Mail, Request, Sender
from tests.support.certificates import with_private_ca
from tests.support.smtp_server import PASSWORD, USER, SmtpServer

TEXT = b"Subject: Hi\r\nMessage-ID: <1@example.com>\r\n\r\n.one\r\n..two\r\nend\r\n"


Parts = tuple[bytes | FilePart, ...]


def sender(ca_file: Path | None = None, **more: object) -> Sender:
    return Sender(allowed_networks=("127.0.0.0/8",), timeout=5.0, ca_file=str(ca_file) if ca_file else None)


def mail(
    port: int, *, host: str = "127.0.0.1", parts: tuple[bytes | FilePart, ...] = (TEXT,), **more: object
) -> Request:
    values = {"security": "none", "user": "", "password": "", "recipients": ("ada@example.com",), **more}
    inner = Mail(host=host, port=port, sender="shop@example.com", message_id="<1@example.com>", parts=parts, **values)  # type: ignore[arg-type]
    return Request("SEND", f"smtp://{host}:{port}", mail=inner, replayable=False)


def test_a_mail_arrives_as_it_was_written() -> None:
    with SmtpServer() as server:
        answer = sender().send(mail(server.port, recipients=("a@example.com", "b@example.com")))

    (envelope,) = server.handler.envelopes
    assert answer.status == 250
    assert b"queued as 4F1" in answer.body
    assert (envelope.mail_from, envelope.rcpt_tos) == ("shop@example.com", ["a@example.com", "b@example.com"])
    assert envelope.original_content == TEXT


def test_a_file_is_sent_as_base64_piece_by_piece() -> None:
    content = os.urandom(300_001)
    pieces = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    file = FilePart(len(content), lambda: iter(pieces))
    head = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"

    with SmtpServer() as server:
        sender().send(mail(server.port, parts=(head, file)))

    (received,) = server.handler.mails
    assert received.get_content() == content


@pytest.mark.parametrize("security", ["STARTTLS", "TLS"])
def test_tls_is_verified_and_a_user_signs_in(security: str, tmp_path: Path) -> None:
    with_private_ca(tmp_path)
    certificate, authority = tmp_path / "server.pem", tmp_path / "own-ca.pem"
    right = {"security": security, "user": USER, "password": PASSWORD, "host": "localhost"}
    with SmtpServer(certificate, is_tls=security == "TLS", needs_user=True) as server:
        answer = sender(authority).send(mail(server.port, **right))
        wrong = sender(authority).send(mail(server.port, **{**right, "password": "wrong"}))
        with pytest.raises(ConnectFailed, match="certificate of localhost isn't valid"):
            sender().send(mail(server.port, **right))

    assert (answer.status, wrong.status) == (250, 535)
    assert len(server.handler.envelopes) == 1


def test_no_password_is_sent_without_tls() -> None:
    with SmtpServer() as server, pytest.raises(RequestRefused, match="no STARTTLS"):
        sender().send(mail(server.port, security="STARTTLS", user=USER, password=PASSWORD))

    assert server.handler.envelopes == []


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", ["451 4.3.0 Try later", "550 5.1.1 No such user", "421 Closing"])
def test_a_refusal_is_an_answer_and_nothing_is_sent(command: str, reply: str) -> None:
    with SmtpServer() as server:
        server.handler.replies[command] = [reply]
        answer = sender().send(mail(server.port))

    assert answer.status == int(reply[:3])
    assert reply[4:] in answer.body.decode()
    assert server.handler.envelopes == []


def test_one_refused_recipient_is_no_mail_to_the_others() -> None:
    with SmtpServer() as server:
        server.handler.replies["RCPT"] = ["250 OK", "550 unknown"]
        answer = sender().send(mail(server.port, recipients=("a@example.com", "b@example.com")))

    assert answer.status == 550
    assert "b@example.com was refused" in answer.body.decode()
    assert server.handler.envelopes == []


def test_an_answer_without_end_is_not_kept_in_memory() -> None:
    sent = 0

    def serve() -> None:
        nonlocal sent
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            while True:
                sent += connection.send(b"220-" + b"x" * 500 + b"\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        with pytest.raises(ConnectFailed, match="broke before the mail was handed over"):
            sender().send(mail(listening.getsockname()[1]))
        thread.join(5)

    assert not thread.is_alive()
    assert sent < 20_000_000


@contextmanager
def scripted(*replies: bytes, then: str = "close") -> Iterator[int]:
    """A server that sends each reply to a line that comes, and then closes, or stays silent."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            for number, reply in enumerate(replies):
                if number:
                    line = lines.readline()
                    while reply == b"END" and line != b".\r\n":
                        line = lines.readline()
                if reply != b"END":
                    connection.sendall(reply)
            if then == "drip":
                while not over.wait(0.1):
                    try:
                        connection.sendall(b"2")
                    except OSError:
                        return
            elif then == "silent":
                over.wait(20)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        over.set()
        thread.join(5)
        listening.close()


HELLO = (b"220 here\r\n", b"250 here\r\n")
READY = (*HELLO, b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n", b"END")


@pytest.mark.parametrize(
    ("replies", "then", "error"),
    [
        ((b"",), "close", ConnectFailed),
        pytest.param((b"",), "drip", ConnectFailed, marks=pytest.mark.exhaustive),
        ((b"rubbish\r\n" * 10_000,), "close", ConnectFailed),
        (HELLO, "close", ConnectFailed),
        pytest.param(HELLO, "silent", ConnectFailed, marks=pytest.mark.exhaustive),
        ((*HELLO, b"250 ok\r\n", b"250 ok\r\n"), "close", ConnectFailed),
        (READY, "close", ConnectionLost),
        (READY, "silent", DeadlinePassed),
        pytest.param(READY, "drip", DeadlinePassed, marks=pytest.mark.exhaustive),
    ],
)
def test_only_a_mail_that_was_handed_over_may_have_arrived(
    replies: tuple[bytes, ...], then: str, error: type[DeliveryError]
) -> None:
    started = time.monotonic()
    with scripted(*replies, then=then) as port, pytest.raises(error) as caught:
        sender().send(mail(port), timeout=1.5)

    assert caught.value.sent == (error is not ConnectFailed)
    assert time.monotonic() - started < 10


def test_a_file_that_breaks_off_sends_nothing() -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * 100_000
        raise ConnectFailed("gone")

    with SmtpServer() as server, pytest.raises(ConnectFailed, match="gone"):
        sender().send(mail(server.port, parts=(TEXT, FilePart(200_000, broken))))

    assert server.handler.envelopes == []


@pytest.mark.parametrize(
    ("host", "port"),
    [("10.0.0.1", 25), ("169.254.169.254", 25), ("localhost", 25), ("127.0.0.1", 6379), ("a b", 25), ("a/b", 25)],
)
def test_a_mail_server_is_guarded_as_any_host(host: str, port: int) -> None:
    networks = ("127.0.0.0/8",) if port == 6379 else ()

    with pytest.raises(RequestRefused):
        Sender(allowed_networks=networks).send(mail(port, host=host), timeout=2.0)
