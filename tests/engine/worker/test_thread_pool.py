"""When several flows compute, runs of other flows are walked in between."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from msgspec.structs import replace

from relay.engine.flow_control.limiter import Limiter
from relay.engine.walk import cpu_clock
from relay.engine.walk.runner import walk
from relay.engine.walk.work_item import Outcome, WorkItem
from relay.engine.worker import cpu_shares
from relay.engine.worker.claim import BATCH
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Run, RunState
from tests.support.walking import POST, Recorder, work_item

# Some milliseconds of CPU.
WORK = "{% for i in range(1000) %}{{ i * 3 }}{% endfor %}"
SAY = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "hello"}}
COMPUTE = {"id": "text", "kind": "set", "values": {"text": WORK}}


def flow(name: str, *steps: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": name, "trigger": {"kind": "webhook"}, "steps": list(steps)}


def walkers(most: int) -> WalkThreads:
    return WalkThreads(Recorder(), most=most, limiter=Limiter(threads=16))


@pytest.fixture
def _short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_clock, "BRIEF", 0.001)
    monkeypatch.setattr(cpu_clock, "TURN", 0.02)
    monkeypatch.setattr(cpu_shares, "HEAVY", 0.02)
    monkeypatch.setattr(cpu_shares, "LIGHT", 0.01)
    monkeypatch.setattr(cpu_shares, "QUICK", 0.0005)


@pytest.mark.usefixtures("_short_turns")
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("most", [1, 4])
def test_a_walk_that_computes_is_put_back_and_another_flow_comes_between(most: int, live, arrive) -> None:
    loop = {"id": "each", "kind": "loop", "over": "{{ range(60) | list }}", "steps": [COMPUTE]}
    heavy = arrive(live(flow("Heavy", loop)), *[b"{}"] * 3)
    (light,) = arrive(live(flow("Light", SAY)))

    work(walkers=walkers(most))

    light.refresh_from_db()
    for run in heavy:
        run.refresh_from_db()
        assert (run.state, light.state) == (RunState.SUCCEEDED, RunState.SUCCEEDED)
        assert run.fence > 2
        assert run.finished_at > light.finished_at
        assert len(run.steps) == 61


@pytest.mark.usefixtures("_short_turns")
@pytest.mark.django_db(transaction=True)
def test_a_backlog_of_a_heavy_flow_leaves_room_for_others(live, arrive) -> None:
    arrive(live(flow("Heavy", COMPUTE)), *[b"{}"] * 200)
    (light,) = arrive(live(flow("Light", SAY)))

    work(walkers=walkers(4))

    light.refresh_from_db()
    assert Run.objects.filter(state=RunState.SUCCEEDED).count() == 201
    assert Run.objects.filter(finished_at__lt=light.finished_at).count() < 100


@pytest.mark.django_db(transaction=True)
def test_a_backlog_of_quick_runs_leaves_room_for_others(live, arrive) -> None:
    arrive(live(flow("Many", SAY)), *[b"{}"] * 400)
    (late,) = arrive(live(flow("One", SAY)))

    work(walkers=walkers(4))

    late.refresh_from_db()
    assert Run.objects.filter(state=RunState.SUCCEEDED).count() == 401
    assert Run.objects.filter(finished_at__lt=late.finished_at).count() <= 3 * BATCH


def test_one_walk_at_a_time_has_the_slot_and_none_while_it_waits_for_an_answer() -> None:
    found = walkers(4)

    before = [found.take_slot(walker, flow_id=7) for walker in (1, 2, 1)]
    found.pause(1)
    during = [found.take_slot(walker, flow_id=7) for walker in (2, 1)]
    found.resume(1)

    assert before == [True, False, True]
    assert during == [True, False]


LONG_BODIES = {
    "application/xml": b"<r>" + b"<a>x</a>" * 4_000 + b"</r>",
    "application/soap+xml; charset=utf-8": b"<r>" + b"<a/>" * 7_000 + b"</r>",
    "application/json": b'{"id": "' + b"\xff\\ud800" * 50_000 + b'"}',
}


@pytest.mark.parametrize("kind", LONG_BODIES)
def test_bodies_that_take_long_to_parse_are_parsed_one_at_a_time(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    lock, under_way, most, passed = threading.Lock(), set(), 0, threading.Event()

    def walked(one: WorkItem, *more: Any) -> Outcome:
        nonlocal most
        if one.event.body == b"{}":
            passed.set()
            return Outcome(one)
        with lock:
            under_way.add(one.run_id)
            most = max(most, len(under_way))
        passed.wait(5.0)
        time.sleep(0.02)
        with lock:
            under_way.discard(one.run_id)
        return Outcome(one)

    monkeypatch.setattr("relay.engine.worker.thread_pool.walk", walked)
    event = replace(work_item().event, body=LONG_BODIES[kind], content_type=kind)
    long = [replace(work_item(run_id=10 + n, flow_id=10 + n), event=event) for n in range(5)]
    found, outcomes = walkers(8), []

    found.give([*long, work_item(run_id=99, flow_id=99, body=b"{}")])
    end = time.monotonic() + 10
    while len(outcomes) < 6 and time.monotonic() < end:
        outcomes += found.fetch(0.01)

    assert (len(outcomes), most) == (6, 1)
    assert passed.is_set()  # what is small went past them


def test_a_walk_without_the_slot_gives_way_before_its_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_clock, "BRIEF", -1.0)
    answers = iter([True, False])

    class Slot(cpu_clock.FreeSlot):
        def take(self) -> bool:
            return next(answers)

    steps = [{**POST, "id": f"s{number}"} for number in range(3)]
    outcome = computing_walk(steps, Slot())

    assert [entry.id for entry in outcome.trail] == ["s0"]
    assert (outcome.state, outcome.is_final) == ("queued", False)


def computing_walk(steps: list[dict[str, Any]], slot: cpu_clock.Slot, sender: Recorder | None = None) -> Outcome:
    return walk(work_item(*steps), sender or Recorder(), Limiter(4), cpu_clock.CpuAllowance(slot))


def test_the_slot_is_free_while_a_walk_sends() -> None:
    found: list[str] = []

    class Slot(cpu_clock.FreeSlot):
        def pause(self) -> None:
            found.append("pause")

        def resume(self) -> None:
            found.append("resume")

    class Sender(Recorder):
        def send(self, request: Any, timeout: float | None = None) -> Any:
            found.append("send")
            return super().send(request, timeout)

    outcome = computing_walk([POST], Slot(), Sender())

    assert outcome.state == "succeeded"
    assert found == ["pause", "send", "resume"]
