"""What tests of recipes share: a workspace with every connection, services that answer, and events that arrive."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.engine import intake, publish, recipes
from relay.engine.connections import set_connection
from relay.engine.eventshape import event_of
from relay.engine.gates import Gates
from relay.engine.intake import Arrival, Doors
from relay.engine.recipes import Wanted
from relay.engine.walkers import Walkers
from relay.engine.work import work
from relay.models import Flow, Run, Workspace
from relay.outbound import Sender
from relay.recipes.shelf import Recipe
from tests.recipes.services import CONNECTIONS, ORIGINS, Services


@pytest.fixture
def services(httpserver: HTTPServer) -> Services:
    found = Services()
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(found.answer)
    return found


@pytest.fixture
def walkers(httpserver: HTTPServer, services: Services) -> Walkers:
    origin = httpserver.url_for("").rstrip("/")
    sender = Sender(allowed_networks=("127.0.0.0/8",), origins=dict.fromkeys(ORIGINS, origin), timeout=5.0)
    return Walkers(sender, most=4, gates=Gates(threads=16))


@pytest.fixture
def using(workspace: Workspace) -> Callable[[Recipe], Flow]:
    """A live flow of a recipe, all that it needs given."""

    def make(recipe: Recipe) -> Flow:
        for name, (connector, values) in CONNECTIONS.items():
            set_connection(workspace, name, connector, values)
        needs = {one.constant: one.example for one in recipe.needs}
        flow = recipes.use(recipe, workspace, Wanted(needs))
        assert recipes.missing(recipe, flow) == []
        publish.publish(flow)
        return flow

    return make


@pytest.fixture
def run(walkers: Walkers) -> Callable[[Flow, dict[str, Any]], Run]:
    """Let an event arrive at a flow, and work until nothing is due; its run."""

    def go(flow: Flow, event: dict[str, Any]) -> Run:
        one = event_of(event)
        digest = flow.trigger.token_digest
        arrival = Arrival(
            digest, one.method, one.query, one.headers, one.content_type, one.body, "", one.received_at, is_sample=True
        )
        accepted = intake.accept([arrival], Doors())
        settle(walkers)
        return Run.objects.get(event_id=accepted[0].event_id)

    return go


def settle(walkers: Walkers) -> None:
    """Work until nothing is due."""
    while work(walkers=walkers, linger=0.0):
        pass
