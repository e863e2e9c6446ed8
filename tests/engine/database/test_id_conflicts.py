"""Tests that two processes that generate the same ids at the same time lose no rows."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from pytest_httpserver import HTTPServer

from relay import ids
from relay.engine.intake import rejections
from relay.engine.intake.rejections import RejectionBatch
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Attempt, Event, Flow, Rejection, Run
from tests.engine.conftest import posting
from tests.engine.intake.test_rejections import one_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def another_process(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """After a call of this, ids are those of another process with the same node, in the same millisecond."""
    node = ids._source._node
    monkeypatch.setattr(ids, "time", SimpleNamespace(time_ns=lambda: 1_764_244_800_000_000_000))

    def begin() -> None:
        source = ids._Source()
        source._node = node
        monkeypatch.setattr(ids, "_source", source)

    return begin


def test_events_and_runs_of_both_are_stored(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], another_process: Callable[[], None]
) -> None:
    flow = live(posting("http://example.com/"))

    another_process()
    first = arrive(flow, b'{"id": 1}', b'{"id": 2}')
    another_process()
    second = arrive(flow, b'{"id": 3}', b'{"id": 4}')

    assert len({run.pk for run in first + second}) == 4
    assert sorted(bytes(event.body) for event in Event.objects.all()) == [b'{"id": %d}' % n for n in (1, 2, 3, 4)]


def test_attempts_of_both_are_stored_and_their_runs_succeed(
    live: Callable[..., Flow],
    arrive: Callable[..., list[Run]],
    walkers: WalkThreads,
    httpserver: HTTPServer,
    another_process: Callable[[], None],
) -> None:
    httpserver.expect_request("/slack").respond_with_data("ok")
    flow = live(posting(httpserver.url_for("/slack")))

    for body in (b'{"id": 1}', b'{"id": 2}'):
        arrive(flow, body)
        another_process()
        work(walkers=walkers, linger=0)

    assert list(Run.objects.values_list("state", flat=True)) == ["succeeded", "succeeded"]
    assert Attempt.objects.count() == 2


def test_what_both_rejected_is_kept(live: Callable[..., Flow], another_process: Callable[[], None]) -> None:
    flow = live(posting("http://example.com/"))

    for _ in range(2):
        another_process()
        rejections.store(RejectionBatch([one_of(flow), one_of(flow)]))

    assert Rejection.objects.count() == 4
