"""A person connects by OAuth: the way to the service and back, and everything that may go wrong on it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests
import time_machine
from django.conf import settings
from django.db import connections as databases
from django.test import Client

from relay.connectors import registry
from relay.engine.configuration import connections
from relay.engine.oauth import authorizations, clients
from relay.engine.service_calls import turns
from relay.models import (
    AuditEntry,
    Connection,
    Membership,
    OAuthClient,
    PendingAuthorization,
    Role,
    User,
    Workspace,
)
from tests.support.authorization_server import CLIENT_ID, CLIENT_SECRET, EXAMPLE, AuthorizationServer
from tests.support.browsing import Browser
from tests.support.running import wait_until

pytestmark = pytest.mark.django_db
World = tuple[Client, Workspace]


@pytest.fixture
def connection(alices: World, server: AuthorizationServer) -> Connection:
    server.redirects = {clients.redirect_address()}
    clients.set_client(alices[1], "example", CLIENT_ID, CLIENT_SECRET)
    return connections.set_connection(alices[1], "Ex", "example", {"region": "eu"})


def address(connection: Connection, rest: str = "") -> str:
    return f"/connections/{connection.pk}/access/{rest}"


def leave(person: Client, connection: Connection) -> str:
    """The URL of the service to which the person is sent."""
    page = person.post(address(connection, "connect/"))
    assert page.status_code == 200
    return str(page.context["url"])


def decide(server: AuthorizationServer, url: str, decision: str = "allow") -> str:
    """The address to which the service sends the browser back, as a path."""
    answer = requests.get(
        f"{server.url}{urlsplit(url).path}?{urlsplit(url).query}&decision={decision}", allow_redirects=False, timeout=5
    )
    assert answer.status_code == 302, answer.text
    back = answer.headers["Location"]
    assert back.startswith(clients.redirect_address())
    return back.removeprefix(settings.PUBLIC_URL)


def messages(person: Client, back: str) -> str:
    return person.get(back, follow=True).content.decode()


def is_connected() -> bool:
    return bool(Connection.objects.get().connected_at)


def test_a_person_connects(alice: Client, connection: Connection, server: AuthorizationServer) -> None:
    url = leave(alice, connection)
    query = parse_qs(urlsplit(url).query)
    page = messages(alice, decide(server, url))

    values = Connection.objects.get().unseal()
    assert query["scope"] == ["read write"]
    assert query["code_challenge_method"] == ["S256"]
    assert "“Ex” is connected" in page
    assert "ada@example.com" in page
    assert "read contacts" in page
    assert server.accepts(f"Bearer {values['access_token']}")
    assert (values["region"], values["account"]) == ("eu", "A-1")
    assert not any(values[key] in page for key in ("access_token", "refresh_token"))
    assert AuditEntry.objects.get(verb="connection.connected").change == "Connected as ada@example.com"
    assert not PendingAuthorization.objects.exists()


def test_the_way_to_the_service_is_no_redirect_of_a_form(alice: Client, connection: Connection) -> None:
    page = alice.post(address(connection, "connect/"))

    assert 'http-equiv="refresh"' in page.content.decode()
    assert "form-action 'self'" in page["Content-Security-Policy"]
    assert "no-store" in page["Cache-Control"]


def test_an_answer_works_once(alice: Client, connection: Connection, server: AuthorizationServer) -> None:
    back = decide(server, leave(alice, connection))
    alice.get(back)
    before = Connection.objects.get().unseal()

    page = messages(alice, back)

    assert "belongs to no authorization that you have started" in page
    assert Connection.objects.get().unseal() == before


def test_a_stolen_state_is_refused_and_stays_with_its_owner(
    alices: World,
    bobs: World,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    alice, workspace = alices
    back = decide(server, leave(alice, connection))
    colleague = Browser()
    user = User.objects.create_user("eve@example.com", "correct horse battery")
    Membership.objects.create(workspace=workspace, user=user, role=Role.OWNER)
    colleague.force_login(user)
    elsewhere = Browser()
    elsewhere.force_login(User.objects.get(email="alice@example.com"))

    pages = [messages(person, back) for person in (bobs[0], colleague, elsewhere)]
    signed_out = Browser().get(back)

    assert all("belongs to no authorization" in page for page in pages)
    assert signed_out["Location"].startswith("/sign-in/")
    assert not is_connected()
    assert "is connected" in messages(alice, back)


def test_a_state_belongs_to_its_workspace(alices: World, connection: Connection, server: AuthorizationServer) -> None:
    alice, _ = alices
    other = Workspace.objects.create(name="Other")
    Membership.objects.create(workspace=other, user=User.objects.get(email="alice@example.com"), role=Role.OWNER)
    back = decide(server, leave(alice, connection))
    alice.post(f"/workspace/open/{other.pk}/")

    assert "belongs to no authorization" in messages(alice, back)
    assert not is_connected()


def test_a_state_ends(alice: Client, connection: Connection, server: AuthorizationServer) -> None:
    back = decide(server, leave(alice, connection))

    with time_machine.travel(time.time() + authorizations.STATE_SECONDS + 1, tick=True):
        page = messages(alice, back)

    assert "older than 10 minutes" in page
    assert not is_connected()


def test_only_the_newest_state_of_a_person_works(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    first, second = (decide(server, leave(alice, connection)) for _ in range(2))

    assert "belongs to no authorization" in messages(alice, first)
    assert "is connected" in messages(alice, second)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?state=",
        "?state=x&code=y",
        "?state=%00&code=%00",
        f"?state={'s' * 20_000}&code=c",
        "?error=access_denied&error_description=<script>",
        "?state=%ED%A0%80&code=c",
        "?code=only",
    ],
)
def test_a_made_up_answer_is_refused(alice: Client, connection: Connection, query: str) -> None:
    page = messages(alice, f"/connections/authorized/{query}")

    assert "belongs to no authorization" in page
    assert "<script>" not in page
    assert not is_connected()


@pytest.mark.parametrize(
    ("said", "is_taken"),
    [
        ("https://accounts.example.com", True),
        ("", False),  # its metadata declares that it says it
        ("https://accounts.example.com/", False),
        ("https://ACCOUNTS.example.com", False),
        ("https://evil.example", False),
        ("https://accounts.example.com" + "x" * 20_000, False),
    ],
)
def test_an_answer_of_another_server_is_refused(
    alice: Client, connection: Connection, server: AuthorizationServer, monkeypatch: Any, said: str, is_taken: bool
) -> None:
    assert EXAMPLE.oauth is not None
    issuing = replace(EXAMPLE, auth=replace(EXAMPLE.oauth, issuer="https://accounts.example.com"))
    monkeypatch.setitem(registry._connectors(), "example", issuing)
    back = decide(server, leave(alice, connection))

    page = messages(alice, f"{back}&{urlencode({'iss': said})}" if said else back)

    assert is_connected() is is_taken
    assert ("come from the service to which you were sent" in page) is not is_taken
    assert server.asked["authorization_code"] == int(is_taken)


def test_an_issuer_that_nobody_declared_is_not_read(
    alice: Client, connection: Connection, server: AuthorizationServer
) -> None:
    messages(alice, decide(server, leave(alice, connection)) + "&iss=https://other.example")

    assert is_connected()


@pytest.mark.parametrize("path", ["renew/", "disconnect/"])
def test_calls_of_the_service_take_turns(
    alices: World, connection: Connection, server: AuthorizationServer, path: str
) -> None:
    alice, workspace = alices
    messages(alice, decide(server, leave(alice, connection)))
    back = decide(server, leave(alice, connection))
    going = threading.Event()
    threads = [
        threading.Thread(target=lambda: turns.in_turn(workspace.pk, lambda: going.wait(20)), daemon=True)
        for _ in range(9)
    ]
    for thread in threads:
        thread.start()
    try:
        wait_until(lambda: len(turns._CALLS._waiting.get(workspace.pk, ())) == 8)
        asked = dict(server.asked)
        refused = alice.post(address(connection, path), follow=True).content.decode()
        refused_answer = messages(alice, back)
    finally:
        going.set()
        for thread in threads:
            thread.join(20)

    assert "asks for too many service calls at once" in refused
    assert "asks for too many service calls at once" in refused_answer
    assert dict(server.asked) == asked
    assert "is connected" in messages(alice, back)


@pytest.mark.parametrize(
    ("forged", "words"),
    [("guess", "no longer accepts this authorization"), ("c" * 9_000, "a code that is too long")],
)
def test_a_code_that_the_service_did_not_give_is_refused(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
    forged: str,
    words: str,
) -> None:
    state = parse_qs(urlsplit(leave(alice, connection)).query)["state"][0]

    assert words in messages(alice, f"/connections/authorized/?state={state}&code={forged}")
    assert not is_connected()


def test_a_code_of_another_authorization_is_refused(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    """A code from another person's browser is refused, because its verifier differs."""
    stolen = parse_qs(urlsplit(decide(server, leave(alice, connection))).query)["code"][0]
    state = parse_qs(urlsplit(leave(alice, connection)).query)["state"][0]

    page = messages(alice, f"/connections/authorized/?state={state}&code={stolen}")

    assert "the verifier does not match the challenge" in page
    assert not is_connected()


