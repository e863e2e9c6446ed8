"""Checks the steps of a document, nested ones included."""

from __future__ import annotations

import keyword
import re
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Any

from relay import backoff, templating
from relay.errors import Fault, RelayError, TemplateError
from relay.flows import deadlines, step_types
from relay.flows.checks.actions import MAX_ID_IN_LOOP, action_faults
from relay.flows.checks.answers import WITHOUT_BODY, written_faults
from relay.flows.checks.names import NOWHERE, ROOTS, Scope, condition_faults, template_faults
from relay.flows.compiler import MAX_DIGEST_RUNS
from relay.flows.limits import MAX_DEPTH, MAX_NESTED_LOOPS, MAX_PATHS, MAX_STEPS
from relay.flows.outputs import output_names
from relay.flows.structure_checks import join, suggestion
from relay.templating.environment import GLOBALS

MAX_NAME = 200

MAX_ELEMENTS = 10_000
RESERVED_NAMES = frozenset({*ROOTS, "loop", *GLOBALS})

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

# Yields faults and returns the scope of the following steps.
_FaultsThenScope = Generator[Fault, None, Scope]


def step_faults(steps: Sequence[step_types.Step], scope: Scope = NOWHERE) -> Iterator[Fault]:
    """Yields every fault of a document's steps. `scope`: that of the first step."""
    if sum(1 for _ in step_types.every(steps)) > MAX_STEPS:
        yield Fault("steps", f"a flow may have {MAX_STEPS} steps")
        return
    branches = (step for step in step_types.every(steps) if isinstance(step, step_types.Branch))
    if sum(len(branch.branches) for branch in branches) > MAX_PATHS:
        yield Fault("steps", f"the branches of a flow may have {MAX_PATHS} paths together")
        return
    gives = {step.id: output_names(step) for step in step_types.every(steps)}
    yield from _Checker().block(steps, "steps", replace(scope, gives=gives))


class _Checker:
    """Checks steps in the order in which a run walks them, so that it knows the names available at each place."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def block(self, steps: Sequence[step_types.Step], path: str, scope: Scope) -> _FaultsThenScope:
        if scope.depth > MAX_DEPTH:
            yield Fault(path, f"steps are nested more than {MAX_DEPTH} levels deep")
            return scope
        for index, step in enumerate(steps):
            after = yield from self._step(step, f"{path}[{index}]", scope)
            scope = scope if step.disabled else after
        return scope

    def _step(self, step: step_types.Step, path: str, scope: Scope) -> _FaultsThenScope:
        yield from self._identity(step, path)
        yield from _OWN[type(step)](step, path, scope)
        after = replace(scope, before=scope.before | {step.id})
        if isinstance(step, step_types.Branch):
            return (yield from self._arms(step, path, after))
        if isinstance(step, step_types.Loop):
            return (yield from self._elements(step, path, after))
        for inner, block in step_types.blocks(step):
            after = replace((yield from self._inside(block, join(path, inner), after)), depth=scope.depth)
        return after

    def _inside(self, steps: Sequence[step_types.Step], path: str, scope: Scope) -> _FaultsThenScope:
        return (yield from self.block(steps, path, replace(scope, depth=scope.depth + 1)))

    def _arms(self, step: step_types.Branch, path: str, scope: Scope) -> _FaultsThenScope:
        """Checks arms. Outputs of one arm are hidden in the others; after the branch they need a default."""
        arms = step_types.blocks(step)
        ids = [{nested.id for nested in step_types.every(block)} for _, block in arms]
        after = scope
        for index, (inner, block) in enumerate(arms):
            others = frozenset().union(*ids[:index], *ids[index + 1 :])
            inner_scope = yield from self._inside(
                block, join(path, inner), replace(scope, hidden=scope.hidden | others)
            )
            after = replace(after, before=after.before | inner_scope.before, lists=after.lists | inner_scope.lists)
        return after

    def _elements(self, step: step_types.Loop, path: str, scope: Scope) -> _FaultsThenScope:
        if scope.loops >= MAX_NESTED_LOOPS:
            yield Fault(path, f"loops are nested more than {MAX_NESTED_LOOPS} deep")
        ids = [nested.id for nested in step_types.every(step.steps)]
        for step_id in ids:
            if len(step_id) > MAX_ID_IN_LOOP:
                yield Fault(
                    path, f"the id of a step in a loop may have {MAX_ID_IN_LOOP} characters; {step_id[:20]}… has more"
                )
        element = replace(scope, names=scope.names | {step.called, "loop"}, loops=scope.loops + 1)
        inner_scope = yield from self._inside(step.steps, join(path, "steps"), element)
        yield from self._inside(step.error_steps, join(path, "error_steps"), inner_scope)
        return replace(scope, before=inner_scope.before, lists=scope.lists | {*ids})

    def _identity(self, step: step_types.Step, path: str) -> Iterator[Fault]:
        if keyword.iskeyword(step.id):
            yield Fault(join(path, "id"), f"{step.id} is a word that templates know: call the step otherwise")
        elif not ID.fullmatch(step.id):
            yield Fault(join(path, "id"), "is a name of letters, digits and _, up to 64, beginning with a letter")
        elif step.id in self._seen:
            yield Fault(join(path, "id"), f"{step.id} appears twice")
        self._seen.add(step.id)
        if len(step.name) > MAX_NAME:
            yield Fault(join(path, "name"), f"may have {MAX_NAME} characters")


def _filter(step: step_types.Filter, path: str, scope: Scope) -> Iterator[Fault]:
    yield from condition_faults(step.when, join(path, "when"), scope)


def _set(step: step_types.Set, path: str, scope: Scope) -> Iterator[Fault]:
    for name in step.values:
        if not ID.fullmatch(name):
            yield Fault(join(path, f"values.{name[:60]}"), "is not a name of letters, digits and _")
    for name, value in step.values.items():
        if step_types.is_lookup(value) and not isinstance(value["table"], dict):
            yield Fault(join(path, f"values.{name}.table"), "is an object of values by key")
        elif isinstance(value, dict) and {"table", "key"} <= value.keys():
            for key in value.keys() - {"table", "key", "default"}:
                if suggestion(key, ("default",)):
                    yield Fault(join(path, f"values.{name}.{key[:60]}"), "unknown key; did you mean default?")
    yield from template_faults(step.values, join(path, "values"), scope)


def _respond(step: step_types.Respond, path: str, scope: Scope) -> Iterator[Fault]:
    if isinstance(step.status, int) and not 200 <= step.status <= 599:
        yield Fault(join(path, "status"), "is between 200 and 599")
    elif isinstance(step.status, str) and not templating.has_template(step.status):
        yield Fault(join(path, "status"), "is a number, or a template that gives one")
    for part in ("status", "headers", "body"):
        yield from template_faults(getattr(step, part), join(path, part), scope)
    if isinstance(step.status, int) and step.status in WITHOUT_BODY and step.body not in ("", None):
        yield Fault(join(path, "body"), f"an answer of status {step.status} has no body")
    yield from written_faults(step.headers, join(path, "headers"))


def _branch(step: step_types.Branch, path: str, scope: Scope) -> Iterator[Fault]:
    if not step.branches:
        yield Fault(join(path, "branches"), "is empty")
    for index, arm in enumerate(step.branches):
        arm_path = join(path, f"branches[{index}]")
        yield from condition_faults(arm.when, join(arm_path, "when"), scope)
        if len(arm.name) > MAX_NAME:
            yield Fault(join(arm_path, "name"), f"may have {MAX_NAME} characters")


def _loop(step: step_types.Loop, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.over, join(path, "over"), scope)
    if not (isinstance(step.over, list) or (isinstance(step.over, str) and _can_be_a_list(step.over))):
        yield Fault(join(path, "over"), "is a list, or a template that gives one, as {{ event.body.items }}")
    if step.called in RESERVED_NAMES or not ID.fullmatch(step.called) or keyword.iskeyword(step.called):
        yield Fault(join(path, "as"), f"{step.called[:40]!r} can't be the name of an element; leave it out for item")
    if step.limit is not None and not 1 <= step.limit <= MAX_ELEMENTS:
        yield Fault(join(path, "limit"), f"is between 1 and {MAX_ELEMENTS}")
    if step.error_steps and step.on_error != "branch":
        yield Fault(join(path, "error_steps"), "needs on_error: branch")


def _can_be_a_list(source: str) -> bool:
    """Whether a template is one expression, because any other gives text. One that can't be compiled counts as one."""
    try:
        return templating.has_template(source) and templating.compile_leaf(source).lone
    except TemplateError:
        return True


