"""What tests of walks share: events in, outcomes out, with a sender that only records."""

from __future__ import annotations

from typing import Any

from relay.engine.arrived import Arrived
from relay.engine.errand import Errand, Outcome
from relay.engine.gates import Gates
from relay.engine.walk import walk as walk_on
from relay.flows.plan import compile_plan
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
    """A connection whose values are at hand."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values
        self.rate = ""

    def unseal(self) -> dict[str, Any]:
        return self.values


def walk(errand: Errand, sender: Recorder) -> Outcome:
    return walk_on(errand, sender, Gates(threads=32))


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status=status, headers=headers, body=body, truncated=False, seconds=0.001)


OK = answer(200, b'{"id": "A1"}', **{"content-type": "application/json"})
POST = {"id": "send", "kind": "action", "action": "http.request", "inputs": {"url": "https://example.com/x"}}


def errand(*steps: dict[str, Any], body: bytes = b'{"n": 3}', **changes: Any) -> Errand:
    document = {
        "relay": 1,
        "name": "F",
        "trigger": {"kind": "webhook", **changes.pop("trigger", {})},
        "steps": [*steps],
    }
    if "title" in changes:
        document["title"] = changes.pop("title")
    event = Arrived(1, "POST", "a=1&a=2", '{"x-kind": "new"}', "application/json", body, 1_700_000_000_000_000)
    values = {"run_id": 5, "fence": 1, "tries": 0, "trail": [], "workspace_id": 1, "flow_id": 1, "connections": {}}
    return Errand(event=event, plan=compile_plan(document), flow_name="F", **{**values, **changes})


def states(outcome: Outcome) -> list[tuple[str, str]]:
    return [(entry["id"], entry["state"]) for entry in outcome.trail]