def test_errors_of_the_service_are_said_in_words(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    denied = messages(alice, decide(server, leave(alice, connection), "deny"))
    server.scopes = {"read"}
    scope = messages(alice, decide(server, leave(alice, connection)))

    assert "Example: the permission was declined. Nothing has changed" in denied
    assert "The user said no" in denied
    assert "doesn&#x27;t allow these permissions" in scope
    assert "unknown: write" in scope


def test_a_redirect_address_that_differs_at_the_exchange_is_explained(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
    settings: Any,
) -> None:
    back = decide(server, leave(alice, connection))
    settings.PUBLIC_URL = "https://relay.example.com"

    assert "the redirect address isn&#x27;t the registered one" in messages(alice, back)


def test_a_wrong_client_is_explained_without_its_secret(
    alices: World,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    server.echoes = True
    back = decide(server, leave(alices[0], connection))
    clients.set_client(alices[1], "example", CLIENT_ID, "a-wrong-secret")

    page = messages(alices[0], back)

    assert "doesn&#x27;t accept the client&#x27;s id and secret" in page
    assert "a-wrong-secret" not in page


def test_scopes_that_were_not_granted_are_marked(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    server.granted = "read"

    page = messages(alice, decide(server, leave(alice, connection)))

    assert page.count("not granted") == 1


def test_reconnecting_as_somebody_else_leaves_nothing_of_the_first(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    alice.get(decide(server, leave(alice, connection)))
    first = Connection.objects.get().unseal()
    alice.get(decide(server, leave(alice, connection)))
    second = Connection.objects.get()

    assert second.token_revision == 2
    assert all(second.unseal()[key] != first[key] for key in ("access_token", "refresh_token", "renewed_at"))


def test_a_person_renews_and_disconnects(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    alice.get(decide(server, leave(alice, connection)))
    renewed = alice.post(address(connection, "renew/"), follow=True).content.decode()
    page = alice.post(address(connection, "disconnect/"), follow=True).content.decode()

    assert "The access was renewed." in renewed
    assert server.refreshes == 1
    assert "is disconnected" in page
    assert "Not connected yet" in page
    assert len(server.revoked) == 1


def test_a_new_connection_leads_to_the_page_that_connects_it(alice: Client, connection: Connection) -> None:
    answer = alice.post("/connections/new/example/", {"name": "Two", "value.region": "us"})

    assert answer["Location"] == address(Connection.objects.get(name="Two"))
    assert "Connect to Example" in " ".join(alice.get(answer["Location"]).content.decode().split())
    assert "Not connected yet" in alice.get("/connections/").content.decode()


def test_without_a_client_an_owner_is_led_to_enter_one(alice: Client, connection: Connection) -> None:
    alice.post("/connections/clients/example/", {"do": "remove", "sure": "1"})
    page = alice.get(address(connection)).content.decode()
    refused = alice.post(address(connection, "connect/"), follow=True).content.decode()
    form = alice.get("/connections/clients/example/").content.decode()

    assert not OAuthClient.objects.exists()
    assert "Register a client" in page
    assert "No client is registered for Example" in refused
    assert clients.redirect_address() in form
    assert "Register it." in form


def test_a_client_is_sealed_and_its_secret_never_comes_back(alice: Client, connection: Connection) -> None:
    alice.post("/connections/clients/example/", {"client_id": "id-2", "secret": "s3cr3t-of-the-client"})
    alice.post("/connections/clients/example/", {"client_id": "id-3", "secret": ""})
    wrong = alice.post("/connections/clients/example/", {"client_id": "", "secret": "s3cr3t-of-the-client"})
    row = OAuthClient.objects.get()

    assert row.unseal() == {"client_id": "id-3", "client_secret": "s3cr3t-of-the-client"}
    assert b"s3cr3t" not in bytes(row.sealed)
    assert wrong.status_code == 422
    for page in (wrong, alice.get("/connections/clients/example/")):
        assert "s3cr3t-of-the-client" not in page.content.decode()
    assert AuditEntry.objects.filter(verb="oauth_client.set").latest("id").change == "Client id: id-3"


@pytest.mark.parametrize("secret", ["x" * 3_000, "two\nlines", "nul\x07"])
def test_a_client_that_no_header_can_carry_is_refused(alice: Client, connection: Connection, secret: str) -> None:
    assert alice.post("/connections/clients/example/", {"client_id": "i", "secret": secret}).status_code == 422


def test_roles_and_other_workspaces_are_kept_apart(alices: World, bobs: World, connection: Connection) -> None:
    viewer, editor = Browser(), Browser()
    for person, role in ((viewer, Role.VIEWER), (editor, Role.EDITOR)):
        user = User.objects.create_user(f"{role}@example.com", "correct horse battery")
        Membership.objects.create(workspace=alices[1], user=user, role=role)
        person.force_login(user)

    for way in ("", "connect/", "renew/", "disconnect/"):
        ask = "get" if not way else "post"
        assert getattr(bobs[0], ask)(address(connection, way)).status_code == 404
        assert getattr(viewer, ask)(address(connection, way)).status_code == 403
    assert editor.get(address(connection)).status_code == 200
    assert "Change the client" not in editor.get(address(connection)).content.decode()
    assert editor.get("/connections/clients/example/").status_code == 403
    assert editor.post("/connections/clients/example/", {"client_id": "x"}).status_code == 403


def test_another_service_has_no_such_page(alices: World) -> None:
    alice, workspace = alices
    slack = connections.set_connection(
        workspace, "S", "slack", {"webhook_url": "https://hooks.slack.com/services/A/B/C"}
    )

    assert alice.get(address(slack))["Location"] == f"/connections/{slack.pk}/"
    assert "not connected by OAuth" in alice.get("/connections/clients/slack/", follow=True).content.decode()
    assert "not connected by OAuth" in alice.post(address(slack, "connect/"), follow=True).content.decode()


def test_the_list_needs_no_query_for_the_access(
    alices: World,
    connection: Connection,
    django_assert_max_num_queries: Any,
) -> None:
    for number in range(5):
        connections.set_connection(alices[1], f"Ex {number}", "example", {})

    with django_assert_max_num_queries(7):
        alices[0].get("/connections/")


@pytest.mark.django_db(transaction=True)
def test_of_two_answers_at_once_one_is_taken(
    alice: Client,
    connection: Connection,
    server: AuthorizationServer,
) -> None:
    back = decide(server, leave(alice, connection))
    barrier, pages = threading.Barrier(2), []

    def answer() -> None:
        person = Browser()
        person.cookies = alice.cookies
        barrier.wait()
        pages.append(person.get(back)["Location"])
        databases.close_all()

    threads = [threading.Thread(target=answer) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert server.asked["authorization_code"] == 1
    assert sorted(pages) == sorted(["/connections/", address(connection)])
