"""Tests that one function finds all nested steps, and that no module walks documents by itself."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from relay.flows import nesting, step_types

ROOT = Path(__file__).parents[2] / "relay"
ASK = {"id": "ask", "kind": "action", "action": "http.request", "inputs": {"url": "https://a.example/"}}
ALWAYS = {"left": 1, "op": "equals", "right": 1}

WAYS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "Arm.steps": lambda step: {"id": "b", "kind": "branch", "branches": [{"when": ALWAYS, "steps": [step]}]},
    "Branch.else": lambda step: {
        "id": "b",
        "kind": "branch",
        "branches": [{"when": ALWAYS, "steps": []}],
        "else": [step],
    },
    "Loop.steps": lambda step: {"id": "l", "kind": "loop", "over": "{{ event.body }}", "steps": [step]},
    "Loop.error_steps": lambda step: {
        "id": "l",
        "kind": "loop",
        "over": "{{ event.body }}",
        "steps": [],
        "on_error": "branch",
        "error_steps": [step],
    },
    "Action.error_steps": lambda step: {**ASK, "on_error": "branch", "error_steps": [step]},
}


def test_the_ways_are_all_there_are() -> None:
    """Every field of the format that holds steps: a new kind of nesting has to be added here, and is tested then."""
    found = {
        f"{part.__name__}.{field.encode_name}"
        for part in (*step_types.Step.__args__, step_types.Arm)
        for field in msgspec.structs.fields(part)
        if "Step]" in str(part.__annotations__.get(field.name, ""))
    }

    assert found == set(WAYS)


@pytest.mark.parametrize("inner", WAYS)
@pytest.mark.parametrize("outer", WAYS)
def test_a_step_is_found_at_any_depth(outer: str, inner: str) -> None:
    tell = {"id": "tell", "kind": "action", "action": "slack.post_message", "connection": "Team"}
    document = {"steps": [WAYS[outer]({**WAYS[inner](tell), "id": "x"})]}

    assert [step["id"] for step in nesting.all_steps(document)][-1] == "tell"
    assert nesting.connections(document) == {"Team"}
    assert nesting.actions(document)[-1] == "slack.post_message"


@pytest.mark.parametrize("way", WAYS)
def test_steps_in_a_disabled_step_call_nothing(way: str) -> None:
    tell = {"id": "tell", "kind": "action", "action": "slack.post_message", "connection": "Team"}
    document = {"steps": [{**WAYS[way](tell), "disabled": True}]}

    assert nesting.actions(document) == []
    assert nesting.connections(document) == {"Team"}


@pytest.mark.parametrize(
    "steps", [None, 7, "x", {}, [None, 7, "x", [], {}, {"id": 7}, {"id": "a", "branches": 7, "else": {}, "steps": "x"}]]
)
def test_what_is_malformed_is_passed_over(steps: Any) -> None:
    assert [step["id"] for step in nesting.all_steps({"steps": steps})] in ([], ["a"])


# Who else reads these keys of a document, and why that is not a walk over what its steps do.
LISTS = {"steps", "error_steps", "branches", "else"}
MAY = {
    "flows/nesting.py": "the one walk",
    "flows/flatten.py": "numbers the steps of two versions and names the list of each, to tell them apart",
    "flows/checks/validation.py": "keeps the place of each step, to say where a fault is",
    "web/editor/draft_edits.py": "leaves out of every list what is no step",
    "web/editor/draft_saving.py": "puts an open path back among the paths of its branch",
    "web/editor/steps/places.py": "finds the lists themselves, nested ones included, to change them in place",
    "web/editor/steps/step_edits.py": "adds paths, and copies the steps of one",
    "web/editor/steps/clipboard.py": "takes the steps out of a pasted piece",
    "web/editor/steps/step_text.py": "checks that a text is a flow document",
}
# Not documents: what a dry run or a run gave, and the names that templates see.
NO_DOCUMENTS = {"result", "context"}


def _read(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Where a key of LISTS is read from a mapping, by `[...]` or `.get(...)`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            of, key = node.value, node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in ("get", "pop"):
            of, key = node.func.value, node.args[0] if node.args else node
        else:
            continue
        if isinstance(key, ast.Constant) and key.value in LISTS and ast.unparse(of) not in NO_DOCUMENTS:
            yield ast.unparse(node), node.lineno


def test_no_other_module_walks_the_steps_of_a_document() -> None:
    found = {
        str(path.relative_to(ROOT)): list(_read(ast.parse(path.read_text())))
        for path in sorted(ROOT.rglob("*.py"))
        if "migrations" not in path.parts
    }
    readers = {path: places for path, places in found.items() if places}

    assert set(readers) == set(MAY), "ask relay.flows.nesting instead, which finds nested steps too"
