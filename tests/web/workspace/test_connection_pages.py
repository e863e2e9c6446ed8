"""Tests that connections are sealed, shown without their secrets, and removed only if no live flow uses them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer

from relay.engine.configuration import connections, flow_lifecycle
from relay.engine.flow_control import circuit_breaker
from relay.engine.flow_control.limiter import SendTarget
from relay.flows import nesting
from relay.models import Connection, Membership, Role, Workspace
from tests.flows.test_nesting import WAYS
from tests.support import service_double
from tests.support.browsing import collapsed
from tests.support.service_double import TRELLO, ServiceDouble

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
    assert "Its keys are stored encrypted" in answer.content.decode()


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
    ("sent", "message"),
    [
        ({"name": "Team", "value.webhook_url": URL}, "already a connection called “Team”"),
        ({"name": "", "value.webhook_url": URL}, "needs a name"),
        ({"name": "Other"}, "Incoming webhook URL is needed"),
        ({"name": "Other", "value.webhook_url": "https://evil.example/"}, "look right"),
    ],
)
def test_invalid_values_are_refused(alice: Client, connection: Connection, sent: dict[str, str], message: str) -> None:
    answer = alice.post("/connections/new/slack/", sent)

    assert answer.status_code == 422
    assert message in answer.content.decode()
    assert Connection.objects.count() == 1


def test_a_refused_value_without_an_example_says_what_to_do(alice: Client) -> None:
    answer = alice.post("/connections/new/trello/", {"name": "Trello", "value.key": "a" * 32, "value.token": "a b"})

    assert answer.status_code == 422
    assert "look right; copy the whole value again from the service" in answer.content.decode()


def test_adding_one_leads_back_to_the_editor_and_nowhere_else(alice: Client) -> None:
    sent = {"name": "Team", "value.webhook_url": URL, "back": "/flows/1/?step=tell"}
    assert alice.post("/connections/new/slack/", sent)["Location"] == "/flows/1/?step=tell"

    sent = {"name": "Two", "value.webhook_url": URL, "back": "https://evil.example/"}
    assert alice.post("/connections/new/slack/", sent)["Location"] == "/connections/"


def test_a_connection_that_a_live_flow_uses_stays(alices: tuple[Client, Workspace], connection: Connection) -> None:
    alice, workspace = alices
    flow = flow_lifecycle.import_document(workspace, DOCUMENT, publish_it=True)

    page = alice.post(f"/connections/{connection.pk}/remove/", {"sure": "1"}, follow=True).content.decode()

    assert "is used by Orders" in page
    assert flow.name in alice.get("/connections/").content.decode()
    flow_lifecycle.delete(flow)
    alice.post(f"/connections/{connection.pk}/remove/", {"sure": "1"})
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
        flow_lifecycle.import_document(workspace, {**DOCUMENT, "steps": steps}, publish_it=True)

    with django_assert_max_num_queries(7):
        alice.get("/connections/")


def test_a_connections_rate_is_kept(alice: Client, connection: Connection) -> None:
    address = f"/connections/{connection.pk}/"

    wrong = alice.post(address, {"rate": "often"})
    alice.post(address, {"rate": "30/m"})

    assert wrong.status_code == 422
    assert "is not a rate" in wrong.content.decode()
    assert Connection.objects.get().rate == "30/m"
    assert "up to 30/m" in alice.get("/connections/").content.decode()


def test_a_refused_credential_is_shown(alices: tuple[Client, Workspace], connection: Connection) -> None:
    alice, workspace = alices
    circuit_breaker.hold_refused(
        SendTarget(workspace.pk, "https://hooks.slack.com", "Team"), "The answer was 401: invalid token"
    )

    assert "invalid token" in alice.get("/connections/").content.decode()


@pytest.mark.parametrize("way", WAYS)
def test_the_list_names_the_flows_that_use_it_in_nested_steps(
    alices: tuple[Client, Workspace], connection: Connection, way: str
) -> None:
    flow = flow_lifecycle.import_document(alices[1], {**DOCUMENT, "steps": [WAYS[way](STEP)]})

    assert f"/flows/{flow.pk}/" in alices[0].get("/connections/").content.decode()


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> Iterator[ServiceDouble]:
    with service_double.in_place_of(httpserver, settings, service_double.TRELLO_ORIGIN) as double:
        double.answers["/1/members/me"] = service_double.answer({"fullName": "relay <b>bot</b>"})
        yield double


TYPED = {"name": "Trello", **{f"value.{key}": value for key, value in TRELLO.items()}}


def test_a_saved_connection_is_tested(alice: Client, service: ServiceDouble) -> None:
    page = collapsed(alice.post("/connections/new/trello/", TYPED, follow=True))

    assert "Connected to Trello as relay &lt;b&gt;bot&lt;/b&gt;." in page
    assert "Works" in page
    assert page.count("relay &lt;b&gt;bot") == 2
    row = Connection.objects.get()
    own = collapsed(alice.get(f"/connections/{row.pk}/"))
    assert "Test it now" in own
    assert "Last used by a run</dt> <dd> Not yet" in own.replace("<dd>Not", "<dd> Not")


def test_a_connection_that_does_not_work_is_saved_and_said(alice: Client, service: ServiceDouble) -> None:
    service.answers["/1/members/me"] = service_double.answer(f"invalid token {TRELLO['token']}", 401)

    answer = alice.post("/connections/new/trello/", TYPED, follow=True)

    row = Connection.objects.get()
    assert answer.redirect_chain[-1][0] == f"/connections/{row.pk}/"
    page = collapsed(answer)
    assert "Its keys are stored encrypted" in page
    assert "The test failed. Trello refuses the credential. The answer was 401: invalid token ••••••" in page
    assert "Test failed" in page
    assert TRELLO["token"] not in page


def test_the_button_tests(alices: tuple[Client, Workspace], bob: Client, service: ServiceDouble) -> None:
    alice, workspace = alices
    row = connections.set_connection(workspace, "Trello", "trello", TRELLO)
    address = f"/connections/{row.pk}/test/"

    assert bob.post(address).status_code == 404
    assert alice.get(address).status_code == 405
    assert service.requests == []
    assert "Connected to Trello as" in collapsed(alice.post(address, follow=True))


def test_a_viewer_cannot_test(alices: tuple[Client, Workspace], service: ServiceDouble) -> None:
    alice, workspace = alices
    row = connections.set_connection(workspace, "Trello", "trello", TRELLO)
    Membership.objects.filter(workspace=workspace).update(role=Role.VIEWER)

    assert alice.post(f"/connections/{row.pk}/test/").status_code == 403
    assert service.requests == []


def test_another_host_needs_the_secret_on_the_page(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    values = {"subdomain": "acme", "email": "a@example.com", "token": "fedcba9876543210"}
    row = connections.set_connection(workspace, "Desk", "zendesk", values)
    typed = {"value.subdomain": "other", "value.email": "a@example.com", "value.token": ""}

    answer = alice.post(f"/connections/{row.pk}/", typed)

    assert answer.status_code == 422
    assert "changes from acme.zendesk.com to other.zendesk.com" in collapsed(answer)
    assert 'value="other"' in collapsed(answer)
    assert "a stored secret is never sent to another address" in collapsed(answer)
    assert Connection.objects.get().unseal() == values


def test_the_uses_are_shown(alices: tuple[Client, Workspace], connection: Connection) -> None:
    alice, workspace = alices
    flow_lifecycle.import_document(workspace, DOCUMENT)
    now = timezone.now()
    Connection.objects.update(used_at=now, succeeded_at=now)

    for address in ("/connections/", f"/connections/{connection.pk}/"):
        page = collapsed(alice.get(address))
        assert page.count("<time data-ago") == 2
        assert "Works" in page
        assert "Orders</a>" in page


def test_what_cant_be_tested_says_why(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    http = connections.set_connection(workspace, "Any", "http", {"signing_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZI"})
    hook = connections.set_connection(
        workspace, "Team", "slack", {"webhook_url": "https://hooks.slack.com/services/T0/B0/abcdefghijklmnop"}
    )

    pages = [collapsed(alice.get(f"/connections/{row.pk}/")) for row in (http, hook)]

    assert "There is nothing to test: the connection has no URL for the test" in pages[0]
    assert "Relay can&#x27;t test a connection to Slack" in pages[1]
    assert all("Test it now" not in page for page in pages)


def test_a_removal_asks_first(alice: Client, alices: tuple[Client, Workspace]) -> None:
    connection = connections.set_connection(alices[1], "Shop", "slack", {"webhook_url": URL})

    page = alice.post(f"/connections/{connection.pk}/remove/").content.decode()

    assert "Remove the connection “Shop”?" in page
    assert alices[1].connections.exists()


@pytest.mark.parametrize("step", ["say", "inner", "note", "gone"])
def test_a_new_connection_is_chosen_in_the_step_that_it_was_added_for(
    alice: Client, alices: tuple[Client, Workspace], step: str
) -> None:
    say = {"kind": "action", "action": "slack.post_message", "inputs": {"text": "x"}}
    note = {"id": "note", "kind": "action", "action": "inbox.post", "inputs": {"text": "x"}}
    loop = {"id": "each", "kind": "loop", "over": "{{ event.body.items }}", "steps": [{**say, "id": "inner"}]}
    document = {"relay": 1, "name": "New", "trigger": {"kind": "webhook"}, "steps": [{**say, "id": "say"}, note, loop]}
    flow = flow_lifecycle.create_flow(alices[1], document)
    back = f"/flows/{flow.pk}/?step={step}"

    answer = alice.post("/connections/new/slack/", {"name": "Team", "value.webhook_url": URL, "back": back})

    assert answer["Location"] == back
    flow.refresh_from_db()
    chosen = {one["id"]: one.get("connection") for one in nesting.all_steps(flow.draft)}
    expected = {step: "Team"} if step in ("say", "inner") else {}
    assert chosen == {"say": None, "note": None, "inner": None, "each": None} | expected
