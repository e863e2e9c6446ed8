"""Workspaces take turns: requests of one workspace don't delay those of another."""

from __future__ import annotations

import asyncio

import pytest

from relay.engine.intake.arrival_keys import ArrivalKeys
from relay.engine.intake.event_store import Accepted, Arrival, Prepared
from relay.engine.intake.stored_request import StoredRequest
from relay.engine.intake.trigger_cache import CachedTrigger
from relay.flows.document import TriggerSettings
from relay.ingest import backlog, workspace_turns
from relay.ingest.backlog import Backlog
from relay.ingest.workspace_turns import Overloaded, WorkspaceTurns

A, B, C = 1, 2, 3


class Work:
    """Tasks that hold a place until they are let go; `began` in the order in which they had one."""

    def __init__(self, places: int, share: int, wait: float = workspace_turns.WAIT_SECONDS) -> None:
        self.shares = WorkspaceTurns(places, share=share, wait=wait)
        self.began: list[str] = []
        self.ends: dict[str, asyncio.Event] = {}
        self.tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self, *names: str, size: int = 1) -> None:
        for name in names:
            self.ends[name] = asyncio.Event()
            self.tasks[name] = asyncio.create_task(self._hold(name, size))
            await asyncio.sleep(0)

    async def _hold(self, name: str, size: int) -> None:
        async with self.shares.turn(ord(name[0]), size):
            self.began.append(name)
            await self.ends[name].wait()

    async def end(self, name: str) -> None:
        self.ends[name].set()
        await self.tasks[name]
        await asyncio.sleep(0)


def test_one_workspace_never_has_all_places() -> None:
    async def visit() -> list[str]:
        work = Work(2, share=1)
        await work.start("a1", "a2", "a3", "b1")
        return list(work.began)

    assert asyncio.run(visit()) == ["a1", "b1"]


def test_workspaces_that_wait_take_turns() -> None:
    async def visit() -> list[str]:
        work = Work(1, share=1)
        await work.start("a1", "a2", "a3", "b1", "c1", "b2")
        for number in range(6):
            await work.end(work.began[number])
        return work.began

    assert asyncio.run(visit()) == ["a1", "a2", "b1", "c1", "a3", "b2"]


@pytest.mark.parametrize(("size", "fit"), [(1, workspace_turns.MAX_WAITING), (workspace_turns.MAX_BYTES // 4, 4)])
def test_only_the_workspace_with_a_full_queue_is_refused(size: int, fit: int) -> None:
    async def visit() -> tuple[int, list[str]]:
        work = Work(2, share=1)
        await work.start("a0", size=0)
        await work.start(*(f"a{number + 1}" for number in range(fit + 3)), size=size)
        refused = [task for task in work.tasks.values() if task.done() and isinstance(task.exception(), Overloaded)]
        await work.start("b1", size=size)
        for task in work.tasks.values():
            task.cancel()
        await asyncio.gather(*work.tasks.values(), return_exceptions=True)
        return len(refused), work.began

    assert asyncio.run(visit()) == (3, ["a0", "b1"])


def test_a_place_comes_back_however_its_holder_ends() -> None:
    async def visit() -> list[str]:
        work = Work(1, share=1, wait=0.01)
        await work.start("a1", "b1", "c1")
        work.tasks["b1"].cancel()
        with pytest.raises(Overloaded):
            await work.tasks["c1"]
        work.tasks["a1"].cancel()
        await asyncio.gather(*work.tasks.values(), return_exceptions=True)
        await work.start("a2")
        await work.end("a2")
        return work.began

    assert asyncio.run(visit()) == ["a1", "a2"]


def prepared(workspace: int, size: int, *, parts: int | None = None) -> Prepared:
    trigger = CachedTrigger(workspace, 1, 1, False, TriggerSettings(kind="webhook"))
    return Prepared(Arrival("", StoredRequest("POST", "", "{}", "", b"x" * size), 1), trigger, ArrivalKeys(parts=parts))


def batches(*arrivals: Prepared) -> list[list[tuple[int, int]]]:
    """The workspace and the number of each arrival, commit by commit."""

    numbers = {id(arrival): number for number, arrival in enumerate(arrivals)}

    async def visit() -> list[list[tuple[int, int]]]:
        waiting, found = Backlog(), []
        for arrival in arrivals:
            waiting.add(arrival, asyncio.get_running_loop().create_future())
        while batch := waiting.take():
            found.append([(one.trigger.workspace_id, numbers[id(one)]) for one, _ in batch])
        return found

    return asyncio.run(visit())


def test_small_arrivals_are_stored_together() -> None:
    assert batches(*(prepared(number % 2, 100) for number in range(300))) == [
        [(number % 2, number) for number in range(300)]
    ]


def test_a_commit_takes_no_more_than_a_share_of_each_workspace() -> None:
    whole = backlog.COMMIT_BYTES
    large, many = prepared(A, whole), prepared(B, 10, parts=1_000)

    found = batches(large, large, prepared(A, 5), many, many, prepared(C, 1))

    assert [[workspace for workspace, _ in batch] for batch in found] == [[A, B, C], [A, B], [A]]


def test_only_the_workspace_with_a_full_backlog_is_refused() -> None:
    async def visit() -> int:
        waiting, stored = Backlog(), 0
        done: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        large = prepared(A, backlog.MAX_BYTES // 4)
        with pytest.raises(Overloaded):
            for _ in range(10):
                waiting.add(large, done)
                stored += 1
        waiting.add(prepared(B, 10), done)
        return stored

    assert asyncio.run(visit()) == 4
