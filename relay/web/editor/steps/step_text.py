"""Edits a step or a whole flow as text: JSON is shown, JSON or YAML is taken, and faults have their line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from relay.errors import DocumentFaults, Fault, RelayError
from relay.flows import loading, nesting
from relay.flows.structure_checks import join

FIELD = "text"  # the name of the posted text
MAX_CHARACTERS = loading.MAX_BYTES + 1  # a longer text is refused, not cut
MAX_YAML_CHARACTERS = 100_000
MAX_SHOWN_FAULTS = 50
JSON = dict[str, Any]


@dataclass(frozen=True, slots=True)
class TextFault:
    """A fault in a text. `line`: the line of the text, 0 if it isn't known."""

    line: int
    path: str
    message: str


@dataclass(frozen=True, slots=True)
class TypedText:
    """A text that was refused, and why."""

    text: str
    faults: list[TextFault] = field(default_factory=list)


def text_of(value: Any) -> str:
    """Return a part of a document as JSON on many lines."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def locate(faults: list[Fault], text: str) -> list[TextFault]:
    """Return faults with the lines of `text` that they are about. `text`: as `text_of` returns it."""
    lines = dict(_lines_by_path(text))
    return [TextFault(_line(lines, fault.path), fault.path, fault.message) for fault in faults[:MAX_SHOWN_FAULTS]]


def value_of(text: str) -> Any:
    """Return the value of JSON or YAML. DocumentFaults if it can't be read."""
    # Reading YAML takes ten times as long as reading JSON.
    if len(text) > MAX_YAML_CHARACTERS and text.lstrip()[:1] not in ("{", "["):
        raise DocumentFaults([Fault("", f"YAML may have {MAX_YAML_CHARACTERS:,} characters here; write it as JSON")])
    return loading.load(text)


def read_step(text: str, taken: set[str]) -> JSON:
    """Parse a text as a step. `taken`: the ids of other steps. Raises DocumentFaults if the text is not a step."""
    step = value_of(text)
    if not isinstance(step, dict):
        raise DocumentFaults([Fault("", "this must be one step: an object with id and kind")])
    faults = [Fault(key, "is missing") for key in ("id", "kind") if not isinstance(step.get(key), str) or not step[key]]
    if faults:
        raise DocumentFaults(faults)
    ids = [inner["id"] for inner, _ in nesting.every([step])]
    twice = next((one for index, one in enumerate(ids) if one in taken or one in ids[:index]), None)
    if twice is not None:
        raise DocumentFaults([Fault("id", f"{twice} is the id of another step too")])
    return step


def read_flow(text: str) -> JSON:
    """Parse a text as a flow document. Raises DocumentFaults if it is not one."""
    document = value_of(text)
    if not isinstance(document, dict) or not isinstance(document.get("steps", []), list):
        raise DocumentFaults([Fault("", "this must be a flow document: an object with name, trigger and steps")])
    return document


def typed(text: str, error: RelayError) -> TypedText:
    """Return a text that was refused, with the reasons."""
    faults = error.faults if isinstance(error, DocumentFaults) else [Fault("", str(error))]
    return TypedText(text, [TextFault(0, fault.path, fault.message) for fault in faults[:MAX_SHOWN_FAULTS]])


def _line(lines: dict[str, int], path: str) -> int:
    """Return the line of a path, or of the nearest part around it that has one."""
    while path and path not in lines:
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
    return lines.get(path, 0)


def _lines_by_path(text: str) -> Iterator[tuple[str, int]]:
    """Yield the path of each value of formatted JSON with its line: every value but an empty one begins a line."""
    stack: list[tuple[str, int | None]] = []  # the path of each open list or object, and the next index of a list
    for number, line in enumerate(text.split("\n"), 1):
        content = line.strip()
        if content[:1] in ("}", "]"):
            stack.pop()
            continue
        path = ""
        if stack:
            parent, index = stack[-1]
            if index is None:
                key, end = json.JSONDecoder().raw_decode(content)
                path, content = join(parent, key), content[end:]
            else:
                path, stack[-1] = f"{parent}[{index}]", (parent, index + 1)
        yield path, number
        if content[-1:] in ("{", "["):
            stack.append((path, 0 if content[-1] == "[" else None))
