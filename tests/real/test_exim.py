"""Debian's Exim takes what `mail.send` sends: TLS, sign-in, several recipients, files, and its refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from tests.real.exim import LARGEST, PASSWORD, USER, Exim
from tests.real.flows_of_relay import Flow
from tests.support.running import Relay, wait_until

PDF = b"%PDF-1.7\r\n.\r\n" + bytes(range(256)) * 40
TEXT = "Grüße aus Köln\n.\n..\n.QUIT\n" + "ä" * 2000 + "\nFrom here on"


@pytest.fixture(scope="module")
def exim() -> Iterator[Exim]:
    running = Exim()
    try:
        yield running.start()
    finally:
        running.remove()


@pytest.fixture(scope="module")
def relay(prepared: Path, exim: Exim) -> Iterator[Relay]:
    """A Relay that trusts the CA of this Exim, with a connection for each encryption and one with a wrong password."""
    running = Relay(RELAY_ALLOWED_NETWORKS="127.0.0.0/8", RELAY_CA_FILE=str(exim.authority)).with_account(prepared)
    try:
        running.start()
        values = {"host": "localhost", "user": USER, "password": PASSWORD, "from": "Größe & Co <shop@example.com>"}
        for name, security, port, more in (
            ("STARTTLS", "STARTTLS", exim.port, {}),
            ("TLS", "TLS", exim.tls_port, {}),
            ("wrong", "STARTTLS", exim.port, {"password": "another"}),
            ("nobody", "STARTTLS", exim.port, {"user": "", "password": ""}),
        ):
            given = {**values, "security": security, "port": str(port), **more}
            running.command("connection", "set", name, "mail", given=json.dumps(given))
        yield running
    finally:
        running.remove()


def mailing(relay: Relay, connection: str, **inputs: Any) -> Flow:
    values = {"to": "ada@example.com", "subject": "{{ event.body.name }}", "text": "Hi", **inputs}
    step = {"id": "mail", "kind": "action", "action": "mail.send", "connection": connection, "inputs": values}
    say = {"id": "say", "kind": "set", "values": {"id": "{{ steps.mail.message_id }}", "r": "{{ steps.mail.reply }}"}}
    return Flow(relay, connection, {**step, "retry": {"delays": ["10ms"]}}, say, trigger={})


@pytest.mark.parametrize("security", ["STARTTLS", "TLS"])
def test_a_mail_arrives_whole_at_all_recipients(relay: Relay, exim: Exim, security: str) -> None:
    recipients = {"to": "Ada Lovelace <ada@example.com>, bob@example.com", "bcc": "hidden@example.com"}
    html = "<p>Grüße</p>\n.\n"
    flow = mailing(relay, security, **recipients, text=TEXT, html=html, attachments="{{ event.files }}")
    name = f"Bestellung № 7 € 😀 {security}"

    flow.start(data={"name": name}, files={"file": ("Rechnung ü.pdf", PDF, "application/pdf")})

    flow.succeeded()
    mails = wait_until(lambda: three(exim, name), what="three mails are delivered")
    to = {"ada@example.com", "bob@example.com", "hidden@example.com"}
    assert {mail["Envelope-to"] for mail in mails} == to
    for mail in mails:
        assert mail["To"] == "Ada Lovelace <ada@example.com>, bob@example.com"
        assert (mail["Bcc"], mail["Return-path"]) == (None, "<shop@example.com>")
        (sender,) = mail["From"].addresses
        assert (sender.display_name, sender.addr_spec) == ("Größe & Co", "shop@example.com")
        text, other = mail.get_body(("plain",)), mail.get_body(("html",))
        assert text is not None
        assert other is not None
        assert [lines(one) for one in (text, other)] == [TEXT.splitlines(), html.splitlines()]
        (file,) = mail.iter_attachments()
        assert (file.get_filename(), file.get_content()) == ("Rechnung ü.pdf", PDF)
        assert "esmtpsa" in mail["Received"]


def lines(part: EmailMessage) -> list[str]:
    """The text of a part; base64 keeps the line breaks of mail, CR and LF."""
    content: str = part.get_content()
    return content.splitlines()


def three(exim: Exim, subject: str) -> list[Any] | None:
    found = [mail for mail in exim.mails() if mail["Subject"] == subject]
    return found if len(found) == 3 else None


@pytest.mark.parametrize(
    ("connection", "inputs", "state", "reason"),
    [
        ("STARTTLS", {"to": "ada@example.com, nobody@example.com"}, "failed", "No such mailbox"),
        ("STARTTLS", {"to": "ada@elsewhere.example"}, "failed", "No relaying"),
        ("STARTTLS", {"to": "full@example.com"}, "failed", "The mailbox is full"),
        ("wrong", {}, "held", "535"),
        ("nobody", {}, "failed", "Sign in first"),
    ],
)
def test_a_refusal_ends_the_run_with_the_servers_words(
    relay: Relay, exim: Exim, connection: str, inputs: dict[str, Any], state: str, reason: str
) -> None:
    flow = mailing(relay, connection, **inputs)

    flow.start({"name": f"refused {reason}"})

    (run,) = flow.ended()
    assert (run["state"], reason in run["reason"]) == (state, True), run["reason"]
    assert [mail for mail in exim.mails() if mail["Subject"] == f"refused {reason}"] == []


def test_a_mail_that_is_too_large_is_refused(relay: Relay, exim: Exim) -> None:
    flow = mailing(relay, "TLS", attachments="{{ event.files }}")

    flow.start(data={"name": "large"}, files={"file": ("large.bin", bytes(LARGEST), "application/octet-stream")})

    (run,) = flow.ended()
    assert (run["state"], "552" in run["reason"]) == ("failed", True), run["reason"]
    assert [mail for mail in exim.mails() if mail["Subject"] == "large"] == []
