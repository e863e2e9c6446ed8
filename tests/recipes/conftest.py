"""Provides a workspace with every connection, services that answer, and events."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from relay.engine.configuration import flow_lifecycle, recipes
from relay.engine.configuration.connections import set_connection
from relay.engine.configuration.recipes import RecipeAnswers
from relay.engine.flow_control.limiter import Limiter
from relay.engine.intake import event_store
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_store import Arrival, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Flow, Run, Workspace
from relay.outbound import Sender
from relay.recipes.loader import Recipe
from tests.support.recipe_services import ACCESS_TOKENS, CONNECTIONS, ORIGINS, Services


@pytest.fixture
def services(httpserver: HTTPServer) -> Services:
    found = Services()
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(found.answer)
    return found


@pytest.fixture
def walkers(httpserver: HTTPServer, services: Services) -> WalkThreads:
    origin = httpserver.url_for("").rstrip("/")
    sender = Sender(allowed_networks=("127.0.0.0/8",), origins=dict.fromkeys(ORIGINS, origin), timeout=5.0)
    return WalkThreads(sender, most=4, limiter=Limiter(threads=16))


@pytest.fixture
def using(workspace: Workspace) -> Callable[[Recipe], Flow]:
    """A live flow of a recipe, all that it needs given."""

    def make(recipe: Recipe) -> Flow:
        for name, (connector, values) in CONNECTIONS.items():
            connection = set_connection(workspace, name, connector, values)
            if connector in ACCESS_TOKENS:
                connection.seal({**connection.unseal(), "access_token": ACCESS_TOKENS[connector]})
                connection.save()
        needs = {one.constant: one.example for one in recipe.needs}
        flow = recipes.create_flow(recipe, workspace, RecipeAnswers(needs))
        assert recipes.find_missing(recipe, flow) == []
        flow_lifecycle.publish(flow)
        return flow

    return make


@pytest.fixture
def run(walkers: WalkThreads) -> Callable[[Flow, dict[str, Any]], Run]:
    """Let an event arrive at a flow, and work until nothing is due; its run."""

    def go(flow: Flow, event: dict[str, Any]) -> Run:
        one = EventData.from_json(event)
        digest = flow.trigger.token_digest
        request = StoredRequest(one.method, one.query, one.headers, one.content_type, one.body)
        arrival = Arrival(digest, request, one.received_at, is_sample=True)
        accepted = event_store.accept([arrival], TriggerCache())
        settle(walkers)
        return Run.objects.get(event_id=accepted[0].event_id)

    return go


def settle(walkers: WalkThreads) -> None:
    """Work until nothing is due."""
    while work(walkers=walkers, linger=0.0):
        pass
