"""The API says how connections by OAuth stand, and never more than that."""

from __future__ import annotations

import pytest

from relay.connectors import registry
from relay.connectors.oauth_requests import TokenAnswer
from relay.engine.configuration import connections
from relay.engine.oauth import tokens
from relay.models import Workspace
from tests.api.conftest import Caller

pytestmark = pytest.mark.django_db


def test_the_list_has_the_access_without_tokens(reader: Caller, workspace: Workspace) -> None:
    sheets = connections.set_connection(workspace, "Books", "google_sheets", {})
    connections.set_connection(workspace, "Hub", "hubspot", {"token": "pat-eu1-0a1b2c3d"})
    before = reader("GET", "/connections")["connections"]
    auth = registry.connector("google_sheets").oauth
    assert auth is not None
    given = TokenAnswer("acc-ess", "ref-resh", 3600.0, ("openid", "email"), {}, {})
    tokens.connect(sheets.pk, auth, given, identity="ada@example.com")

    (books, hub) = reader("GET", "/connections")["connections"]

    assert before[0]["access"]["state"] == "not_connected"
    assert books["access"].pop("expires_at").endswith("Z")
    assert books["access"] == {
        "state": "connected",
        "reason": "",
        "connected_as": "ada@example.com",
        "connected_by": "Relay",
        "scopes": ["openid", "email"],
    }
    assert hub["access"] is None
    assert not any(secret in reader.text for secret in ("acc-ess", "ref-resh", "pat-eu1"))
