"""Helpers for tests of walks: events in, outcomes out, with a sender that only records."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.engine.flow_control.limiter import Limiter
from relay.engine.intake.event_data import EventData
from relay.engine.walk.cpu_clock import CpuAllowance
from relay.engine.walk.runner import walk as walk_on
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import Outcome, WorkItem
from relay.flows.compiler import compile_plan
from relay.outbound import Answer, Request


class Recorder:
    """Answers in turn what it was given; keeps what was sent."""

    def __init__(self, *answers: Answer | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[Request] = []

    def send(self, request: Request, timeout: float | None = None) -> Answer:
        self.sent.append(request)
        answer = self.answers.pop(0) if self.answers else OK
        if isinstance(answer, Exception):
            raise answer
        return answer


class Held:
    """A connection whose values are known."""

    token_revision: int | None = None

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.rate = ""

    def unseal(self) -> dict[str, Any]:
        return self.values


def walk(work_item: WorkItem, sender: Recorder) -> Outcome:
    return walk_on(work_item, sender, Limiter(threads=32))


class OneStep(CpuAllowance):
    """What is over as soon as a step is entered."""

    is_over = True


def walk_a_step(work_item: WorkItem, sender: Recorder) -> Outcome:
    """Walk until the run gives way, which it does before the second step."""
    return walk_on(work_item, sender, Limiter(threads=32), OneStep())


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=body, truncated=False, seconds=0.001)


OK = answer(200, b'{"id": "A1"}', **{"content-type": "application/json"})
POST = {"id": "send", "kind": "action", "action": "http.request", "inputs": {"url": "https://example.com/x"}}


def work_item(
    *steps: dict[str, Any], body: bytes = b'{"n": 3}', content_type: str = "application/json", **changes: Any
) -> WorkItem:
    document = {
        "relay": 1,
        "name": "F",
        "trigger": {"kind": "webhook", **changes.pop("trigger", {})},
        "steps": [*steps],
    }
    if "title" in changes:
        document["title"] = changes.pop("title")
    event = EventData(1, "POST", "a=1&a=2", '{"x-kind": "new"}', content_type, body, 1_700_000_000_000_000)
    values = {"run_id": 5, "fence": 1, "tries": 0, "trail": [], "workspace_id": 1, "flow_id": 1, "connections": {}}
    values["trail"] = msgspec.convert(changes.pop("trail", []), list[TrailEntry])
    return WorkItem(event=event, plan=compile_plan(document), flow_name="F", **{**values, **changes})


def states(outcome: Outcome) -> list[tuple[str, str]]:
    return [(entry.id, entry.state) for entry in outcome.trail]
