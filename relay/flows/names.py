"""Templates and conditions of a document: what is wrong with them, and names that no event could provide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from relay import templating
from relay.conditions import compile_condition
from relay.errors import DocumentFaults, Fault
from relay.flows.shape import join

# The first names that a template may use.
ROOTS = {"event", "steps", "vars", "flow", "run"}


def condition_faults(value: Any, path: str, before: set[str], extra: set[str] | None = None) -> Iterator[Fault]:
    try:
        compile_condition(value)
    except DocumentFaults as error:
        for fault in error.faults:
            yield Fault(join(path, fault.path), fault.message)
        return
    yield from _names(value, path, before, extra or set())


def template_faults(value: Any, path: str, before: set[str]) -> Iterator[Fault]:
    wrong = templating.check(value)
    for place, error in wrong:
        yield Fault(join(path, place), str(error))
    if not wrong:
        yield from _names(value, path, before, set())


def _names(value: Any, path: str, before: set[str], extra: set[str]) -> Iterator[Fault]:
    """Names that no event could ever provide."""
    if isinstance(value, str):
        for name in sorted(templating.names(value)):
            message = _name_fault(name, before, extra)
            if message:
                yield Fault(path, message)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _names(item, join(path, str(key)), before, extra)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _names(item, f"{path}[{place}]", before, extra)


def _name_fault(name: str, before: set[str], extra: set[str]) -> str:
    parts = re.split(r"[.\[]", name)
    if parts[0] not in ROOTS | extra:
        return f"{parts[0]} is not a name here; there are {', '.join(sorted(ROOTS | extra))}"
    if parts[0] == "steps" and len(parts) > 1 and parts[1] not in before:
        return f"there is no step {parts[1]} before this one"
    return ""
