"""The page of a run, the API and search show each call of an action that makes several."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from pytest_httpserver import HTTPServer

from relay.engine.configuration import connections, flow_lifecycle
from relay.engine.upkeep import search_index
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Run, Workspace
from tests.engine.conftest import arrive, walkers  # noqa: F401
from tests.engine.flow_control.test_circuit_breaker import sending_to

pytestmark = pytest.mark.django_db(transaction=True)
TOKEN = "feedfacefeedfacefeed"
SAVE = {
    "id": "save",
    "kind": "action",
    "action": "pipedrive.save_person",
    "connection": "P",
    "inputs": {"email": "a@b.example", "name": "Ada"},
}


@pytest.fixture
def run(alices: tuple[Client, Workspace], arrive: Any, walkers: WalkThreads, httpserver: HTTPServer) -> Run:  # noqa: F811
    found = {"success": True, "data": {"items": [{"item": {"id": 12, "note": f"marigold {TOKEN}"}}]}}
    httpserver.expect_request("/api/v2/persons/search").respond_with_json(found)
    httpserver.expect_request("/api/v2/persons/12").respond_with_json({"success": True, "data": {"id": 12}})
    connections.set_connection(alices[1], "P", "pipedrive", {"token": TOKEN})
    walkers._sender = sending_to(httpserver, "https://api.pipedrive.com")
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [SAVE]}
    (run,) = arrive(flow_lifecycle.import_document(alices[1], document, publish_it=True))
    work(walkers=walkers)
    run.refresh_from_db()
    assert run.state == "succeeded", run.reason
    return run


def test_the_page_shows_each_call_with_its_label(alice: Client, run: Run) -> None:
    page = alice.get(f"/runs/{run.ref}/").content.decode()

    assert "Look up the person: try 1" in page
    assert "persons/search" in page
    assert "PATCH https://api.pipedrive.com/api/v2/persons/12" in page
    assert "with 2 tries" not in page
    assert TOKEN not in page


def test_everything_of_a_step_can_be_downloaded(alice: Client, run: Run) -> None:
    whole = json.loads(alice.get(f"/runs/{run.ref}/steps/save/").content)
    call = json.loads(alice.get(f"/runs/{run.ref}/steps/save.find/").content)

    assert [one["step"] for one in whole["attempts"]] == ["save.find", "save"]
    assert [one["step"] for one in call["attempts"]] == ["save.find"]
    assert TOKEN not in json.dumps((whole, call))


def test_a_run_is_found_by_the_answer_of_a_call(alice: Client, run: Run) -> None:
    search_index.index_some(5)

    assert run.ref in alice.get("/runs/?text=marigold").content.decode()
    assert run.ref not in alice.get("/runs/?text=snapdragon").content.decode()


def test_the_question_before_a_replay_counts_the_action_once(alice: Client, run: Run) -> None:
    page = alice.post(f"/runs/{run.ref}/act/", {"do": "from_start"}).content.decode()

    assert "1 step of this run succeeded before" in " ".join(page.split())
    assert TOKEN not in page
