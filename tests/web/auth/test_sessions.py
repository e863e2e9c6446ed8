"""Tests that rows of sessions are sealed, and that their keys alone open no session."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import signing

from relay import vault
from relay.engine.upkeep import key_rotation
from relay.models import User, sealing
from relay.web.auth.sessions import SessionStore
from tests.support.browsing import Browser
from tests.web.auth.test_account import PASSWORD, secret_on

COOKIE = settings.SESSION_COOKIE_NAME


@pytest.fixture
def person(client: Browser, owner: User) -> Browser:
    client.post("/sign-in/", {"login": owner.email, "password": PASSWORD})
    client.post("/account/confirm/?next=/account/", {"password": PASSWORD})
    return client


def test_the_secret_of_an_app_that_is_being_set_up_is_sealed(person: Browser) -> None:
    secret = secret_on(person.get("/account/app/on/").content.decode())

    (row,) = Session.objects.all()
    store = SessionStore(row.session_key)

    assert store["mfa.totp.secret"] == secret
    assert row.session_data.startswith("sealed:session:")
    with pytest.raises(signing.BadSignature):
        signing.loads(row.session_data, salt=store.key_salt)


def test_a_key_from_the_database_is_not_a_valid_cookie(person: Browser) -> None:
    key = Session.objects.get().session_key
    thief = Browser()
    answers = []

    for cookie in (key, f"{key}:", f"{key}:{'x' * 43}", signing.Signer().sign(key)):
        thief.cookies[COOKIE] = cookie
        answers.append(thief.get("/account/").status_code)
    thief.cookies[COOKIE] = person.cookies[COOKIE].value
    answers.append(thief.get("/account/").status_code)

    assert answers == [302, 302, 302, 302, 200]


def test_data_in_anothers_row_does_not_open(person: Browser) -> None:
    (row,) = Session.objects.all()

    copied = SessionStore()
    copied.create()
    Session.objects.filter(pk=copied.session_key).update(session_data=row.session_data)

    assert SessionStore(copied.session_key).load() == {}


def test_signing_out_removes_row_and_cookie(person: Browser) -> None:
    person.post("/sign-out/")

    assert not Session.objects.exists()
    assert person.cookies[COOKIE].value == ""


def test_people_stay_signed_in_when_keys_are_rotated_and_not_when_one_is_lost(person: Browser) -> None:
    before = sealing.ring()

    done = key_rotation.rotate(drop_old=True)
    sealing._rings.clear()
    stays = person.get("/account/").status_code
    settings.DATA.write_vault_keys([vault.new_key()])
    sealing._rings.clear()
    gone, lost = person.get("/account/").status_code, key_rotation.check().lost
    settings.DATA.write_vault_keys(before)
    sealing._rings.clear()

    assert done.resealed >= 1
    assert (stays, gone, lost) == (200, 302, [])