def _delay(step: step_types.Delay, path: str, scope: Scope) -> Iterator[Fault]:
    if (step.duration is None) == (step.until is None):
        yield Fault(path, "a delay has either for, as 10m, or until, as {{ event.body.date }}")
        return
    yield from template_faults(step.key, join(path, "key"), scope)
    part, value = ("until", step.until) if step.duration is None else ("for", step.duration)
    yield from template_faults(value, join(path, part), scope)
    if isinstance(value, str) and templating.has_template(value):
        return
    try:
        if step.duration is None:
            deadlines.until(value, now=time.time_ns() // 1000, zone=UTC)
        else:
            deadlines.after(value, now=0)
    except RelayError as error:
        yield Fault(join(path, part), str(error))


def _digest(step: step_types.Digest, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.key, join(path, "key"), scope)
    if scope.loops:
        yield Fault(path, "a digest gathers whole runs, so it can't be inside a loop")
    if step.every is not None and step.at is not None:
        yield Fault(path, "a digest has either every, as 1h, or at, as 08:00")
    elif step.every is None and not step.at and step.limit is None:
        yield Fault(path, "a digest needs every, as 1h, or at, as 08:00, or a limit")
    yield from _window(step.every, join(path, "every"))
    try:
        deadlines.times_of_day(step.at)
    except RelayError as error:
        yield Fault(join(path, "at"), str(error))
    if step.limit is not None and not 1 <= step.limit <= MAX_DIGEST_RUNS:
        yield Fault(join(path, "limit"), f"is between 1 and {MAX_DIGEST_RUNS}")


def _changed(step: step_types.Changed, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.value, join(path, "value"), scope)
    yield from template_faults(step.key, join(path, "key"), scope)
    if step.deadband is not None and step.deadband < 0:
        yield Fault(join(path, "deadband"), "is 0 or more")


def _once(step: step_types.Once, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.key, join(path, "key"), scope)
    if not templating.has_template(step.key):
        yield Fault(join(path, "key"), "is a template, as {{ event.body.id }}")
    yield from _window(step.window, join(path, "window"))


def _window(window: str | None, path: str) -> Iterator[Fault]:
    try:
        if window is not None and not backoff.seconds(window, most=deadlines.MAX_WAIT_SECONDS) > 0:
            yield Fault(path, "is more than 0s")
    except ValueError as error:
        yield Fault(path, str(error))


_OWN: dict[type[step_types.Step], Callable[[Any, str, Scope], Iterator[Fault]]] = {
    step_types.Filter: _filter,
    step_types.Set: _set,
    step_types.Action: action_faults,
    step_types.Respond: _respond,
    step_types.Branch: _branch,
    step_types.Loop: _loop,
    step_types.Delay: _delay,
    step_types.Digest: _digest,
    step_types.Changed: _changed,
    step_types.Once: _once,
}
