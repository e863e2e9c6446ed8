"""Tests of a person's own account: second factor, recovery codes, passwords, sessions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import unquote

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import URLPattern, get_resolver
from django.utils import timezone

from relay.models import User

PASSWORD = "correct horse battery"
OWN = (
    "account",
    "account_change_password",
    "account_reauthenticate",
    "mfa_activate_totp",
    "mfa_add_webauthn",
    "mfa_generate_recovery_codes",
)


@pytest.fixture
def person(client: Client, owner: User) -> Client:
    """The owner, signed in with the password and just confirmed."""
    client.post("/sign-in/", {"login": owner.email, "password": PASSWORD})
    client.post("/account/confirm/?next=/account/", {"password": PASSWORD})
    return client


def code(secret: str) -> str:
    """Return the code that an authenticator app shows now."""
    counter = next(yield_hotp_counters_from_time())
    return format_hotp_value(hotp_value(secret, counter))


def secret_on(page: str) -> str:
    match = re.search(r'<code id="secret">(\w+)</code>', page)
    assert match
    return match[1]


@pytest.fixture
def secret(person: Client) -> str:
    """The secret of the app that the person has set up."""
    app_secret = secret_on(person.get("/account/app/on/").content.decode())
    answer = person.post("/account/app/on/", {"code": code(app_secret)})
    assert answer["Location"] == "/account/codes/"
    return app_secret


def test_setting_up_an_app_shows_codes_once(person: Client, secret: str) -> None:
    first = person.get("/account/codes/").content.decode()
    second = person.get("/account/codes/").content.decode()

    assert len(re.findall(r"^\d{8}$", first.partition('class="codes">')[2].replace("</pre>", "\n"), re.MULTILINE)) == 10
    assert "10 of 10 codes are left" in second
    assert "10 left" in person.get("/account/").content.decode()


def test_the_app_is_asked_for_and_its_secret_is_sealed(person: Client, secret: str, owner: User) -> None:
    browser = Client()

    first = browser.post("/sign-in/", {"login": owner.email, "password": PASSWORD, "next": "/runs/"})
    before = browser.get("/flows/")
    code_page = browser.get("/sign-in/second/").content.decode()
    wrong = browser.post("/sign-in/second/", {"code": "000000"})
    answer = browser.post("/sign-in/second/", {"code": code(secret)})

    assert first["Location"].startswith("/sign-in/second/")
    assert "Use a passkey" not in code_page
    assert before.status_code == 302
    assert wrong.status_code == 422
    assert "is not right" in wrong.content.decode()
    assert answer["Location"] == "/runs/"
    assert secret not in str(Authenticator.objects.values_list("data", flat=True))


def test_a_recovery_code_works_once(person: Client, secret: str, owner: User) -> None:
    shown = person.get("/account/codes/").content.decode().partition('class="codes">')[2]
    spare = re.findall(r"\d{8}", shown)[0]

    answers = []
    for browser in (Client(), Client()):
        browser.post("/sign-in/", {"login": owner.email, "password": PASSWORD})
        answers.append(browser.post("/sign-in/second/", {"code": spare}).status_code)

    assert answers == [302, 422]
    assert "9 left" in person.get("/account/").content.decode()


def test_removing_the_app_takes_the_codes_along(person: Client, secret: str) -> None:
    answer = person.post("/account/app/off/")

    assert answer["Location"] == "/account/"
    assert not Authenticator.objects.exists()


@pytest.mark.parametrize("path", ["/account/app/on/", "/account/passkeys/add/", "/account/codes/new/"])
def test_changes_to_sign_in_ask_for_the_password_first(client: Client, owner: User, path: str) -> None:
    client.post("/sign-in/", {"login": owner.email, "password": PASSWORD})

    answer = client.get(path)
    wrong = client.post(f"/account/confirm/?next={path}", {"password": "wrong"})

    assert unquote(answer["Location"]) == f"/account/confirm/?next={path}"
    assert wrong.status_code == 422
    assert "That is not your password." in wrong.content.decode()
    assert client.get(path).status_code == 302


def test_a_changed_password_ends_other_sessions(person: Client, owner: User) -> None:
    other = Client()
    other.post("/sign-in/", {"login": owner.email, "password": PASSWORD})
    new = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}

    answer = person.post("/account/password/", new)

    assert answer["Location"] == "/account/"
    assert "Your password is changed" in person.get("/account/").content.decode()
    assert other.get("/account/").status_code == 302


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"oldpassword": "wrong"}, "That is not your current password."),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password2": "something else entirely"}, "same password"),
    ],
)
def test_faults_of_a_new_password_are_shown(person: Client, change: dict[str, str], message: str) -> None:
    new = {"oldpassword": PASSWORD, "password1": "another long phrase", "password2": "another long phrase"}

    answer = person.post("/account/password/", {**new, **change})

    assert answer.status_code == 422
    assert message in answer.content.decode()


@pytest.fixture
def other(person: Client, owner: User) -> Iterator[Client]:
    """The same person in another browser."""
    browser = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"})
    browser.post("/sign-in/", {"login": owner.email, "password": PASSWORD})
    return browser


def test_sessions_are_listed_and_one_can_be_ended(person: Client, other: Client) -> None:
    page = person.get("/account/").content.decode()
    session = UserSession.objects.get(user_agent__contains="Firefox")

    person.post(f"/account/sessions/{session.pk}/end/")

    assert "Firefox on Linux" in page
    assert "This browser" in page
    assert other.get("/account/").status_code == 302
    assert person.get("/account/").status_code == 200


def test_all_other_sessions_can_be_ended(person: Client, other: Client) -> None:
    person.post("/account/sessions/end-others/")

    assert other.get("/account/").status_code == 302
    assert person.get("/account/").status_code == 200


def test_another_persons_session_is_not_there(person: Client, bob: Client) -> None:
    session = UserSession.objects.get()

    answer = bob.post(f"/account/sessions/{session.pk}/end/")

    assert answer.status_code == 404
    assert person.get("/account/").status_code == 200


def test_when_a_browser_was_last_seen_is_written_once_a_minute(person: Client) -> None:
    before = UserSession.objects.get().last_seen_at

    person.get("/account/")
    soon = UserSession.objects.get().last_seen_at
    with time_machine.travel(timezone.now() + timedelta(minutes=5)):
        person.get("/account/")

    assert soon == before
    assert UserSession.objects.get().last_seen_at - before > timedelta(minutes=4)


@pytest.mark.parametrize(
    ("host", "secure", "work"),
    [
        ("localhost:8000", False, True),
        ("127.0.0.1:8000", False, False),
        ("[::1]:8000", True, False),
        ("testserver", False, False),
        ("testserver", True, True),
    ],
)
def test_passkeys_are_offered_where_browsers_take_them(person: Client, host: str, secure: bool, work: bool) -> None:
    page = person.get("/account/", secure=secure, headers={"Host": host}).content.decode()

    assert ("Add a passkey" in page) is work
    assert ("Browsers take passkeys only" in page) is not work


@pytest.mark.parametrize("name", OWN)
def test_pages_of_an_account_are_for_those_who_signed_in(client: Client, owner: User, name: str) -> None:
    from django.urls import reverse

    answer = client.get(reverse(name))

    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in/")


def test_every_reachable_page_of_allauth_has_our_template() -> None:
    theirs = [
        one.callback.view_class
        for one in get_resolver().url_patterns
        if isinstance(one, URLPattern) and hasattr(one.callback, "view_class")
    ]

    shown = [one for one in theirs if one.__module__.startswith("allauth")]

    assert shown
    for one in get_resolver().url_patterns:
        kwargs = getattr(one.callback, "view_initkwargs", None)
        if kwargs and "template_name" in kwargs:
            assert kwargs["template_name"].startswith("accounts/")
