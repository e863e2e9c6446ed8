"""Finds the variables and constants that the templates of a document use."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from relay import templating
from relay.errors import Fault, TemplateError
from relay.flows.structure_checks import join

_FIRST = re.compile(r"(\w+)(?:\.(\w+))?")
_MENTIONS = r"""(?<![\w.]){root}\b(?:\s{{0,9}}(?:\.\s{{0,9}}(?P<dotted>\w+)|\[\s{{0,9}}["'](?P<keyed>\w+)["']))?"""
# Keys with texts for people, and parts of a document that are not templates although they are text.
_LABELS = frozenset({"id", "kind", "name", "note", "description", "folder"})
_PLAIN = frozenset({"constants", "trigger.response", "trigger.inputs"})
_DATA = frozenset({"inputs", "values", "when", "only"})


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of `root.name` in the template at `path`. The name is "" if the template reads all names at once."""

    name: str
    path: str
    in_inputs: bool


def find_references(document: Mapping[str, Any], root: str) -> Iterator[Reference]:
    """Yields every use of a root (`vars`) by enabled steps; templates of drafts that cannot be compiled are skipped.

    Compiles every template that contains the root's name, which takes seconds for a large document. Pages use
    `find_mentions` instead.
    """
    for source, path, in_inputs in _texts(document, "", is_data=False, in_inputs=False):
        for name in used_names(source, root):
            yield Reference(name, path, in_inputs)


def find_mentions(document: Mapping[str, Any], root: str) -> Iterator[Reference]:
    """Yields every place where a template seems to use a root, without compiling it.

    Includes all of `find_references`, and also a `vars.a` beside a template or in a text within one, which then counts
    as used.
    """
    pattern = re.compile(_MENTIONS.format(root=re.escape(root)))
    for source, path, in_inputs in _texts(document, "", is_data=False, in_inputs=False):
        if root in source and templating.has_template(source):
            for name in {match["dotted"] or match["keyed"] or "" for match in pattern.finditer(source)}:
                yield Reference(name, path, in_inputs)


def used_names(source: str, root: str) -> set[str]:
    """The names that one template uses of a root, "" for all of them; an empty set if it can't be compiled."""
    names: set[str] = set()
    if root in source and templating.has_template(source):
        with contextlib.suppress(TemplateError):
            matches = (_FIRST.match(path) for path in templating.names(source))
            names = {match[2] or "" for match in matches if match and match[1] == root}
    return names


def _texts(value: Any, path: str, *, is_data: bool, in_inputs: bool) -> Iterator[tuple[str, str, bool]]:
    if isinstance(value, str):
        yield value, path, in_inputs
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _texts(item, f"{path}[{index}]", is_data=is_data, in_inputs=in_inputs)
    elif isinstance(value, dict):
        yield from _object(value, path, is_data=is_data, in_inputs=in_inputs)


def _object(value: dict[str, Any], path: str, *, is_data: bool, in_inputs: bool) -> Iterator[tuple[str, str, bool]]:
    is_part = not is_data and (not path or "kind" in value or "steps" in value)
    if is_part and value.get("disabled") is True:
        return
    for key, item in value.items():
        item_path = join(path, str(key))
        if (is_part and key in _LABELS) or (not is_data and item_path in _PLAIN):
            continue
        is_inputs = is_part and key == "inputs" and value.get("kind") == "action"
        yield from _texts(item, item_path, is_data=is_data or key in _DATA, in_inputs=in_inputs or is_inputs)


def variable_faults(used: Iterable[Reference], have: Mapping[str, bool]) -> list[Fault]:
    """The faults of missing variables, and of secret ones outside of inputs. `have`: name -> whether it is secret."""
    faults = []
    for reference in used:
        if reference.name and reference.name not in have:
            faults.append(Fault(reference.path, f"there is no variable {reference.name}; add it under Variables"))
        elif reference.name and have[reference.name] and not reference.in_inputs:
            faults.append(
                Fault(
                    reference.path, f"{reference.name} is a secret variable: those stand only in the inputs of actions"
                )
            )
    return faults


def constant_faults(document: Mapping[str, Any], have: Mapping[str, Any]) -> Iterator[Fault]:
    """Yields the faults of constants that templates use and the document (`have`) does not define."""
    known = f"there are {', '.join(have)}" if have else "the flow has none"
    for reference in find_references(document, "constants"):
        if reference.name and reference.name not in have:
            yield Fault(reference.path, f"there is no constant {reference.name}; {known}")
