"""The name of a connected account, which everybody of the workspace sees."""

from __future__ import annotations

import base64
import dataclasses
from urllib.parse import quote

import pytest

from relay.connectors.definition import OAuth2
from relay.connectors.oauth_requests import TokenAnswer
from relay.engine.oauth import identities
from tests.support.authorization_server import EXAMPLE

ACCESS, REFRESH, CLIENT = "access-token-1", "refresh-token/1", "client-secret"


def named(name: str) -> str:
    assert isinstance(EXAMPLE.auth, OAuth2)
    auth = dataclasses.replace(EXAMPLE.auth, identity="{{ answer.name }}")
    answer = TokenAnswer(ACCESS, REFRESH, None, None, {}, {"name": name})
    return identities.of_answer(auth, answer, (CLIENT,))


def test_a_name_is_one_short_line() -> None:
    assert named(" Ada\n <b> \0") == "Ada <b>"
    assert len(named("x" * 1000)) == identities.MAX_CHARACTERS


@pytest.mark.parametrize("secret", [ACCESS, REFRESH, CLIENT])
def test_no_secret_is_a_name(secret: str) -> None:
    for form in (secret, quote(secret, safe=""), base64.b64encode(f"id:{secret}".encode()).decode()):
        assert named(f"Ada {form}") == ""
