"""Connectors are data: no code in the catalogue, and no service named in code outside it."""

from __future__ import annotations

import ast
from pathlib import Path

import relay
from relay.connectors import registry

ROOT = Path(relay.__file__).parent
CATALOG = ROOT / "connectors" / "catalog"
FILES = sorted(path for path in ROOT.rglob("*.py") if CATALOG not in path.parents and "migrations" not in path.parts)
KEYS = {connector.key for connector in registry.list_connectors()} | set(registry.presets())
KEYS |= {f"{connector.key}.{action.key}" for connector in registry.list_connectors() for action in connector.actions}
# Words that are keys of connectors and mean something else here: what an action is sent by, a scheme, a form's field.
OTHER_MEANINGS = (".target", ".scheme", "scope[", "request.POST", "options.get")
# Where code may name a connector, a preset or an action, and why.
ALLOWED: dict[tuple[str, str], str] = {}


def test_the_catalogue_has_no_code() -> None:
    code = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.If, ast.For, ast.While, ast.Try)

    found = [
        f"{path.name}, line {node.lineno}: {type(node).__name__}"
        for path in CATALOG.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, code)
    ]

    assert found == []


def branches(tree: ast.AST) -> list[tuple[int, str]]:
    """The lines and texts of comparisons, cases and look-ups by the key of a connector, a preset or an action."""
    found = []
    for node in ast.walk(tree):
        compared: list[ast.AST] = []
        if isinstance(node, ast.Compare):
            is_other = any(meaning in ast.unparse(node) for meaning in OTHER_MEANINGS)
            compared = [] if is_other else [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            compared = [node.value]
        for part in compared:
            found += [
                (inner.lineno, inner.value)
                for inner in ast.walk(part)
                if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value in KEYS
            ]
    return found


def test_no_code_outside_the_catalogue_branches_on_a_service() -> None:
    found = {
        (str(path.relative_to(ROOT)), text): line
        for path in FILES
        for line, text in branches(ast.parse(path.read_text()))
    }

    assert found.keys() - ALLOWED.keys() == set(), found
    assert ALLOWED.keys() - found.keys() == set(), "no longer needed"


def test_a_branch_on_a_service_is_found() -> None:
    code = "if connector.key == 'slack': pass\nmatch key:\n    case 'trello.create_card': pass\nx = a in ('http', 'q')"

    assert branches(ast.parse(code)) == [(1, "slack"), (4, "http"), (3, "trello.create_card")]
