"""Copies steps to a clipboard in the session, and pastes them into any flow of the workspace's pages."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any

from relay.errors import DocumentFaults, RelayError
from relay.flows import nesting
from relay.flows.references import find_mentions
from relay.models import Flow
from relay.web.editor import draft_edits
from relay.web.editor.steps import pieces, step_edits, step_text

KEY = "clipboard"  # in the session
MAX_CHARACTERS = 256 * 1024
MAX_REPORTED = 20  # names that a pasted piece uses and the flow doesn't have
JSON = dict[str, Any]


def put(session: MutableMapping[str, Any], step: JSON, name: str) -> None:
    """Keep a step in the session. RelayError if it is too large."""
    if len(step_text.text_of(step)) > MAX_CHARACTERS:
        raise RelayError(f"This step is too large for the clipboard, which keeps {MAX_CHARACTERS:,} characters")
    session[KEY] = {"steps": [step], "name": name}


def label(session: MutableMapping[str, Any]) -> str:
    """Return the name of the step in the clipboard, "" if it is empty."""
    kept = session.get(KEY)
    return str(kept.get("name", "")) if isinstance(kept, dict) else ""


def read(session: MutableMapping[str, Any], text: str) -> list[JSON]:
    """Return the steps of a pasted text, or without one those of the clipboard. RelayError if there are none."""
    value = step_text.value_of(text) if text.strip() else (session.get(KEY) or {}).get("steps")
    return _steps_of(value)


def _steps_of(value: Any) -> list[JSON]:
    """Return the steps of a piece of a document: a step, a list of steps, or an object with `steps`."""
    if isinstance(value, dict):
        value = value["steps"] if "kind" not in value and "steps" in value else [value]
    if not isinstance(value, list) or not value:
        raise RelayError("There is nothing to paste. Copy a step first, or paste one as JSON or YAML.")
    if not all(isinstance(step, dict) and isinstance(step.get("kind"), str) for step in value):
        raise RelayError("This text contains no steps. Paste a step, or a list of steps, each with a kind.")
    steps: list[JSON] = draft_edits.editable_copy({"steps": value})["steps"]
    return steps


def paste(document: JSON, steps: list[JSON], *, place: str) -> str:
    """Insert steps at a place under ids of their own, and return the id of the first one."""
    step_edits.check_count(document, steps)
    pieces.rename(document, steps)
    step_edits.insert(document, steps, place=place)
    return str(steps[0]["id"])


def lacks(flow: Flow, document: JSON, steps: list[JSON]) -> list[str]:
    """Return in words what pasted steps use and the flow doesn't have: steps, constants, variables and connections."""
    return list(dict.fromkeys(_lacks(flow, document, {"steps": steps})))[:MAX_REPORTED]


def _lacks(flow: Flow, document: JSON, piece: JSON) -> Iterator[str]:
    constants = document.get("constants")
    have = {
        "steps": {step["id"] for step in nesting.all_steps(document)},
        "constants": set(constants) if isinstance(constants, dict) else set(),
        "vars": set(flow.workspace.variables.values_list("name", flat=True)),
    }
    nouns = {"steps": "step", "constants": "constant", "vars": "variable"}
    for root, names in have.items():
        for use in find_mentions(piece, root):
            if use.name and use.name not in names:
                yield f"the {nouns[root]} {use.name}"
    connections = nesting.connections(piece)
    known = set(flow.workspace.connections.filter(name__in=connections).values_list("name", flat=True))
    for name in sorted(connections - known):
        yield f"the connection “{name}”"


def error_of(error: RelayError) -> str:
    """Return why a text can't be pasted."""
    return f"This can't be read: {error}" if isinstance(error, DocumentFaults) else str(error)
