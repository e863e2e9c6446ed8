"""Tests the choices beside a field: with and without scripts, as JSON, and what strangers and viewers get."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.engine.configuration import connections, flow_lifecycle
from relay.engine.service_calls import option_source
from relay.models import Flow, Membership, Role, Workspace
from relay.web.editor import choices
from relay.web.editor.choice_picks import with_picks
from tests.support import service_double
from tests.support.browsing import collapsed
from tests.support.service_double import BOARD, TRELLO, ServiceDouble, answer
from tests.web.conftest import posted

LIST = "5abbe4b7ddc1b351ef961414"
STEP = {"id": "card", "kind": "action", "action": "trello.create_card", "connection": "Trello"}
INPUTS = {"board_id": BOARD, "list_id": LIST, "name": "x"}
DOCUMENT: dict[str, Any] = {
    "relay": 1,
    "name": "Cards",
    "trigger": {"kind": "webhook"},
    "steps": [{**STEP, "inputs": INPUTS}],
}
HOSTILE = '"><script>alert(1)</script>{{ 7 * 7 }}'


@pytest.fixture
def service(httpserver: HTTPServer, settings: Any) -> Iterator[ServiceDouble]:
    with service_double.in_place_of(httpserver, settings, service_double.TRELLO_ORIGIN) as double:
        boards = [{"id": BOARD, "name": "Orders"}, {"id": "5abbe4b7ddc1b351ef960000", "name": HOSTILE}]
        double.answers["/1/members/me/boards"] = answer(boards)
        double.answers[f"/1/boards/{BOARD}/lists"] = answer(
            [{"id": LIST, "name": "Doing"}, {"id": "d" * 24, "name": "Done"}]
        )
        double.answers[f"/1/boards/{BOARD}/labels"] = answer([{"id": "e" * 24, "name": "", "color": "red"}])
        yield double


@pytest.fixture
def flow(alices: tuple[Client, Workspace], service: ServiceDouble) -> Flow:
    connections.set_connection(alices[1], "Trello", "trello", TRELLO)
    return flow_lifecycle.import_document(alices[1], DOCUMENT)


def form(field: str, **inputs: str) -> dict[str, str]:
    """The open step's form, as the page posts it, and the field whose choices are asked for."""
    values = {**INPUTS, **inputs}
    posted = {f"in.{key}": value for key, value in values.items()}
    return {"step": "card", "form": "1", "connection": "Trello", **posted, "field": field}


def ask(client: Client, flow: Flow, field: str, *, more: dict[str, str] | None = None, **inputs: str) -> Any:
    return client.post(f"/flows/{flow.pk}/choices/", {**form(field, **inputs), **(more or {})})


def as_json(client: Client, flow: Flow, field: str, **inputs: str) -> Any:
    sent = form(field, **inputs)
    return client.post(f"/flows/{flow.pk}/choices/", sent, headers={"Accept": "application/json"}).json()


def test_a_field_with_a_source_offers_its_choices(alice: Client, flow: Flow, service: ServiceDouble) -> None:
    page = alice.get(f"/flows/{flow.pk}/?step=card").content.decode()

    assert page.count("Load choices") == 4
    assert service.requests == []


def test_choices_as_html(alice: Client, flow: Flow) -> None:
    page = collapsed(ask(alice, flow, "in.board_id"))

    assert f'<option value="{BOARD}">Orders</option>' in page
    assert "<script>" not in page
    assert "&quot;&gt;&lt;script&gt;" in page
    assert "Chosen: Orders" in page
    assert 'name="pick.in.board_id"' in page


def test_choices_as_json(alice: Client, flow: Flow) -> None:
    assert as_json(alice, flow, "in.list_id") == {
        "choices": [{"value": LIST, "label": "Doing"}, {"value": "d" * 24, "label": "Done"}],
        "more": False,
        "error": "",
    }
    assert as_json(alice, flow, "in.label_ids")["choices"] == [{"value": "e" * 24, "label": "red"}]


def test_nothing_is_saved_by_asking(alice: Client, flow: Flow) -> None:
    ask(alice, flow, "in.list_id", name="another name")

    flow.refresh_from_db()
    assert flow.draft["steps"][0]["inputs"]["name"] == "x"


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"board_id": ""}, "Choose Board first"),
        ({"board_id": "{{ event.body.board }}"}, "Board is a template"),
        ({"board_id": "no board"}, "Board doesn&#x27;t look right"),
        ({"board_id": "0" * 24}, "The answer was 404"),
    ],
)
def test_why_there_are_none(alice: Client, flow: Flow, inputs: dict[str, str], sentence: str) -> None:
    page = collapsed(ask(alice, flow, "in.list_id", **inputs))

    assert sentence in page
    assert 'hx-trigger="choices, change from:#f-connection, change from:#f-in-board-id"' in page
    assert TRELLO["token"] not in page


def test_a_step_without_a_connection(alice: Client, flow: Flow, service: ServiceDouble) -> None:
    for name in ("", "Missing"):
        assert "Choose a connection first" in collapsed(ask(alice, flow, "in.list_id", more={"connection": name}))
    assert service.requests == []


def test_a_connection_of_another_service_is_not_used(
    alices: tuple[Client, Workspace], flow: Flow, service: ServiceDouble
) -> None:
    alice, workspace = alices
    connections.set_connection(workspace, "Hub", "hubspot", {"token": "pat-eu1-0a1b2c3d"})

    assert "Choose a connection first" in collapsed(ask(alice, flow, "in.list_id", more={"connection": "Hub"}))
    assert service.requests == []


