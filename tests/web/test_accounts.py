"""The first account, signing in and out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import settings
from django.test import Client

from relay.models import User

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
    assert "Send a sample for me" in page
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
    ("change", "said"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "password123"}, "too common"),
        ({"email": "ada"}, "valid email"),
        ({"email": "a\x00@example.com" * 40}, "valid email"),
    ],
)
def test_what_is_wrong_with_the_first_account_is_said(
    client: Client, token: str, change: dict[str, str], said: str
) -> None:
    answer = client.post(f"/setup/{token}/", {**NEW, **change})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not User.objects.exists()


def test_signing_in_goes_to_the_page_that_was_asked_for(client: Client, owner: User) -> None:
    answer = client.post("/sign-in/", {"email": "OWNER@example.com", "password": NEW["password"], "next": "/runs/"})

    assert answer["Location"] == "/runs/"


@pytest.mark.parametrize("onward", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil", ""])
def test_signing_in_never_leaves_for_another_site(client: Client, owner: User, onward: str) -> None:
    answer = client.post("/sign-in/", {"email": owner.email, "password": NEW["password"], "next": onward})

    assert answer["Location"] == "/flows/"


@pytest.mark.parametrize(
    "wrong",
    [{"password": "wrong"}, {"email": "who@example.com"}, {"email": ""}, {"email": "\x00"}, {"password": "\x00"}],
)
def test_a_wrong_sign_in_says_always_the_same(client: Client, owner: User, wrong: dict[str, str]) -> None:
    answer = client.post("/sign-in/", {"email": owner.email, "password": NEW["password"], **wrong})

    assert answer.status_code == 422
    assert "That e-mail address and password don&#x27;t belong together." in answer.content.decode()


def test_signing_out_takes_a_post(client: Client, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/sign-out/").status_code == 405
    assert client.post("/sign-out/")["Location"] == "/sign-in/"
    assert client.get("/flows/").status_code == 302
