"""What is wrong with the steps of a document, however deep they are nested."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any

from relay import templating
from relay.errors import Fault, RequestRefused
from relay.flows import kinds
from relay.flows.actionfaults import action_faults
from relay.flows.names import NOWHERE, Scope, condition_faults, template_faults
from relay.flows.shape import join
from relay.outbound import check_headers

MOST_STEPS = 100
MOST_DEPTH = 8
LONGEST_NAME = 200

ID = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")

# Faults, and in the end the scope of what follows.
_Found = Generator[Fault, None, Scope]


def step_faults(steps: Sequence[kinds.Step]) -> Iterator[Fault]:
    """Every fault of a document's steps, with its path."""
    if sum(1 for _ in every(steps)) > MOST_STEPS:
        yield Fault("steps", f"a flow may have {MOST_STEPS} steps")
        return
    yield from _Checker().block(steps, "steps", NOWHERE)


def every(steps: Sequence[kinds.Step]) -> Iterator[kinds.Step]:
    """All steps, those inside of others too."""
    for step in steps:
        yield step
        for _, block in kinds.blocks(step):
            yield from every(block)


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
        for inner, block in kinds.blocks(step):
            inside = yield from self.block(block, join(path, inner), replace(after, depth=scope.depth + 1))
            after = replace(after, before=inside.before, lists=inside.lists)
        return after

    def _identity(self, step: kinds.Step, path: str) -> Iterator[Fault]:
        if not ID.fullmatch(step.id) or keyword.iskeyword(step.id):
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
    yield from template_faults(step.values, join(path, "values"), scope)


def _respond(step: kinds.Respond, path: str, scope: Scope) -> Iterator[Fault]:
    if isinstance(step.status, int) and not 200 <= step.status <= 599:
        yield Fault(join(path, "status"), "is between 200 and 599")
    elif isinstance(step.status, str) and not templating.has_template(step.status):
        yield Fault(join(path, "status"), "is a number, or a template that gives one")
    for part in ("status", "headers", "body"):
        yield from template_faults(getattr(step, part), join(path, part), scope)
    constant = {name: value for name, value in step.headers.items() if not templating.has_template(value)}
    try:
        check_headers(constant)
    except RequestRefused as error:
        yield Fault(join(path, "headers"), str(error))


_OWN: dict[type[kinds.Step], Callable[[Any, str, Scope], Iterator[Fault]]] = {
    kinds.Filter: _filter,
    kinds.Set: _set,
    kinds.Action: action_faults,
    kinds.Respond: _respond,
}
