"""What is wrong with the steps of a document, however deep they are nested."""

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
from relay.flows import kinds, moments
from relay.flows.actionfaults import action_faults
from relay.flows.answers import WITHOUT_BODY, check_place
from relay.flows.names import NOWHERE, ROOTS, Scope, condition_faults, template_faults
from relay.flows.outputs import outputs
from relay.flows.plan import MOST_GATHERED
from relay.flows.shape import join, near
from relay.outbound import check_headers
from relay.templating.environment import GLOBALS

MOST_STEPS = 100
MOST_DEPTH = 8
# The place of an element is part of a step's name in the ledger, which has room for 64 characters.
MOST_LOOPS = 3
LONGEST_INNER = 44
LONGEST_NAME = 200

MOST_ELEMENTS = 10_000
TAKEN = frozenset({*ROOTS, "loop", *GLOBALS})

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

# Faults, and in the end the scope of what follows.
_Found = Generator[Fault, None, Scope]


def step_faults(steps: Sequence[kinds.Step], scope: Scope = NOWHERE) -> Iterator[Fault]:
    """Every fault of a document's steps, with its path. `scope`: what is known before the first of them."""
    if sum(1 for _ in kinds.every(steps)) > MOST_STEPS:
        yield Fault("steps", f"a flow may have {MOST_STEPS} steps")
        return
    gives = {step.id: outputs(step) for step in kinds.every(steps)}
    yield from _Checker().block(steps, "steps", replace(scope, gives=gives))


class _Checker:
    """Goes through a document in the order of a run, so that it knows what is there at each place."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def block(self, steps: Sequence[kinds.Step], path: str, scope: Scope) -> _Found:
        if scope.depth > MOST_DEPTH:
            yield Fault(path, f"steps are nested more than {MOST_DEPTH} levels deep")
            return scope
        for place, step in enumerate(steps):
            after = yield from self._step(step, f"{path}[{place}]", scope)
            scope = scope if step.disabled else after
        return scope

    def _step(self, step: kinds.Step, path: str, scope: Scope) -> _Found:
        yield from self._identity(step, path)
        yield from _OWN[type(step)](step, path, scope)
        after = replace(scope, before=scope.before | {step.id})
        if isinstance(step, kinds.Branch):
            return (yield from self._arms(step, path, after))
        if isinstance(step, kinds.Loop):
            return (yield from self._elements(step, path, after))
        for inner, block in kinds.blocks(step):
            after = replace((yield from self._inside(block, join(path, inner), after)), depth=scope.depth)
        return after

    def _inside(self, steps: Sequence[kinds.Step], path: str, scope: Scope) -> _Found:
        return (yield from self.block(steps, path, replace(scope, depth=scope.depth + 1)))

    def _arms(self, step: kinds.Branch, path: str, scope: Scope) -> _Found:
        """What one arm gives is hidden in the others, and there behind the branch: perhaps, so with a default."""
        arms = kinds.blocks(step)
        ids = [{one.id for one in kinds.every(block)} for _, block in arms]
        after = scope
        for place, (inner, block) in enumerate(arms):
            others = frozenset().union(*ids[:place], *ids[place + 1 :])
            ended = yield from self._inside(block, join(path, inner), replace(scope, hidden=scope.hidden | others))
            after = replace(after, before=after.before | ended.before, lists=after.lists | ended.lists)
        return after

    def _elements(self, step: kinds.Loop, path: str, scope: Scope) -> _Found:
        if scope.loops >= MOST_LOOPS:
            yield Fault(path, f"loops are nested more than {MOST_LOOPS} deep")
        inner = [one.id for one in kinds.every(step.steps)]
        for one in inner:
            if len(one) > LONGEST_INNER:
                yield Fault(
                    path, f"the id of a step in a loop may have {LONGEST_INNER} characters; {one[:20]}… has more"
                )
        element = replace(scope, names=scope.names | {step.called, "loop"}, loops=scope.loops + 1)
        ended = yield from self._inside(step.steps, join(path, "steps"), element)
        yield from self._inside(step.error_steps, join(path, "error_steps"), ended)
        return replace(scope, before=ended.before, lists=scope.lists | {*inner})

    def _identity(self, step: kinds.Step, path: str) -> Iterator[Fault]:
        if keyword.iskeyword(step.id):
            yield Fault(join(path, "id"), f"{step.id} is a word that templates know: call the step otherwise")
        elif not ID.fullmatch(step.id):
            yield Fault(join(path, "id"), "is a name of letters, digits and _, up to 64, beginning with a letter")
        elif step.id in self._seen:
            yield Fault(join(path, "id"), f"{step.id} stands twice")
        self._seen.add(step.id)
        if len(step.name) > LONGEST_NAME:
            yield Fault(join(path, "name"), f"may have {LONGEST_NAME} characters")


def _filter(step: kinds.Filter, path: str, scope: Scope) -> Iterator[Fault]:
    yield from condition_faults(step.when, join(path, "when"), scope)


def _set(step: kinds.Set, path: str, scope: Scope) -> Iterator[Fault]:
    for name in step.values:
        if not ID.fullmatch(name):
            yield Fault(join(path, f"values.{name[:60]}"), "is not a name of letters, digits and _")
    for name, value in step.values.items():
        if kinds.is_lookup(value) and not isinstance(value["table"], dict):
            yield Fault(join(path, f"values.{name}.table"), "is an object: what is found, by key")
        elif isinstance(value, dict) and {"table", "key"} <= value.keys():
            for key in value.keys() - {"table", "key", "default"}:
                if near(key, ("default",)):
                    yield Fault(join(path, f"values.{name}.{key[:60]}"), "unknown key; did you mean default?")
    yield from template_faults(step.values, join(path, "values"), scope)


def _respond(step: kinds.Respond, path: str, scope: Scope) -> Iterator[Fault]:
    if isinstance(step.status, int) and not 200 <= step.status <= 599:
        yield Fault(join(path, "status"), "is between 200 and 599")
    elif isinstance(step.status, str) and not templating.has_template(step.status):
        yield Fault(join(path, "status"), "is a number, or a template that gives one")
    for part in ("status", "headers", "body"):
        yield from template_faults(getattr(step, part), join(path, part), scope)
    if isinstance(step.status, int) and step.status in WITHOUT_BODY and step.body not in ("", None):
        yield Fault(join(path, "body"), f"an answer of status {step.status} has no body")
    constant = {name: value for name, value in step.headers.items() if not templating.has_template(value)}
    try:
        check_headers(constant)
        check_place(constant)
    except RelayError as error:
        yield Fault(join(path, "headers"), str(error))


def _branch(step: kinds.Branch, path: str, scope: Scope) -> Iterator[Fault]:
    if not step.branches:
        yield Fault(join(path, "branches"), "is empty")
    for place, arm in enumerate(step.branches):
        here = join(path, f"branches[{place}]")
        yield from condition_faults(arm.when, join(here, "when"), scope)
        if len(arm.name) > LONGEST_NAME:
            yield Fault(join(here, "name"), f"may have {LONGEST_NAME} characters")


def _loop(step: kinds.Loop, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.over, join(path, "over"), scope)
    if not (isinstance(step.over, list) or (isinstance(step.over, str) and _can_be_a_list(step.over))):
        yield Fault(join(path, "over"), "is a list, or a template that gives one, as {{ event.body.items }}")
    if step.called in TAKEN or not ID.fullmatch(step.called) or keyword.iskeyword(step.called):
        yield Fault(join(path, "as"), f"{step.called[:40]!r} can't be the name of an element; leave it out for item")
    if step.limit is not None and not 1 <= step.limit <= MOST_ELEMENTS:
        yield Fault(join(path, "limit"), f"is between 1 and {MOST_ELEMENTS}")
    if step.error_steps and step.on_error != "branch":
        yield Fault(join(path, "error_steps"), "needs on_error: branch")


def _can_be_a_list(source: str) -> bool:
    """Whether a template is one expression: any other is text. One that can't be compiled has a fault of its own."""
    try:
        return templating.has_template(source) and templating.compile_leaf(source).lone
    except TemplateError:
        return True


