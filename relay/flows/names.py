"""Templates and conditions of a document: what is wrong with them, and names that no event could provide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from relay import templating
from relay.conditions import compile_condition
from relay.errors import DocumentFaults, Fault
from relay.flows.shape import join

# The first names that a template may use.
ROOTS = {"event", "steps", "vars", "constants", "flow", "run"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known at a place of a document.

    `before`: ids of steps whose outputs are there; of them, `lists`: those that a loop has gathered.
    `hidden`: ids of steps inside other arms. `names`: further first names, as a loop gives. `depth`: of nesting.
    """

    before: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    depth: int = 0
    loops: int = 0

    def with_names(self, *names: str) -> Scope:
        return replace(self, names=self.names | {*names})


NOWHERE = Scope()


def condition_faults(value: Any, path: str, scope: Scope = NOWHERE) -> Iterator[Fault]:
    try:
        compile_condition(value)
    except DocumentFaults as error:
        for fault in error.faults:
            yield Fault(join(path, fault.path), fault.message)
        return
    yield from _names(value, path, scope)


def template_faults(value: Any, path: str, scope: Scope = NOWHERE) -> Iterator[Fault]:
    wrong = templating.check(value)
    for place, error in wrong:
        yield Fault(join(path, place), str(error))
    if not wrong:
        yield from _names(value, path, scope)


def _names(value: Any, path: str, scope: Scope) -> Iterator[Fault]:
    """Names that no event could ever provide."""
    if isinstance(value, str):
        for name in sorted(templating.names(value)):
            message = _name_fault(name, scope)
            if message:
                yield Fault(path, message)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _names(item, join(path, str(key)), scope)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _names(item, f"{path}[{place}]", scope)


def _name_fault(name: str, scope: Scope) -> str:
    parts = re.split(r"[.\[]", name)
    roots = ROOTS | scope.names
    if parts[0] not in roots:
        return f"{parts[0]} is not a name here; there are {', '.join(sorted(roots))}"
    return _step_fault(name, parts[1], scope) if parts[0] == "steps" and len(parts) > 1 else ""


def _step_fault(name: str, step: str, scope: Scope) -> str:
    if step in scope.hidden:
        return f"the step {step} is inside another arm, so it has not run here"
    if step not in scope.before:
        return f"there is no step {step} before this one"
    if step in scope.lists and name.startswith(f"steps.{step}."):
        return f"{step} is inside a loop: after the loop, steps.{step} is a list with an item for each element"
    return ""
