"""Checks templates and conditions of a document, and the names in them that no event could provide."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from relay import templating
from relay.conditions import compile_condition
from relay.errors import DocumentFaults, Fault
from relay.flows.structure_checks import join, suggestion
from relay.templating.missing import LOOP_NAMES

# The names with which a path in a template may begin.
ROOTS = {"event", "steps", "vars", "constants", "flow", "run"}
# The names that may follow where the payload does not decide.
_WITHIN = {
    "event": frozenset({"body", "form", "raw", "headers", "query", "method", "id", "received_at", "files"}),
    "flow": frozenset({"name"}),
    "run": frozenset({"id"}),
    "loop": frozenset({"index", "index0", "first", "last", "length"}),
}
_key = re.compile(r"\.(\w+)|\['([^']*)'\]").match


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that templates at a place of a document can use.

    `before`: ids of steps whose outputs are available; of these, the outputs of `lists` are lists made by a loop.
    `hidden`: ids of steps inside other arms. `names`: further names, such as those of a loop. `depth`: of nesting.
    `gives`: the outputs of each step of the document, None if they aren't known.
    """

    before: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()
    hidden: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    depth: int = 0
    loops: int = 0
    gives: Mapping[str, frozenset[str] | None] = field(default_factory=dict)

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
    errors = templating.check(value)
    for error_path, error in errors:
        yield Fault(join(path, error_path), str(error))
    if not errors:
        yield from _names(value, path, scope)


def _names(value: Any, path: str, scope: Scope) -> Iterator[Fault]:
    """Yields the faults of names that no event could provide."""
    if isinstance(value, str):
        for name in sorted(templating.names(value)):
            message = _name_fault(name, scope)
            if message:
                yield Fault(path, message)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _names(item, join(path, str(key)), scope)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _names(item, f"{path}[{index}]", scope)


def _name_fault(name: str, scope: Scope) -> str:
    root = re.split(r"[.\[]", name)[0]
    roots = ROOTS | scope.names
    if root not in roots:
        return f"{root} is not a name here; there are {', '.join(sorted(roots))}"
    key, rest = _next_key(name[len(root) :])
    if key is None:
        return ""
    if root == "steps":
        return _step_fault(key, rest, scope)
    if root == "event" and key == "headers":
        return _header_fault(_next_key(rest)[0])
    known = _WITHIN.get(root, frozenset({key}))
    # `loop` may also be that of a {% for %} in the template, which has more names.
    is_known = key in known or (root == "loop" and key in LOOP_NAMES)
    return "" if is_known else f"{root} has no {key[:60]}{_alternatives(key, known)}"


def _header_fault(header: str | None) -> str:
    if header is None or header == header.lower():
        return ""
    return f"names of headers are in small letters: event.headers['{header.lower()[:60]}']"


def _alternatives(name: str, known: frozenset[str]) -> str:
    """A similar name, or all known names, as the end of a message."""
    return suggestion(name, known) or f"; there is {', '.join(sorted(known))}"


def _next_key(rest: str) -> tuple[str | None, str]:
    """The next key of a path, None if it is not a name, and the rest of the path."""
    match = _key(rest)
    return (None, rest) if match is None else (match[1] or match[2], rest[match.end() :])


def _step_fault(step: str, rest: str, scope: Scope) -> str:
    if step in scope.hidden:
        return f"the step {step} is inside another path, so it has not run here"
    if step not in scope.before:
        return f"there is no step {step} before this one"
    output, _ = _next_key(rest)
    if output is None:
        return ""
    if step in scope.lists:
        return f"{step} is inside a loop: after the loop, steps.{step} is a list with an item for each element"
    return _output_fault(step, output, scope.gives.get(step))


def _output_fault(step: str, output: str, known: frozenset[str] | None) -> str:
    if known is None or output in known:
        return ""
    if output == "error":
        return f"the step {step} has no error output: its on_error is not continue or branch"
    if not known:
        return f"the step {step} has no outputs"
    return f"the step {step} has no output {output[:60]}{_alternatives(output, known)}"
