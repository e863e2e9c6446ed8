"""Which variables and constants the templates of a document use, and where."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relay import templating
from relay.errors import Fault, TemplateError
from relay.flows.shape import join

_FIRST = re.compile(r"(\w+)(?:\.(\w+))?")
# What people read, in the parts of a document that are no data; and what is no template though it is text.
_LABELS = frozenset({"id", "kind", "name", "note", "description", "folder"})
_PLAIN = frozenset({"constants", "trigger.response", "trigger.inputs"})
_DATA = frozenset({"inputs", "values", "when", "only"})


@dataclass(frozen=True, slots=True)
class Use:
    """A template at `path` uses `root.name`; no name where it takes all of them at once."""

    name: str
    path: str
    in_inputs: bool


def uses(document: Mapping[str, Any], root: str) -> Iterator[Use]:
    """Every use of a root (`vars`) by steps that are on; drafts may be odd: what can't be read is left out."""
    for source, path, in_inputs in _texts(document, "", is_data=False, in_inputs=False):
        for name in used_names(source, root):
            yield Use(name, path, in_inputs)


def used_names(source: str, root: str) -> set[str]:
    """The names that one template uses of a root, "" for all of them; nothing where it can't be compiled."""
    found: set[str] = set()
    if root in source and templating.has_template(source):
        with contextlib.suppress(TemplateError):
            matches = (_FIRST.match(path) for path in templating.names(source))
            found = {match[2] or "" for match in matches if match and match[1] == root}
    return found


def _texts(value: Any, path: str, *, is_data: bool, in_inputs: bool) -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, str):
        yield value, path, in_inputs
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _texts(item, f"{path}[{place}]", is_data=is_data, in_inputs=in_inputs)
    elif isinstance(value, dict):
        yield from _object(value, path, is_data=is_data, in_inputs=in_inputs)


def _object(value: dict[str, Any], path: str, *, is_data: bool, in_inputs: bool) -> Iterator[tuple[str, str, bool]]:
    is_part = not is_data and (not path or "kind" in value or "steps" in value)
    if is_part and value.get("disabled") is True:
        return
    for key, item in value.items():
        place = join(path, str(key))
        if (is_part and key in _LABELS) or (not is_data and place in _PLAIN):
            continue
        enters = is_part and key == "inputs" and value.get("kind") == "action"
        yield from _texts(item, place, is_data=is_data or key in _DATA, in_inputs=in_inputs or enters)


def variable_faults(document: Mapping[str, Any], have: Mapping[str, bool]) -> list[Fault]:
    """Variables that the workspace lacks (`have`: name -> whether secret), and secret ones out of their place."""
    found = []
    for use in uses(document, "vars"):
        if use.name and use.name not in have:
            found.append(Fault(use.path, f"there is no variable {use.name}; add it under Variables"))
        elif use.name and have[use.name] and not use.in_inputs:
            found.append(Fault(use.path, f"{use.name} is a secret variable: those stand only in the inputs of actions"))
    return found


def constant_faults(document: Mapping[str, Any], have: Mapping[str, Any]) -> Iterator[Fault]:
    """Constants that templates use and the document (`have`) doesn't name."""
    known = f"there are {', '.join(have)}" if have else "the flow has none"
    for use in uses(document, "constants"):
        if use.name and use.name not in have:
            yield Fault(use.path, f"there is no constant {use.name}; {known}")
