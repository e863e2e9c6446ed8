"""Tests that links are mailed if a mail server is configured, and shown to people otherwise."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from relay import mail_url
from relay.mail_url import MailServer as Server
from relay.models import Invitation, User, Workspace
from tests.support.mailserver import MailServer
from tests.support.running import wait_until

PASSWORD = "correct horse battery"
SMTP = "relay.engine.people.smtp.EmailBackend"
People = tuple[Client, Workspace]


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    """A mail server that Relay is configured with."""
    with MailServer() as running:
        settings.EMAIL_URL = f"smtp://127.0.0.1:{running.port}"
        settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = SMTP, "127.0.0.1", running.port
        yield running


def links(mail: Any) -> list[str]:
    return re.findall(r"http://[^/]+(/\S+)", mail.get_content())


def mailed(server: MailServer) -> None:
    """Wait until all mails are sent."""
    wait_until(lambda: not [one for one in threading.enumerate() if one.name == "mail"], what="mails are sent")


def test_a_forgotten_password_is_reset_by_mail(server: MailServer, client: Client, owner: User) -> None:
    page = client.post("/sign-in/forgotten/", {"email": "Owner@Example.com"}).content.decode()
    mailed(server)

    (mail,) = server.mails
    (link,) = links(mail)
    client.post(link, {"password": "another horse battery"})
    answer = client.post("/sign-in/", {"login": owner.email, "password": "another horse battery"})

    assert "Check your mail" in page
    assert mail["To"] == owner.email
    assert answer["Location"] == "/flows/"
    assert client.get(link).status_code == 404


def test_the_page_does_not_reveal_whether_there_is_an_account(server: MailServer, client: Client, owner: User) -> None:
    User.objects.create_user("off@example.com", PASSWORD, is_active=False)
    pages = [
        client.post("/sign-in/forgotten/", {"email": email}).content.decode().replace(email, "EMAIL")
        for email in (owner.email, "nobody@example.com", "off@example.com")
    ]
    mailed(server)

    bare = [re.sub(r"\b\w{64}\b", "", page) for page in pages]
    assert bare[0] == bare[1] == bare[2]
    assert [mail["To"] for mail in server.mails] == [owner.email]


def test_links_are_asked_for_three_times_an_hour(server: MailServer, client: Client, owner: User) -> None:
    codes = [client.post("/sign-in/forgotten/", {"email": owner.email}).status_code for _ in range(4)]
    mailed(server)

    assert codes == [200, 200, 200, 422]
    assert len(server.mails) == 3


@pytest.mark.parametrize("email", ["", "nobody", "a@b\r\nBcc: c@example.com", "a@example.com, b@example.com"])
def test_what_is_no_address(server: MailServer, client: Client, db: None, email: str) -> None:
    answer = client.post("/sign-in/forgotten/", {"email": email})

    assert answer.status_code == 422
    assert "That is no e-mail address" in answer.content.decode()


def test_an_invitation_is_mailed_and_not_shown(server: MailServer, alices: People) -> None:
    alice, workspace = alices
    Workspace.objects.filter(pk=workspace.pk).update(name="A\r\nBcc: x@example.com")

    answer = alice.post(
        "/workspace/people/invite/", {"role": "editor", "days": "3", "email": "charlie@example.com"}, follow=True
    )

    (mail,) = server.mails
    (link,) = links(mail)
    page = answer.content.decode()
    assert "The link is on its way to charlie@example.com." in page
    assert link not in page
    assert (mail["To"], mail["Bcc"]) == ("charlie@example.com", None)
    assert mail["Subject"] == "Join A Bcc: x@example.com in Relay"
    assert Invitation.objects.get().note == "charlie@example.com"
    Client().post(link, {"email": "charlie@example.com", "password": PASSWORD})
    assert workspace.memberships.filter(user__email="charlie@example.com", role="editor").exists()


def test_without_an_address_the_link_is_shown(server: MailServer, alice: Client) -> None:
    page = alice.post("/workspace/people/invite/", {"role": "editor", "days": "3"}).content.decode()

    assert 'id="once"' in page
    assert not server.mails


def test_an_owner_mails_a_link_for_a_new_password(server: MailServer, alices: People) -> None:
    alice, workspace = alices
    member = workspace.memberships.get()

    page = alice.post(f"/workspace/people/{member.pk}/reset-link/", follow=True).content.decode()

    assert "The link is on its way to alice@example.com." in page
    assert links(server.mails[0])[0] not in page


def test_a_mail_that_is_refused_leaves_the_link(server: MailServer, alice: Client) -> None:
    server.refuses = True

    answer = alice.post("/workspace/people/invite/", {"role": "editor", "days": "3", "email": "c@example.com"})

    page = answer.content.decode()
    assert answer.status_code == 502
    assert "The mail could not be sent" in page
    assert 'id="once"' in page


def test_an_unreachable_server_delays_no_page(server: MailServer, client: Client, owner: User, capfd: Any) -> None:
    server.server_close()

    answer = client.post("/sign-in/forgotten/", {"email": owner.email})
    mailed(server)

    assert answer.status_code == 200
    assert "mail.not_sent" in capfd.readouterr().err


def test_without_a_server_links_are_shown(client: Client, alice: Client) -> None:
    assert client.get("/sign-in/forgotten/").status_code == 404
    assert "relay user reset-link" in client.get("/sign-in/").content.decode()
    assert 'name="email"' not in alice.get("/workspace/people/").content.decode()


def test_with_a_server_the_sign_in_page_offers_a_link(server: MailServer, client: Client, owner: User) -> None:
    assert "/sign-in/forgotten/" in client.get("/sign-in/").content.decode()


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("", Server()),
        ("console:", Server("django.core.mail.backends.console.EmailBackend")),
        ("smtp://mail.example.com", Server(SMTP, "mail.example.com", 25)),
        ("smtp+tls://mail.example.com", Server(SMTP, "mail.example.com", 587, starttls=True)),
        ("smtps://ann:p%40ss@mail:4650", Server(SMTP, "mail", 4650, "ann", "p@ss", tls=True)),
    ],
)
def test_urls_of_mail_servers(url: str, found: Server) -> None:
    assert mail_url.settings_of(url) == found


@pytest.mark.parametrize(
    "url", ["mail", "imap://mail", "smtp://", "smtp://mail/inbox", "smtp://mail:port", "smtp:mail"]
)
def test_what_is_no_url_of_a_mail_server(url: str) -> None:
    with pytest.raises(ValueError, match=r"RELAY_EMAIL_URL looks like smtp\+tls://"):
        mail_url.settings_of(url)
