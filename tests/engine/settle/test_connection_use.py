"""Tests that the last use of a connection is stored, and that this costs runs no query of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from pytest_httpserver import HTTPServer

from relay.engine.configuration import connections
from relay.engine.flow_control.limiter import Limiter
from relay.engine.settle import connection_use
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Connection, Flow, Run, Workspace
from relay.outbound import Sender
from tests.engine.conftest import posting
from tests.support.service_double import BOARD, TRELLO

CARD = {"id": "card", "kind": "action", "action": "trello.create_card", "connection": "Trello"}
DOCUMENT: dict[str, Any] = {
    "relay": 1,
    "name": "Cards",
    "trigger": {"kind": "webhook"},
    "steps": [{**CARD, "inputs": {"list_id": BOARD, "name": "x"}}],
}


@pytest.fixture(autouse=True)
def notes(monkeypatch: pytest.MonkeyPatch) -> connection_use.UseNotes:
    """Those of a new process."""
    notes = connection_use.UseNotes()
    monkeypatch.setattr(connection_use, "note", notes.note)
    monkeypatch.setattr(connection_use, "store", notes.store)
    return notes


@pytest.fixture
def trello_walkers(httpserver: HTTPServer) -> WalkThreads:
    origins = {"https://api.trello.com": httpserver.url_for("").rstrip("/")}
    sender = Sender(allowed_networks=("127.0.0.0/8",), origins=origins, timeout=2.0)
    return WalkThreads(sender, most=4, limiter=Limiter(threads=16))


def updates(queries: CaptureQueriesContext) -> list[str]:
    return [query["sql"] for query in queries.captured_queries if 'UPDATE "relay_connection"' in query["sql"]]


def test_a_use_and_a_success_are_stored_once_a_minute(
    workspace: Workspace,
    live: Callable[[dict[str, Any]], Flow],
    arrive: Callable[..., list[Run]],
    trello_walkers: WalkThreads,
    httpserver: HTTPServer,
) -> None:
    connections.set_connection(workspace, "Trello", "trello", TRELLO)
    flow = live(DOCUMENT)
    httpserver.expect_ordered_request("/1/cards").respond_with_data("invalid id", 400)
    for _ in range(6):
        httpserver.expect_ordered_request("/1/cards").respond_with_json({"id": "c"})
    sent = []
    for count in (1, 1, 5):
        with CaptureQueriesContext(database) as queries:
            arrive(flow, *[b"{}"] * count)
            while work(walkers=trello_walkers, linger=0.0):
                pass
        row = Connection.objects.get()
        sent.append((len(updates(queries)), row.used_at is not None, row.succeeded_at is not None))

    assert sent == [(1, True, False), (1, True, True), (0, True, True)]
    assert Connection.objects.get().changed_at < Connection.objects.get().used_at  # type: ignore[operator]


def test_a_flow_without_a_connection_stores_nothing(
    live: Callable[[dict[str, Any]], Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    destination: HTTPServer,
    notes: connection_use.UseNotes,
) -> None:
    destination.expect_request("/").respond_with_data("ok")
    arrive(live(posting(destination.url_for("/"))))

    with CaptureQueriesContext(database) as queries:
        while work(walkers=walkers, linger=0.0):
            pass

    assert Run.objects.get().state == "succeeded"
    assert updates(queries) == []
    assert (notes._due, notes._again_at) == ({}, {})


def test_a_later_time_stays(workspace: Workspace, notes: connection_use.UseNotes) -> None:
    connections.set_connection(workspace, "Trello", "trello", TRELLO)
    key = connection_use._Use(workspace.pk, "Trello", succeeded=True)

    for moment in (2_000_000_000_000_000, 1_000_000_000_000_000):
        notes._due = {key: moment}
        notes.store()

    row = Connection.objects.get()
    assert row.used_at == row.succeeded_at
    assert row.used_at is not None
    assert row.used_at.year == 2033


def test_the_notes_are_bounded(notes: connection_use.UseNotes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_use, "MAX_NOTED", 10)

    for number in range(100):
        notes._note(connection_use._Use(number, "x", succeeded=False), 1)

    assert len(notes._again_at) <= 10