def test_another_workspaces_flow_and_connection(
    bobs: tuple[Client, Workspace], flow: Flow, service: ServiceDouble
) -> None:
    bob, workspace = bobs
    own = flow_lifecycle.import_document(workspace, DOCUMENT)

    assert ask(bob, flow, "in.list_id").status_code == 404
    assert "Choose a connection first" in collapsed(ask(bob, own, "in.list_id"))
    assert service.requests == []


def test_a_viewer_gets_none(alices: tuple[Client, Workspace], flow: Flow, service: ServiceDouble) -> None:
    alice, workspace = alices
    Membership.objects.filter(workspace=workspace).update(role=Role.VIEWER)

    assert ask(alice, flow, "in.list_id").status_code == 403
    page = alice.get(f"/flows/{flow.pk}/?step=card&choices=in.list_id").content.decode()
    assert "Doing" not in page
    assert "Load choices" not in page
    assert service.requests == []


@pytest.mark.parametrize("field", ["", "in.name", "in.nothing", "name", "in.list_id" * 100, "in.board_id.0"])
def test_a_field_without_choices(alice: Client, flow: Flow, field: str) -> None:
    assert ask(alice, flow, field).status_code == 404


@pytest.mark.parametrize("step", ["trigger", "flow", "nothing", ""])
def test_a_card_without_choices(alice: Client, flow: Flow, step: str) -> None:
    assert ask(alice, flow, "in.list_id", more={"step": step, "name": "x"}).status_code == 404


def test_without_scripts(alice: Client, flow: Flow) -> None:
    """A button loads the choices; the one that is picked is in the field after the next save."""
    address = f"/flows/{flow.pk}/edit/"
    page = alice.post(address, {**form("", name="typed"), "do": "choices in.list_id"}, follow=True)

    assert "Chosen: Doing" in collapsed(page)
    assert f'<option value="{"d" * 24}">Done</option>' in collapsed(page)
    alice.post(address, {**form(""), "pick.in.list_id": "d" * 24, "add.in.label_ids": "e" * 24, "do": "save"})
    flow.refresh_from_db()
    inputs = flow.draft["steps"][0]["inputs"]
    assert (inputs["list_id"], inputs["label_ids"]) == ("d" * 24, ["e" * 24])


def test_a_typed_value_and_a_template_stay(alice: Client, flow: Flow) -> None:
    typed = {"list_id": "{{ event.body.list }}", "label_ids": "mine"}

    for do in ("choices in.list_id", "choices in.label_ids", "save"):
        alice.post(f"/flows/{flow.pk}/edit/", {**form("", **typed), "pick.in.list_id": "", "do": do}, follow=True)

    flow.refresh_from_db()
    inputs = flow.draft["steps"][0]["inputs"]
    assert (inputs["list_id"], inputs["label_ids"]) == ("{{ event.body.list }}", ["mine"])


def test_picks_go_into_their_fields() -> None:
    data = posted(**{"in.a": "old", "pick.in.a": "new", "in.b": "one\ntwo", "add.in.b": "two", "pick.in.c": ""})

    merged = with_picks(data)

    assert (merged["in.a"], merged["in.b"], "in.c" in merged) == ("new", "one\ntwo", False)
    assert with_picks(posted(**{"in.a": "x"}))["in.a"] == "x"


def test_a_loaded_list_is_shown_again_without_a_request(alice: Client, flow: Flow, service: ServiceDouble) -> None:
    ask(alice, flow, "in.list_id")
    count = len(service.requests)

    page = collapsed(alice.get(f"/flows/{flow.pk}/?step=card"))

    assert "Chosen: Doing" in page
    assert len(service.requests) == count
    ask(alice, flow, "in.list_id", more={"fresh": "1"})
    assert len(service.requests) == count + 1


def test_a_long_list_is_cut_and_searched(alice: Client, flow: Flow, service: ServiceDouble) -> None:
    rows = [{"id": f"{number:024}", "name": f"List {number}"} for number in range(10_000)]
    service.answers[f"/1/boards/{BOARD}/lists"] = answer(rows)

    page = collapsed(ask(alice, flow, "in.list_id"))
    found = collapsed(ask(alice, flow, "in.list_id", more={"find.in.list_id": "list 9999"}))

    assert page.count("<option value=") == choices.MAX_SHOWN + 1
    assert "There are more" in page
    assert f'<option value="{9999:024}">List 9999</option>' in found
    assert "There are more" not in found
    assert len(service.requests) == 1


def test_a_refused_credential_is_said(alice: Client, flow: Flow, service: ServiceDouble) -> None:
    service.answers[f"/1/boards/{BOARD}/lists"] = answer(f"invalid token {TRELLO['token']}", 401)

    page = collapsed(ask(alice, flow, "in.list_id"))

    assert "Trello refuses the credential. The answer was 401: invalid token ••••••" in page
    assert TRELLO["token"] not in page


@pytest.mark.django_db(transaction=True)
def test_a_slow_service_holds_back_no_other_page(flow: Flow, alice: Client, service: ServiceDouble) -> None:
    """All that a workspace may do at once waits for a slow service; its pages are shown all the same."""
    asked, goes = threading.Event(), threading.Event()

    def slow(_: Request) -> Response:
        asked.set()
        goes.wait(60)
        return answer([])

    service.answers["/1/members/me/boards"] = slow
    answers: list[int] = []

    def wait() -> None:
        from django.db import connection

        answers.append(ask(alice, flow, "in.board_id", more={"fresh": "1"}).status_code)
        connection.close()

    threads = [threading.Thread(target=wait) for _ in range(6)]
    for thread in threads:
        thread.start()
    try:
        assert asked.wait(60)
        assert alice.get("/connections/").status_code == 200
        assert alice.get(f"/flows/{flow.pk}/?step=card").status_code == 200
        assert answers == []
    finally:
        goes.set()
        for thread in threads:
            thread.join(60)
    assert answers == [200] * 6
    option_source.forget()
