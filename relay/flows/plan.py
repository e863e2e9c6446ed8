"""The plan: a version's document with every template and condition compiled, ready to be walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from relay import backoff
from relay.conditions import Condition, compile_condition
from relay.connectors import registry
from relay.flows import document as doc
from relay.flows.planned import ActionStep, FilterStep, PlanStep, RespondStep, SetStep
from relay.templating import Leaf, compile_leaf, compile_tree


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps that are on, in order. `connections`: the names that they need."""

    name: str
    title: Leaf | None
    only: Condition | None
    steps: tuple[PlanStep, ...]
    connections: frozenset[str]
    concurrency: int = 16


def compile_plan(document: doc.Document | dict[str, Any]) -> Plan:
    """Compile a document that has been validated (a version's is)."""
    if isinstance(document, dict):
        document = msgspec.convert(document, doc.Document)
    steps = _steps(document.steps)
    return Plan(
        name=document.name,
        title=compile_leaf(document.title) if document.title else None,
        only=compile_condition(document.trigger.only) if document.trigger.only is not None else None,
        steps=steps,
        connections=frozenset(_connections(document.steps)),
        concurrency=document.settings.concurrency,
    )


def _connections(steps: Sequence[doc.Step]) -> Iterator[str]:
    for step in steps:
        if not step.disabled:
            if isinstance(step, doc.Action) and step.connection:
                yield step.connection
            for _, block in doc.blocks(step):
                yield from _connections(block)


def _steps(steps: Sequence[doc.Step]) -> tuple[PlanStep, ...]:
    return tuple(_COMPILE[type(step)](step, step.name or step.id) for step in steps if not step.disabled)


def _filter(step: doc.Filter, name: str) -> FilterStep:
    return FilterStep(step.id, name, compile_condition(step.when))


def _set(step: doc.Set, name: str) -> SetStep:
    return SetStep(step.id, name, compile_tree(step.values))


def _action(step: doc.Action, name: str) -> ActionStep:
    connector, action = registry.find(step.action)
    return ActionStep(
        id=step.id,
        name=name,
        connector=connector,
        action=action,
        connection=step.connection,
        inputs=compile_tree(step.inputs),
        delays=tuple(backoff.seconds(delay) for delay in step.retry.delays),
        timeout=None if step.timeout is None else backoff.seconds(step.timeout),
        success=None if step.success is None else compile_condition(step.success).holds,
        on_error=step.on_error,
        error_steps=_steps(step.error_steps),
    )


def _respond(step: doc.Respond, name: str) -> RespondStep:
    return RespondStep(step.id, name, compile_tree({"status": step.status, "headers": step.headers, "body": step.body}))


_COMPILE: dict[type[doc.Step], Callable[[Any, str], PlanStep]] = {
    doc.Filter: _filter,
    doc.Set: _set,
    doc.Action: _action,
    doc.Respond: _respond,
}

__all__ = ["ActionStep", "FilterStep", "Plan", "PlanStep", "RespondStep", "SetStep", "compile_plan"]
