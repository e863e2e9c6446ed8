"""Compiles a version's document into a plan, with every template and condition ready to be walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from relay import backoff
from relay.conditions import Condition, compile_condition
from relay.connectors import registry
from relay.connectors.request_builder import may_call_flows
from relay.flows import alerts, deadlines
from relay.flows import document as doc
from relay.flows.compiled_steps import (
    ActionStep,
    Arm,
    BranchStep,
    ChangedStep,
    DelayStep,
    DigestStep,
    FilterStep,
    Lookup,
    LoopStep,
    OnceStep,
    PlanStep,
    RespondStep,
    SetStep,
    max_flow_calls,
)
from relay.flows.references import find_references
from relay.flows.step_types import is_lookup
from relay.templating import Leaf, compile_leaf, compile_tree, is_path
from relay.templating import names as template_names

# The runs that a digest gathers, however long its window is.
MAX_DIGEST_RUNS = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """The enabled steps of a version, in order. `connections`: the names of those that the steps use.

    `needs_zone`: steps read the clock, and the document names no time zone.
    `named`: in a flow with loops, the ids of the steps that templates name, and of all steps in loops that they name.
    `waits`: whether callers wait for an answer. `silence`: seconds for which an alert for the same issue is not
    repeated. `calls`: the actions of one run that may call a flow, at least 1.
    """

    name: str
    title: Leaf | None
    only: Condition | None
    steps: tuple[PlanStep, ...]
    connections: frozenset[str]
    concurrency: int = 16
    has_loops: bool = False
    named: frozenset[str] = frozenset()
    timezone: str | None = None
    gathers: bool = False
    needs_zone: bool = False
    constants: Mapping[str, Any] = field(default_factory=dict)
    uses_variables: bool = False
    split: Leaf | None = None
    waits: bool = False
    alerts_on: Literal["final_failure", "first_failure", "never"] = "final_failure"
    calls: int = 1
    silence: float = 3600.0


def compile_plan(document: doc.Document | dict[str, Any]) -> Plan:
    """Compiles a valid document, such as that of a version."""
    if isinstance(document, dict):
        document = msgspec.convert(document, doc.Document)
    steps = _steps(document.steps)
    loops = [step for step in doc.every(document.steps) if isinstance(step, doc.Loop)]
    return Plan(
        name=document.name,
        title=compile_leaf(document.title) if document.title else None,
        only=compile_condition(document.trigger.only) if document.trigger.only is not None else None,
        steps=steps,
        connections=frozenset(_connections(document.steps)),
        concurrency=document.settings.concurrency,
        has_loops=bool(loops),
        timezone=document.settings.timezone,
        needs_zone=document.settings.timezone is None and any(map(_reads_clock, doc.every(document.steps))),
        gathers=any(isinstance(step, doc.Digest) for step in doc.every(document.steps)),
        named=_named(document.steps, loops) if loops else frozenset(),
        constants=document.constants,
        split=compile_leaf(document.trigger.split) if document.trigger.split else None,
        waits=document.trigger.response.wait is not None,
        alerts_on=document.settings.alerts.on,
        calls=max(1, max_flow_calls(steps)),
        silence=alerts.silence_seconds(document.settings.alerts),
        uses_variables=next(find_references(msgspec.to_builtins(document), "vars"), None) is not None,
    )


def _reads_clock(step: doc.Step) -> bool:
    return isinstance(step, doc.Delay | doc.Digest)


def _connections(steps: Sequence[doc.Step]) -> Iterator[str]:
    for step in steps:
        if not step.disabled:
            if isinstance(step, doc.Action) and step.connection:
                yield step.connection
            for _, block in doc.blocks(step):
                yield from _connections(block)


def _named(steps: Sequence[doc.Step], loops: Sequence[doc.Loop]) -> frozenset[str]:
    names = set(_names(msgspec.to_builtins(steps)))
    every = {step.id for step in doc.every(steps)}
    named = every if "steps" in names else {name.split(".")[1].split("[")[0] for name in names if name[:6] == "steps."}
    for loop in loops:
        if loop.id in named:
            named.update(step.id for step in doc.every(loop.steps))
    return frozenset(named)


def _names(value: Any) -> Iterator[str]:
    """Yields the paths under `steps` that templates in a JSON value read, and `steps` alone for a dynamic one."""
    if isinstance(value, str):
        yield from (name for name in template_names(value) if name.startswith("steps"))
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _names(item)


def _steps(steps: Sequence[doc.Step]) -> tuple[PlanStep, ...]:
    return tuple(_COMPILE[type(step)](step, step.name or step.id) for step in steps if not step.disabled)


def _filter(step: doc.Filter, name: str) -> FilterStep:
    return FilterStep(step.id, name, compile_condition(step.when))


def _set(step: doc.Set, name: str) -> SetStep:
    plain = {name: value for name, value in step.values.items() if not is_lookup(value)}
    lookups = {name: compile_lookup(value) for name, value in step.values.items() if is_lookup(value)}
    return SetStep(step.id, name, compile_tree(plain), tuple(lookups.items()))


def compile_lookup(value: dict[str, Any]) -> Lookup:
    """Compiles a value of a set step for which `is_lookup` holds."""
    table = {key: compile_tree(entry) for key, entry in value["table"].items()}
    default = compile_tree(value["default"]) if "default" in value else None
    return Lookup(table, compile_tree(value["key"]), default)


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
        variables=frozenset(use.name for use in find_references({"inputs": step.inputs}, "vars")),
        may_call_flows=action.target == "http" and may_call_flows(connector),
    )


def _respond(step: doc.Respond, name: str) -> RespondStep:
    return RespondStep(step.id, name, compile_tree({"status": step.status, "headers": step.headers, "body": step.body}))


def _branch(step: doc.Branch, name: str) -> BranchStep:
    arms = [
        Arm(arm.name or f"path {number}", compile_condition(arm.when), _steps(arm.steps))
        for number, arm in enumerate(step.branches, 1)
    ]
    arms.append(Arm("else", None, _steps(step.otherwise)))
    return BranchStep(step.id, name, tuple(arms), step.match == "all")


def _loop(step: doc.Loop, name: str) -> LoopStep:
    return LoopStep(
        id=step.id,
        name=name,
        over=compile_tree(step.over),
        called=step.called,
        steps=_steps(step.steps),
        limit=step.limit,
        on_error=step.on_error,
        error_steps=_steps(step.error_steps),
        inner=tuple(inner_step.id for inner_step in doc.every(step.steps)),
        keeps_elements=isinstance(step.over, str) and not is_path(step.over),
    )


def _delay(step: doc.Delay, name: str) -> DelayStep:
    is_date = step.duration is None
    moment = compile_tree(step.until if is_date else step.duration)
    return DelayStep(step.id, name, moment, is_date, compile_tree(step.key) if step.key else None)


def _digest(step: doc.Digest, name: str) -> DigestStep:
    return DigestStep(
        id=step.id,
        name=name,
        key=compile_tree(step.key),
        seconds=None if step.every is None else backoff.seconds(step.every, most=deadlines.MAX_WAIT_SECONDS),
        times=tuple(deadlines.times_of_day(step.at)),
        limit=step.limit or MAX_DIGEST_RUNS,
    )


def _changed(step: doc.Changed, name: str) -> ChangedStep:
    return ChangedStep(step.id, name, compile_tree(step.value), compile_tree(step.key), step.deadband)


def _once(step: doc.Once, name: str) -> OnceStep:
    seconds = None if step.window is None else backoff.seconds(step.window, most=deadlines.MAX_WAIT_SECONDS)
    return OnceStep(step.id, name, compile_tree(step.key), seconds)


_COMPILE: dict[type[doc.Step], Callable[[Any, str], PlanStep]] = {
    doc.Filter: _filter,
    doc.Set: _set,
    doc.Action: _action,
    doc.Respond: _respond,
    doc.Branch: _branch,
    doc.Loop: _loop,
    doc.Delay: _delay,
    doc.Digest: _digest,
    doc.Changed: _changed,
    doc.Once: _once,
}

__all__ = [
    "ActionStep",
    "BranchStep",
    "DelayStep",
    "FilterStep",
    "LoopStep",
    "Plan",
    "PlanStep",
    "RespondStep",
    "SetStep",
    "compile_plan",
]
