"""Connections: kept sealed, shown without their secrets, removed when nobody needs them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from relay.engine import connections, destinations, publish
from relay.engine.gates import Place
from relay.models import Connection, Workspace

URL = "https://hooks.slack.com/services/T000/B000/verysecret"
STEP = {"id": "tell", "kind": "action", "action": "slack.post_message", "connection": "Team", "inputs": {"text": "hi"}}
DOCUMENT: dict[str, Any] = {"relay": 1, "name": "Orders", "trigger": {"kind": "webhook"}, "steps": [STEP]}


@pytest.fixture
def connection(alices: tuple[Client, Workspace]) -> Connection:
    return connections.set_connection(alices[1], "Team", "slack", {"webhook_url": URL})


def test_a_connection_is_added(alice: Client) -> None:
    assert "Slack" in alice.get("/connections/new/").content.decode()
    assert "Built-in inbox" not in alice.get("/connections/new/").content.decode()

    answer = alice.post("/connections/new/slack/", {"name": "Team", "value.webhook_url": URL}, follow=True)

    assert Connection.objects.get().unseal() == {"webhook_url": URL}
    assert "is kept, sealed" in answer.content.decode()


def test_a_secret_never_comes_back(alice: Client, connection: Connection) -> None:
    for address in ("/connections/", f"/connections/{connection.pk}/"):
        assert "verysecret" not in alice.get(address).content.decode()
    wrong = alice.post(f"/connections/{connection.pk}/", {"value.webhook_url": "https://verysecret.example/"})
    assert wrong.status_code == 422
    assert "verysecret" not in wrong.content.decode()


@pytest.mark.parametrize(("sent", "kept"), [("", URL), (URL + "er", URL + "er")])
def test_a_secret_left_empty_is_kept(alice: Client, connection: Connection, sent: str, kept: str) -> None:
    alice.post(f"/connections/{connection.pk}/", {"value.webhook_url": sent})

    connection.refresh_from_db()
    assert connection.unseal() == {"webhook_url": kept}


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": "Team", "value.webhook_url": URL}, "a connection called “Team” already"),
        ({"name": "", "value.webhook_url": URL}, "needs a name"),
        ({"name": "Other"}, "webhook_url: is needed"),
        ({"name": "Other", "value.webhook_url": "https://evil.example/"}, "look right"),
    ],
)
def test_what_is_wrong_is_said(alice: Client, connection: Connection, sent: dict[str, str], said: str) -> None:
    answer = alice.post("/connections/new/slack/", sent)

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Connection.objects.count() == 1


def test_adding_one_leads_back_to_the_editor_and_nowhere_else(alice: Client) -> None:
    sent = {"name": "Team", "value.webhook_url": URL, "back": "/flows/1/?step=tell"}
    assert alice.post("/connections/new/slack/", sent)["Location"] == "/flows/1/?step=tell"

    sent = {"name": "Two", "value.webhook_url": URL, "back": "https://evil.example/"}
    assert alice.post("/connections/new/slack/", sent)["Location"] == "/connections/"


def test_a_connection_that_a_live_flow_uses_stays(alices: tuple[Client, Workspace], connection: Connection) -> None:
    alice, workspace = alices
    flow = publish.import_document(workspace, DOCUMENT, publish_it=True)

    page = alice.post(f"/connections/{connection.pk}/remove/", follow=True).content.decode()

    assert "is used by Orders" in page
    assert flow.name in alice.get("/connections/").content.decode()
    publish.delete(flow)
    alice.post(f"/connections/{connection.pk}/remove/")
    assert not Connection.objects.exists()


@pytest.mark.parametrize("key", ["nothing", "inbox"])
def test_a_service_without_connections_has_no_form(alice: Client, key: str) -> None:
    assert alice.get(f"/connections/new/{key}/").status_code == 404


def test_the_list_of_connections_has_a_query_budget(
    alices: tuple[Client, Workspace], django_assert_max_num_queries: Any
) -> None:
    alice, workspace = alices
    for number in range(6):
        connections.set_connection(workspace, f"Team {number}", "slack", {"webhook_url": URL})
        steps = [{**STEP, "connection": f"Team {number}"}]
        publish.import_document(workspace, {**DOCUMENT, "steps": steps}, publish_it=True)

    with django_assert_max_num_queries(6):
        alice.get("/connections/")


def test_a_connections_rate_is_kept(alice: Client, connection: Connection) -> None:
    address = f"/connections/{connection.pk}/"

    wrong = alice.post(address, {"rate": "often"})
    alice.post(address, {"rate": "30/m"})

    assert wrong.status_code == 422
    assert "is not a rate" in wrong.content.decode()
    assert Connection.objects.get().rate == "30/m"
    assert "at most 30/m" in alice.get("/connections/").content.decode()


def test_a_refused_credential_is_shown(alices: tuple[Client, Workspace], connection: Connection) -> None:
    alice, workspace = alices
    destinations.refuse(Place(workspace.pk, "https://hooks.slack.com", "Team"), "The answer was 401: invalid token")

    assert "invalid token" in alice.get("/connections/").content.decode()