def _delay(step: kinds.Delay, path: str, scope: Scope) -> Iterator[Fault]:
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
            moments.until(value, now=time.time_ns() // 1000, place=UTC)
        else:
            moments.after(value, now=0)
    except RelayError as error:
        yield Fault(join(path, part), str(error))


def _digest(step: kinds.Digest, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.key, join(path, "key"), scope)
    if scope.loops:
        yield Fault(path, "a digest gathers whole runs, so it can't be inside a loop")
    if step.every is not None and step.at is not None:
        yield Fault(path, "a digest has either every, as 1h, or at, as 08:00")
    elif step.every is None and not step.at and step.limit is None:
        yield Fault(path, "a digest needs every, as 1h, or at, as 08:00, or a limit")
    yield from _window(step.every, join(path, "every"))
    try:
        moments.times_of_day(step.at)
    except RelayError as error:
        yield Fault(join(path, "at"), str(error))
    if step.limit is not None and not 1 <= step.limit <= MOST_GATHERED:
        yield Fault(join(path, "limit"), f"is between 1 and {MOST_GATHERED}")


def _changed(step: kinds.Changed, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.value, join(path, "value"), scope)
    yield from template_faults(step.key, join(path, "key"), scope)
    if step.deadband is not None and step.deadband < 0:
        yield Fault(join(path, "deadband"), "is 0 or more")


def _once(step: kinds.Once, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.key, join(path, "key"), scope)
    if not templating.has_template(step.key):
        yield Fault(join(path, "key"), "is a template, as {{ event.body.id }}")
    yield from _window(step.window, join(path, "window"))


def _window(window: str | None, path: str) -> Iterator[Fault]:
    try:
        if window is not None and not backoff.seconds(window, most=moments.LONGEST) > 0:
            yield Fault(path, "is more than 0s")
    except ValueError as error:
        yield Fault(path, str(error))


_OWN: dict[type[kinds.Step], Callable[[Any, str, Scope], Iterator[Fault]]] = {
    kinds.Filter: _filter,
    kinds.Set: _set,
    kinds.Action: action_faults,
    kinds.Respond: _respond,
    kinds.Branch: _branch,
    kinds.Loop: _loop,
    kinds.Delay: _delay,
    kinds.Digest: _digest,
    kinds.Changed: _changed,
    kinds.Once: _once,
}
