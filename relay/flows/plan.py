"""The plan: a version's document with every template and condition compiled, ready to be walked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from relay import backoff
from relay.conditions import Condition, compile_condition
from relay.connectors import registry
from relay.flows import alerts, moments
from relay.flows import document as doc
from relay.flows.kinds import is_lookup
from relay.flows.planned import (
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
)
from relay.flows.uses import uses
from relay.templating import Leaf, compile_leaf, compile_tree, is_path
from relay.templating import names as template_names

# Runs that a digest gathers at most, whatever its window.
MOST_GATHERED = 1_000


@dataclass(frozen=True, slots=True)
class Plan:
    """Steps that are on, in order. `connections`: the names that they need.

    `needs_zone`: its steps read the clock, and it doesn't say in which time zone.
    `named`: in a flow with loops, ids of the steps that a template names, and of those in a loop that one names.
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
    waits: bool = False  # whether callers wait for what it answers
    alerts_on: Literal["final_failure", "first_failure", "never"] = "final_failure"
    silence: float = 3600.0  # seconds for which the same issue is not told again


def compile_plan(document: doc.Document | dict[str, Any]) -> Plan:
    """Compile a document that has been validated (a version's is)."""
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
        silence=alerts.silence(document.settings.alerts),
        uses_variables=next(uses(msgspec.to_builtins(document), "vars"), None) is not None,
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
    found = every if "steps" in names else {name.split(".")[1].split("[")[0] for name in names if name[:6] == "steps."}
    for loop in loops:
        if loop.id in found:
            found.update(step.id for step in doc.every(loop.steps))
    return frozenset(found)


def _names(value: Any) -> Iterator[str]:
    """The paths that the templates in a JSON value take from their context, and `steps` for one that is not static."""
    if isinstance(value, str):
        yield from (name for name in template_names(value) if name.startswith("steps"))
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _names(one)


def _steps(steps: Sequence[doc.Step]) -> tuple[PlanStep, ...]:
    return tuple(_COMPILE[type(step)](step, step.name or step.id) for step in steps if not step.disabled)


def _filter(step: doc.Filter, name: str) -> FilterStep:
    return FilterStep(step.id, name, compile_condition(step.when))


def _set(step: doc.Set, name: str) -> SetStep:
    plain = {name: value for name, value in step.values.items() if not is_lookup(value)}
    lookups = {name: compile_lookup(value) for name, value in step.values.items() if is_lookup(value)}
    return SetStep(step.id, name, compile_tree(plain), tuple(lookups.items()))


def compile_lookup(value: dict[str, Any]) -> Lookup:
    """A value of a set that is looked up, as `is_lookup` knows it."""
    table = {key: compile_tree(found) for key, found in value["table"].items()}
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
        variables=frozenset(use.name for use in uses({"inputs": step.inputs}, "vars")),
    )


def _respond(step: doc.Respond, name: str) -> RespondStep:
    return RespondStep(step.id, name, compile_tree({"status": step.status, "headers": step.headers, "body": step.body}))


def _branch(step: doc.Branch, name: str) -> BranchStep:
    arms = [
        Arm(arm.name or f"arm {number}", compile_condition(arm.when), _steps(arm.steps))
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
        inner=tuple(one.id for one in doc.every(step.steps)),
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
        seconds=None if step.every is None else backoff.seconds(step.every, most=moments.LONGEST),
        times=tuple(moments.times_of_day(step.at)),
        limit=step.limit or MOST_GATHERED,
    )


def _changed(step: doc.Changed, name: str) -> ChangedStep:
    return ChangedStep(step.id, name, compile_tree(step.value), compile_tree(step.key), step.deadband)


def _once(step: doc.Once, name: str) -> OnceStep:
    seconds = None if step.window is None else backoff.seconds(step.window, most=moments.LONGEST)
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
