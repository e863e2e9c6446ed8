"""Tests the limit on the requests of one workspace that a process handles at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from relay.engine.sandbox import workspace_shares
from relay.engine.sandbox.workspace_shares import MAX_ACTIVE, MAX_WAITING
from relay.errors import Busy
from tests.support.running import wait_until

MINE, THEIRS = 1, 2


class Requests:
    """Requests that are handled until they are released."""

    def __init__(self) -> None:
        self.lets = threading.Event()
        self.threads = ThreadPoolExecutor(MAX_ACTIVE + MAX_WAITING + 2)

    def begin(self, workspace: int, *, waits_aside: bool = False) -> Future[None]:
        return self.threads.submit(self._work, workspace, waits_aside)

    def _work(self, workspace: int, waits_aside: bool) -> None:
        with workspace_shares.hold(workspace):
            if waits_aside:
                with workspace_shares.released():
                    self.lets.wait(30)
            else:
                self.lets.wait(30)


@pytest.fixture
def requests() -> Iterator[Requests]:
    made = Requests()
    yield made
    made.lets.set()
    made.threads.shutdown()
    assert not workspace_shares._active
    assert not workspace_shares._waiting


def test_a_workspace_has_its_share_and_others_have_theirs(requests: Requests) -> None:
    for _ in range(MAX_ACTIVE + 1):
        requests.begin(MINE)
    wait_until(lambda: workspace_shares._waiting[MINE] == 1, what="one waits")

    with workspace_shares.hold(THEIRS):
        assert workspace_shares._active == {MINE: MAX_ACTIVE, THEIRS: 1}


def test_who_waits_is_worked_on_when_another_is_answered(requests: Requests) -> None:
    begun = [requests.begin(MINE) for _ in range(MAX_ACTIVE + 3)]
    wait_until(lambda: workspace_shares._waiting[MINE] == 3, what="three wait")

    requests.lets.set()

    assert [one.result(30) for one in begun] == [None] * len(begun)


def test_too_many_are_refused_to_that_workspace_alone(requests: Requests) -> None:
    for _ in range(MAX_ACTIVE + MAX_WAITING):
        requests.begin(MINE)
    wait_until(lambda: workspace_shares._waiting[MINE] == MAX_WAITING, what="the queue is full")

    with pytest.raises(Busy, match="too many requests under way"), workspace_shares.hold(MINE):
        pass
    with workspace_shares.hold(THEIRS):
        assert workspace_shares._active[THEIRS] == 1


def test_who_waits_too_long_is_refused(requests: Requests, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace_shares, "WAIT_SECONDS", 0.01)
    for _ in range(MAX_ACTIVE):
        requests.begin(MINE)
    wait_until(lambda: workspace_shares._active[MINE] == MAX_ACTIVE, what="all are worked on")

    with pytest.raises(Busy), workspace_shares.hold(MINE):
        pass


def test_what_waits_for_a_helper_holds_no_share(requests: Requests) -> None:
    begun = [requests.begin(MINE, waits_aside=True) for _ in range(MAX_ACTIVE)]
    wait_until(lambda: all(one.running() for one in begun) and not workspace_shares._active[MINE], what="all are aside")

    with workspace_shares.hold(MINE):
        assert workspace_shares._active[MINE] == 1


def test_without_a_share_there_is_nothing_to_put_aside() -> None:
    with workspace_shares.released():
        assert not workspace_shares._active
