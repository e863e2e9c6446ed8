"""Builds the requests of a service's actions and judges its answers, for tables of cases."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from relay.connectors import registry, request_builder, response_rules
from relay.connectors.response_rules import AnswerVerdict
from relay.outbound import Answer, Request

JSON = "application/json"


@dataclass(frozen=True)
class Sent:
    """A request that an action is expected to send. `body` None: none."""

    action: str
    inputs: dict[str, Any]
    method: str
    url: str
    body: Any = None

    @property
    def id(self) -> str:
        return f"{self.action} {'+'.join(self.inputs)}"


@dataclass(frozen=True)
class Answered:
    """An answer of a service, and what Relay makes of it."""

    action: str
    status: int
    body: Any
    kind: str
    message: str = ""
    outputs: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: str | None = None

    @property
    def id(self) -> str:
        return f"{self.action} {self.status} {self.kind} {self.message}"[:90]


def build(action: str, inputs: dict[str, Any], connection: dict[str, str]) -> Request:
    return request_builder.build(*registry.find(action), inputs, connection, key="run-step")


def check_sent(case: Sent, connection: dict[str, str]) -> Request:
    """Build the request of a case and compare it."""
    request = build(case.action, case.inputs, connection)
    body = None if request.body is None else json.loads(request.body)
    assert (request.method, request.url, body) == (case.method, case.url, case.body)
    assert request.body is None or request.headers["Content-Type"] == JSON
    return request


def judge(
    action: str,
    status: int,
    body: Any,
    headers: dict[str, str] | None = None,
    inputs: dict[str, Any] | None = None,
) -> AnswerVerdict:
    """The verdict on an answer to the action, by default with its examples as inputs."""
    _, found = registry.find(action)
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/plain" if isinstance(body, str) else JSON
    answer = Answer(status, {"content-type": kind, **(headers or {})}, text.encode(), truncated=False, seconds=0.0)
    given = {one.key: one.example for one in found.inputs} if inputs is None else inputs
    return response_rules.judge(found, answer, inputs=given, now=1_000.0)


def check_answered(case: Answered) -> None:
    """Judge the answer of a case and compare the verdict and the action's own outputs."""
    verdict = judge(case.action, case.status, case.body, case.headers)
    own = {key: value for key, value in verdict.outputs.items() if key not in ("status", "headers", "body")}
    said = response_rules.without_meaning(registry.find(case.action)[1], verdict.message)
    assert (verdict.kind, said) == (case.kind, case.message)
    assert own == case.outputs
    assert verdict.retry_after == case.retry_after
