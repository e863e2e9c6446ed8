"""The plan: a version's document with every template and condition compiled, ready to be walked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from relay import backoff
from relay.conditions import Condition, compile_condition
from relay.connectors import registry
from relay.connectors.definition import Action as ConnectorAction
from relay.connectors.definition import Connector
from relay.flows import document as doc
from relay.templating import Leaf, Tree, compile_leaf, compile_tree


@dataclass(frozen=True, slots=True)
class FilterStep:
    id: str
    name: str
    condition: Condition
    kind: str = "filter"


@dataclass(frozen=True, slots=True)
class SetStep:
    id: str
    name: str
    values: Tree
    kind: str = "set"


@dataclass(frozen=True, slots=True)
class ActionStep:
    """`delays` and `timeout` in seconds; no timeout: the installation's."""

    id: str
    name: str
    connector: Connector
    action: ConnectorAction
    connection: str | None
    inputs: Tree
    delays: tuple[float, ...]
    timeout: float | None
    success: Callable[[Mapping[str, Any]], bool] | None
    on_error: doc.OnError
    kind: str = "action"


PlanStep = FilterStep | SetStep | ActionStep


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
    steps = tuple(_step(step) for step in document.steps if not step.disabled)
    return Plan(
        name=document.name,
        title=compile_leaf(document.title) if document.title else None,
        only=compile_condition(document.trigger.only) if document.trigger.only is not None else None,
        steps=steps,
        connections=frozenset(step.connection for step in steps if isinstance(step, ActionStep) and step.connection),
        concurrency=document.settings.concurrency,
    )


def _step(step: doc.Step) -> PlanStep:
    name = step.name or step.id
    if isinstance(step, doc.Filter):
        return FilterStep(step.id, name, compile_condition(step.when))
    if isinstance(step, doc.Set):
        return SetStep(step.id, name, compile_tree(step.values))
    return _action(step, name)


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
    )
