"""Tests of the first account, and of signing in and out."""

from __future__ import annotations

import html
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.core.cache import caches
from django.http import HttpResponse
from django.test import Client
from django.utils import timezone

from relay.engine.people import password_resets
from relay.models import Count, User
from tests.support.running import Valkey

NEW = {"email": "Ada@Example.com", "password": "correct horse battery", "workspace_name": "Mugs"}


@pytest.fixture
def token(db: None) -> Iterator[str]:
    yield settings.DATA.new_setup_token()
    settings.DATA.setup_token.unlink(missing_ok=True)


def test_a_fresh_relay_says_where_the_link_is(client: Client, db: None) -> None:
    for address in ("/", "/sign-in/"):
        page = client.get(address, follow=True).content.decode()

        assert "set-up link" in page
        assert "relay user add" in page


def test_the_first_account_comes_with_the_demo(client: Client, token: str) -> None:
    answer = client.post(f"/setup/{token}/", NEW, follow=True)

    page = answer.content.decode()
    assert answer.redirect_chain == [("/flows/", 302)]
    assert "Demo: new order to the inbox" in page
    assert User.objects.get().email == "ada@example.com"


def test_the_link_works_once(client: Client, token: str) -> None:
    client.post(f"/setup/{token}/", NEW)

    answer = Client().post(f"/setup/{token}/", {**NEW, "email": "eve@example.com"})

    assert answer.status_code == 404
    assert "works once" in answer.content.decode()
    assert User.objects.count() == 1


@pytest.mark.parametrize("wrong", ["x", "%00", "é" * 40, "0" * 5_000])
def test_a_wrong_link_says_where_the_right_one_is(client: Client, token: str, wrong: str) -> None:
    answer = client.get(f"/setup/{wrong}/")

    assert answer.status_code == 404
    assert "relay up" in answer.content.decode()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "password123"}, "too common"),
        ({"email": "ada"}, "valid email"),
        ({"email": "a\x00@example.com" * 40}, "valid email"),
    ],
)
def test_faults_of_the_first_account_are_shown(
    client: Client, token: str, change: dict[str, str], message: str
) -> None:
    answer = client.post(f"/setup/{token}/", {**NEW, **change})

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert not User.objects.exists()


def signed_in(client: Client, email: str, password: str = NEW["password"], **more: str) -> HttpResponse:
    return client.post("/sign-in/", {"login": email, "password": password, **more})


def test_signing_in_goes_to_the_page_that_was_asked_for(client: Client, owner: User) -> None:
    answer = signed_in(client, "OWNER@example.com", next="/runs/")

    assert answer["Location"] == "/runs/"


OTHERS = (
    "https://evil.example/",
    "//evil.example",
    "javascript:alert(1)",
    "\\\\evil",
    "http://127.0.0.1/",
    "http://testserver@evil.example/",
    "/\\evil.example",
    "",
)


@pytest.mark.parametrize("onward", OTHERS)
def test_signing_in_never_leaves_for_another_site(client: Client, owner: User, onward: str) -> None:
    answer = signed_in(client, owner.email, next=onward)

    assert answer["Location"] == "/flows/"


@pytest.mark.parametrize("onward", OTHERS)
def test_signing_out_never_leaves_for_another_site(client: Client, owner: User, onward: str) -> None:
    client.force_login(owner)

    assert client.post("/sign-out/", {"next": onward})["Location"] == "/sign-in/"


@pytest.mark.parametrize(
    "wrong",
    [{"password": "wrong"}, {"login": "who@example.com"}, {"login": ""}, {"login": "\x00"}, {"password": "\x00"}],
)
def test_a_wrong_sign_in_says_always_the_same(client: Client, owner: User, wrong: dict[str, str]) -> None:
    answer = client.post("/sign-in/", {"login": owner.email, "password": NEW["password"], **wrong})

    assert answer.status_code == 422
    assert "That e-mail address and password don't belong together." in html.unescape(answer.content.decode())


def test_signing_out_takes_a_post(client: Client, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/flows/").status_code == 302


@pytest.mark.parametrize("away", [False, True])
def test_guessing_is_stopped_for_all_processes(client: Client, owner: User, valkey: Valkey, away: bool) -> None:
    if away:
        valkey.stop()
    for _ in range(5):
        assert "belong together" in signed_in(client, owner.email, "wrong").content.decode()
    _forget_connections()

    answer = signed_in(Client(), owner.email)

    assert answer.status_code == 422
    assert "Too many tries" in answer.content.decode()
    assert Count.objects.exists() is away


def _forget_connections() -> None:
    """Simulate a second process, which knows only what Redis and the database hold."""
    caches["default"] = caches.create_connection("default")


def test_many_tries_from_one_address_are_stopped(client: Client, owner: User) -> None:
    answers = [signed_in(client, f"{number}@example.com", "wrong") for number in range(31)]

    assert answers[-1].status_code == 429
    assert "That was too often" in answers[-1].content.decode()


def test_a_link_gives_a_new_password_once(client: Client, owner: User) -> None:
    client.force_login(owner)
    link = password_resets.make_link(owner).removeprefix(settings.PUBLIC_URL)

    answer = Client().post(link, {"password": "another long phrase"})

    assert answer["Location"] == "/sign-in/"
    assert client.get("/flows/").status_code == 302
    assert signed_in(Client(), owner.email, "another long phrase")["Location"] == "/flows/"
    assert Client().get(link).status_code == 404


def test_a_link_for_a_password_ends_after_a_day(client: Client, owner: User) -> None:
    link = password_resets.make_link(owner).removeprefix(settings.PUBLIC_URL)

    with time_machine.travel(timezone.now() + timedelta(hours=25)):
        answer = client.get(link)

    assert answer.status_code == 404


def test_a_weak_new_password_is_refused(client: Client, owner: User) -> None:
    link = password_resets.make_link(owner).removeprefix(settings.PUBLIC_URL)

    answer = client.post(link, {"password": "short"})

    assert answer.status_code == 422
    assert "too short" in answer.content.decode()


@pytest.mark.parametrize("path", ["/reset/{pk}/x/", "/reset/999999/{token}/", "/reset/{pk}/{token}x/"])
def test_a_wrong_link_opens_nothing(client: Client, owner: User, path: str) -> None:
    token = password_resets.make_link(owner).rstrip("/").rpartition("/")[2]

    assert client.get(path.format(pk=owner.pk, token=token)).status_code == 404
