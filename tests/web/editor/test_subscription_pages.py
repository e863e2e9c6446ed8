"""Tests the page that connects a trigger to its sender, and what the trigger's form says of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_httpserver import HTTPServer

from relay.engine.configuration import flow_lifecycle, subscription_issues
from relay.models import Connection, Flow, Issue, Membership, Role, SubscriptionState, TriggerSubscription, Workspace
from tests.support import service_double, webhook_service
from tests.support.service_double import answer
from tests.support.webhook_service import BOARD, TRELLO, WebhookService

pytestmark = pytest.mark.django_db
World = tuple[Client, Workspace]


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> WebhookService:
    return webhook_service.in_place_of_all(httpserver, settings)


@pytest.fixture
def boards(alices: World) -> Flow:
    document = {"relay": 1, "name": "Cards", "trigger": {"kind": "webhook", "preset": "trello"}, "steps": []}
    return flow_lifecycle.create_flow(alices[1], document)


@pytest.fixture
def connection(alices: World) -> Connection:
    return service_double.connect(alices[1], "trello", "Team board", **TRELLO)


def address(flow: Flow, rest: str = "") -> str:
    return f"/flows/{flow.pk}/subscription/{rest}"


def text(client: Client, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


def form(connection: Connection | int, **values: str) -> dict[str, Any]:
    number = connection if isinstance(connection, int) else connection.pk
    return {"connection": number, "in.board_id": BOARD, **values}


def test_a_person_connects_and_disconnects(
    service: WebhookService, alice: Client, boards: Flow, connection: Connection
) -> None:
    assert "Connect to Trello" in text(alice, f"/flows/{boards.pk}/?step=trigger")
    assert "can&#x27;t reach http://127.0.0.1:8000" in text(alice, address(boards))

    listed = alice.post(address(boards), form(connection, do="choices", **{"in.board_id": ""}))
    assert f'value="{BOARD}"' in listed.content.decode()
    assert "Orders &lt;b&gt;" in listed.content.decode()
    assert alice.post(address(boards), form(connection)).status_code == 302

    row = TriggerSubscription.objects.get()
    assert (row.about, row.made_by) == ("Board: Orders <b>", "alice@example.com")
    for page in (address(boards), f"/flows/{boards.pk}/?step=trigger"):
        assert "<strong>Connected to Trello.</strong> Board: Orders &lt;b&gt;." in text(alice, page)

    assert alice.post(address(boards, "disconnect/")).status_code == 302
    assert service.hooks == {}
    assert not TriggerSubscription.objects.exists()


def test_a_failure_is_shown(service: WebhookService, alice: Client, boards: Flow, connection: Connection) -> None:
    service.faults["POST /1/webhooks/"] = answer({"message": "<i>no</i>"}, 401)

    page = alice.post(address(boards), form(connection))

    assert page.status_code == 422
    assert "Trello refuses the credential" in page.content.decode()
    assert "<i>no" not in page.content.decode()
    assert f'value="{BOARD}"' in page.content.decode()

    service.faults.clear()
    alice.post(address(boards), form(connection))
    row = TriggerSubscription.objects.get()
    service.faults[f"DELETE /1/webhooks/{row.webhook_id}"] = answer("no", 500)
    page = alice.post(address(boards, "disconnect/"))
    assert (page.status_code, TriggerSubscription.objects.count()) == (422, 1)
    assert "Forget it in Relay only" in page.content.decode()
    alice.post(address(boards, "disconnect/"), {"do": "forget"})
    assert not TriggerSubscription.objects.exists()


def test_another_tenant(
    service: WebhookService, alice: Client, bob: Client, bobs: World, boards: Flow, connection: Connection
) -> None:
    theirs = service_double.connect(bobs[1], "trello", "Theirs", **TRELLO)
    github = service_double.connect(boards.workspace, "github", "Hub", **webhook_service.GITHUB)

    for wrong in (theirs.pk, github.pk, 0, 10**18, 10**19):
        page = alice.post(address(boards), form(wrong))
        assert "Choose a connection to Trello" in page.content.decode()
        assert "Theirs" not in page.content.decode()
    for rest in ("", "disconnect/"):
        assert bob.post(address(boards, rest), form(theirs)).status_code == 404

    assert service.calls == []


def test_a_viewer_may_not(service: WebhookService, alice: Client, boards: Flow, connection: Connection) -> None:
    Membership.objects.update(role=Role.VIEWER)

    assert alice.get(address(boards)).status_code == 403
    assert alice.post(address(boards), form(connection)).status_code == 403
    assert "Connect to Trello" not in text(alice, f"/flows/{boards.pk}/?step=trigger")
    assert service.calls == []


@pytest.mark.parametrize("value", ["", "x" * 1_000_000, "\x00", "{{ 1 }}", "../me", '"><script>'])
def test_hostile_values(
    service: WebhookService, alice: Client, boards: Flow, connection: Connection, value: str
) -> None:
    page = alice.post(address(boards), form(connection, **{"in.board_id": value}))

    assert page.status_code in (400, 422)
    assert "><script>" not in page.content.decode()
    assert service.calls == []


def test_what_there_is_to_see_without_an_offer(alice: Client, flow: Flow, boards: Flow) -> None:
    assert "Relay can't create the webhook for this sender" in text(alice, address(flow))
    assert "There is no connection to Trello yet" in text(alice, address(boards))
    assert alice.post(address(flow), {"connection": 1}).status_code == 422


def test_one_that_fails(service: WebhookService, alice: Client, boards: Flow, connection: Connection) -> None:
    alice.post(address(boards), form(connection))
    TriggerSubscription.objects.update(state=SubscriptionState.FAILING, error="Trello <b>is away")

    page = text(alice, address(boards))

    assert "The webhook at Trello can't be renewed." in page
    assert "Trello &lt;b&gt;is away" in page


def test_another_public_url(
    service: WebhookService, alice: Client, boards: Flow, connection: Connection, settings: Any
) -> None:
    alice.post(address(boards), form(connection))
    assert "a former URL" not in text(alice, address(boards))

    settings.INGEST_URL = "https://hooks.example.com"

    assert "It sends to a former URL of this flow" in text(alice, address(boards))


def test_its_issue(service: WebhookService, alice: Client, boards: Flow, connection: Connection) -> None:
    alice.post(address(boards), form(connection))
    subscription_issues.record(TriggerSubscription.objects.get(), boards, "Trello <b>is away")
    issue = Issue.objects.get()

    listed, page = text(alice, "/issues/"), text(alice, f"/issues/{issue.ref}/")

    assert "The webhook can&#x27;t be renewed: Trello &lt;b&gt;is away" in listed
    assert "1 failure" in listed
    assert f'href="{address(boards)}"' in page
    assert "Error of the last try" in page
    assert "/runs/" not in page.partition("<main")[2].replace('href="/runs/"', "")
    alice.post(address(boards, "disconnect/"))
    assert Issue.objects.get().state == "resolved"


@pytest.mark.parametrize("about", ["mail in the inbox", "another resource"])
def test_a_choice_shows_the_field_that_it_asks_for(service: WebhookService, alices: World, about: str) -> None:
    alice, workspace = alices
    document = {"relay": 1, "name": "G", "trigger": {"kind": "webhook", "preset": "microsoft_graph"}, "steps": []}
    flow, graph = flow_lifecycle.create_flow(workspace, document), webhook_service.graph_connection(workspace)
    given = {"connection": graph.pk, "in.about": about, "in.resource": "", "in.changes": "made up"}

    page = " ".join(alice.post(address(flow), given).content.decode().split())

    assert f'<option value="{about}" selected>' in page
    assert "Choose one of" not in page
    part = page[page.index('data-when="in.about"') :].partition(">")[0]
    assert 'data-when-values="another resource"' in part
    assert ("hidden" in part) is (about == "mail in the inbox")
    assert ("Resource is empty" in page) is (about == "another resource")


def test_a_trigger_that_is_being_connected_offers_to_look_again(
    service: WebhookService, alice: Client, boards: Flow, connection: Connection
) -> None:
    alice.post(address(boards), form(connection))
    ahead = timezone.now() + timedelta(minutes=1)
    TriggerSubscription.objects.update(state=SubscriptionState.CONNECTING, due_at=ahead)

    page = text(alice, address(boards))
    assert "Check again" in page
    assert "Disconnect</button>" not in page

    TriggerSubscription.objects.update(due_at=ahead - timedelta(hours=1))  # its process has died
    assert "Disconnect</button>" in text(alice, address(boards))
