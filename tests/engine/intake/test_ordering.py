"""Tests that runs with the same order key run one at a time, in order of arrival."""

from __future__ import annotations

import json

import pytest
from pytest_httpserver import HTTPServer

from relay.engine.database import statements
from relay.engine.intake import ordering
from relay.engine.runs import run_actions
from relay.engine.worker import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Run, RunState
from tests.engine.conftest import posting

pytestmark = pytest.mark.django_db(transaction=True)


def keeping_order(url: str, key: str = "") -> dict:
    settings = {"ordered": True, **({"order_key": key} if key else {})}
    return {**posting(url, retry={"delays": ["1h"]}), "settings": settings}


def texts(destination: HTTPServer) -> list[str]:
    return [json.loads(request.data)["text"] for request, _ in destination.log]


def test_runs_go_one_after_the_other(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook").respond_with_data("ok")
    arrive(live(keeping_order(destination.url_for("/hook"))), *(b'{"id": %d}' % n for n in range(20)))

    work(walkers=walkers)

    assert texts(destination) == [f"order #{n}" for n in range(20)]


def test_a_run_that_waits_blocks_only_its_key(live, arrive, walkers: WalkThreads, destination: HTTPServer) -> None:
    destination.expect_request("/hook", json={"text": "order #1"}).respond_with_data("down", status=503)
    destination.expect_request("/hook").respond_with_data("ok")
    flow = live(keeping_order(destination.url_for("/hook"), "{{ event.body.shop }}"))
    bodies = [b'{"id": 1, "shop": "a"}', b'{"id": 2, "shop": "a"}', b'{"id": 3, "shop": "b"}']
    first, second, third = arrive(flow, *bodies)

    work(walkers=walkers)

    states = [Run.objects.get(pk=run.pk).state for run in (first, second, third)]
    assert states == [RunState.WAITING, RunState.QUEUED, RunState.SUCCEEDED]
    assert Run.objects.get(pk=second.pk).reason == ordering.WAITING_REASON


def test_the_next_goes_when_a_person_ends_the_first(
    live, arrive, walkers: WalkThreads, destination: HTTPServer
) -> None:
    destination.expect_oneshot_request("/hook").respond_with_data("down", status=503)
    destination.expect_request("/hook").respond_with_data("ok")
    first, second = arrive(live(keeping_order(destination.url_for("/hook"))), b'{"id": 1}', b'{"id": 2}')
    work(walkers=walkers)

    run_actions.cancel(Run.objects.get(pk=first.pk))
    work(walkers=walkers)

    assert Run.objects.get(pk=second.pk).state == RunState.SUCCEEDED


def test_nobody_waits_for_a_worker_that_died_before_it_said_so(live, arrive) -> None:
    first, second = arrive(live(keeping_order("http://127.0.0.1:9/")), b'{"id": 1}', b'{"id": 2}')
    claim.claim()
    Run.objects.filter(pk=first.pk).update(state=RunState.SUCCEEDED, due_at=None, finished_at=statements.now())

    ordering.tick()

    assert [work_item.run_id for work_item in claim.claim()] == [second.pk]


def test_without_order_nobody_waits(live, arrive) -> None:
    arrive(live(posting("http://127.0.0.1:9/")), b'{"id": 1}', b'{"id": 2}')

    assert len(claim.claim()) == 2
