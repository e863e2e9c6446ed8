"""Lists the requests that a run of a flow may send, for people who are about to start one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from relay.flows.flatten import NumberedStep, number_steps
from relay.web.runs import narrative


@dataclass(frozen=True, slots=True)
class Effect:
    """An action of a flow. `name`: of its step; `where`: its URL or connection, or "" if the step doesn't say."""

    name: str
    does: str
    where: str


def effects(document: Mapping[str, Any]) -> list[Effect]:
    """Return the enabled actions of a document in order, including nested ones."""
    actions = (step for step in number_steps(document).values() if step.own.get("kind") == "action")
    return [_effect(step) for step in actions if step.own.get("disabled") is not True]


def _effect(step: NumberedStep) -> Effect:
    inputs = step.own.get("inputs")
    url = inputs.get("url") if isinstance(inputs, dict) else None
    where = url if isinstance(url, str) else step.own.get("connection")
    return Effect(step.name, narrative.does(step.own), where if isinstance(where, str) else "")
