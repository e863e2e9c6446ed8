"""A worker asks the service about actions with an unknown outcome, against a real server."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from relay.engine.configuration import connections
from relay.engine.database import statements
from relay.engine.runs import run_actions
from relay.engine.settle import settle
from relay.engine.walk import unknown_outcomes
from relay.engine.walk.runner import walk
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import HeldBy, Run, RunState, Workspace
from tests.engine.conftest import posting
from tests.engine.flow_control.test_circuit_breaker import sending_to
from tests.support.running import wait_until

pytestmark = pytest.mark.django_db(transaction=True)

BUY = {
    "id": "buy",
    "kind": "action",
    "action": "easypost.buy_label",
    "connection": "Labels",
    "inputs": {"shipment_id": "shp_{{ event.body.id }}", "rate_id": "rate_1"},
}
AFTER = {"id": "after", "kind": "set", "values": {"label": "{{ steps.buy.label_url }}"}}
BOUGHT = {"id": "shp_7", "postage_label": {"label_url": "https://labels.example/7.png"}}


class Shop:
    """EasyPost, as far as it goes: what it answers, and how often it was asked for what."""

    def __init__(self, server: HTTPServer) -> None:
        self.server = server
        self.bought = self.asked = 0
        self.answers_sales = True
        self.broken = False
        self.over = threading.Event()
        server.expect_request("/v2/shipments/shp_7/buy", method="POST").respond_with_handler(self._buy)
        server.expect_request("/v2/shipments/shp_7", method="GET").respond_with_handler(self._shipment)

    def _buy(self, _: Request) -> Response:
        self.bought += 1
        if not self.answers_sales:
            self.over.wait(5)
        return _json(BOUGHT)

    def _shipment(self, _: Request) -> Response:
        self.asked += 1
        if self.broken:
            return Response("gateway", status=502)
        return _json(BOUGHT if self.bought else {"id": "shp_7", "postage_label": None})


def _json(body: dict[str, Any]) -> Response:
    return Response(json.dumps(body), content_type="application/json")


@pytest.fixture
def shop(destination: HTTPServer) -> Any:
    shop = Shop(destination)
    yield shop
    shop.over.set()


@pytest.fixture
def buying(workspace: Workspace, live, arrive, walkers: WalkThreads, shop: Shop) -> Run:
    """A run whose action buys a label."""
    connections.set_connection(workspace, "Labels", "easypost", {"api_key": "EZTK0123456789abcdef"})
    walkers._sender = sending_to(shop.server, "https://api.easypost.com")
    (run,) = arrive(live({**posting(""), "steps": [BUY, AFTER]}))
    return run


def crashed(run: Run, walkers: WalkThreads) -> None:
    """A worker marks it as about to be sent, claims it, and dies; another one finds it so."""
    settle.settle([walk(claim.claim()[0], walkers._sender, walkers.limiter)])
    assert len(claim.claim()) == 1
    due(run)
    work(walkers=walkers)


def due(run: Run) -> None:
    """As if the time had come."""
    Run.objects.filter(pk=run.pk).update(due_at=statements.now())


def found(run: Run) -> tuple[str, str]:
    run.refresh_from_db()
    return run.state, run.held_by


def test_what_was_done_before_the_time_out_is_found(buying: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.answers_sales = False
    work(walkers=walkers)
    before = found(buying)
    shop.over.set()
    work(walkers=walkers)
    too_soon = shop.asked

    due(buying)
    work(walkers=walkers)

    assert before == (RunState.HELD, HeldBy.UNKNOWN)
    assert too_soon == 0
    assert found(buying) == (RunState.SUCCEEDED, "")
    assert (shop.bought, shop.asked) == (1, 1)
    assert buying.steps[1]["outputs"] == {"label": BOUGHT["postage_label"]["label_url"]}
    tries = [(one.state, (one.request or {})["method"], one.status) for one in buying.attempts.order_by("id")]
    assert tries == [("unknown", "POST", None), ("succeeded", "GET", 200)]


def test_what_was_not_done_before_a_crash_is_done_once(buying: Run, walkers: WalkThreads, shop: Shop) -> None:
    crashed(buying, walkers)
    before = found(buying)

    due(buying)
    work(walkers=walkers)

    assert before == (RunState.HELD, HeldBy.UNKNOWN)
    assert found(buying) == (RunState.SUCCEEDED, "")
    assert (shop.bought, shop.asked) == (1, 1)


def test_a_service_that_does_not_tell_leaves_it_to_a_person(buying: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.broken = True
    crashed(buying, walkers)
    waits = []
    while found(buying) and buying.due_at is not None:
        waits.append(round((statements.micros(buying.due_at) - statements.now()) / 1e6))
        due(buying)
        work(walkers=walkers)

    assert waits == sorted(waits)
    assert len(waits) == shop.asked == unknown_outcomes.MAX_QUESTIONS
    assert waits[0] >= unknown_outcomes.MIN_SECONDS - 1
    assert found(buying) == (RunState.HELD, HeldBy.UNKNOWN)
    assert "EasyPost was asked whether it was done, and could not tell" in buying.reason
    assert shop.bought == 0
    run_actions.was_done(buying)
    assert [entry["id"] for entry in buying.steps] == ["buy"]


@pytest.mark.parametrize(("decide", "bought"), [(run_actions.send_again, 1), (run_actions.was_done, 0)])
def test_a_person_may_be_first(buying: Run, walkers: WalkThreads, shop: Shop, decide: Any, bought: int) -> None:
    crashed(buying, walkers)
    buying.refresh_from_db()

    decide(buying)
    work(walkers=walkers)

    buying.refresh_from_db()
    assert buying.is_final
    assert (shop.bought, shop.asked) == (bought, 0)


def test_a_worker_that_dies_while_it_asks_is_followed_by_another(buying: Run, walkers: WalkThreads, shop: Shop) -> None:
    shop.answers_sales = False
    work(walkers=walkers)
    shop.over.set()
    due(buying)
    assert len(claim.claim()) == 1  # by a worker that dies
    due(buying)

    work(walkers=walkers)

    assert found(buying) == (RunState.SUCCEEDED, "")
    assert (shop.bought, shop.asked) == (1, 1)


def test_without_its_connection_it_stays_unknown(buying: Run, walkers: WalkThreads, shop: Shop) -> None:
    crashed(buying, walkers)
    buying.workspace.connections.all().delete()

    due(buying)
    work(walkers=walkers)

    assert found(buying) == (RunState.HELD, HeldBy.UNKNOWN)
    assert "does not exist" in buying.reason
    assert shop.bought == shop.asked == 0


def test_one_that_goes_on_waits_for_its_turn_to_ask(buying: Run, walkers: WalkThreads, shop: Shop) -> None:
    crashed(buying, walkers)
    buying.flow.versions.update(document={**buying.flow.draft, "settings": {"concurrency": 1}})
    claim.plan.cache_clear()
    walkers.limiter._flows[buying.flow_id] = 1  # another run of it is under way

    due(buying)
    work(walkers=walkers)

    assert found(buying) == (RunState.HELD, HeldBy.UNKNOWN)
    assert buying.marked_fence == -1
    assert shop.asked == 0


def test_a_sale_that_goes_on_is_not_asked_about(buying: Run, walkers: WalkThreads, shop: Shop) -> None:
    work(walkers=walkers)

    wait_until(lambda: found(buying) == (RunState.SUCCEEDED, ""))
    assert (shop.bought, shop.asked) == (1, 0)
