"""Rows of the database have named columns: none is read by its number, and no more than three are unpacked at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "relay"
MODULES = sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)

# What gives rows, and what gives one row.
LISTS, ONE = {"fetchall", "fetchmany", "fetch", "values_list"}, {"fetchone"}
AROUND = {
    "list",
    "sorted",
    "reversed",
    "iter",
    "iterator",
    "first",
    "get",
    "annotate",
    "order_by",
    "filter",
    "distinct",
}
MAX_UNPACKED = 3


def _source(node: ast.expr) -> str:
    """Which call gives the rows of an expression: its name, or "" if none does."""
    while isinstance(node, ast.Subscript):
        node = node.value
    if not isinstance(node, ast.Call):
        return ""
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in LISTS | ONE:
        is_named = any(keyword.arg in ("named", "flat") for keyword in node.keywords)
        is_other = name == "fetch" and ast.unparse(node.func) not in ("fetch", "statements.fetch")
        return "" if is_named or is_other else name
    if name in AROUND:
        return _source(node.args[0]) if node.args and isinstance(node.func, ast.Name) else _inner(node.func)
    return ""


def _inner(function: ast.expr) -> str:
    return _source(function.value) if isinstance(function, ast.Attribute) else ""


def _by_number(node: ast.expr) -> bool:
    """Whether a subscript takes a column, or some, by a number that is written down."""
    if isinstance(node, ast.Slice):
        return any(bound is not None and _by_number(bound) for bound in (node.lower, node.upper))
    try:
        return isinstance(ast.literal_eval(node), int)
    except ValueError:
        return False


class _Rows(ast.NodeVisitor):
    """Finds the names of rows in one function, then the places that read them by number."""

    def __init__(self, function: ast.AST) -> None:
        self.lists: set[str] = set()
        self.rows: set[str] = set()
        self.wrong: list[int] = []
        for _ in range(2):
            for node in ast.walk(function):
                self._bind(node)
        self.visit(function)

    def _bind(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                self._bind_value(target, node.value)
        elif isinstance(node, ast.For | ast.comprehension) and self._is_list(node.iter):
            self._bind_row(node.target, getattr(node, "lineno", node.target.lineno))

    def _bind_value(self, target: ast.expr, value: ast.expr) -> None:
        if self._is_row(value):
            self._bind_row(target, value.lineno)
        elif self._is_list(value) and isinstance(target, ast.Name):
            self.lists.add(target.id)

    def _bind_row(self, target: ast.expr, line: int) -> None:
        if isinstance(target, ast.Name):
            self.rows.add(target.id)
        elif isinstance(target, ast.Tuple) and len(target.elts) > MAX_UNPACKED:
            self.wrong.append(line)

    def _is_list(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Subscript):
            return isinstance(node.slice, ast.Slice) and self._is_list(node.value)
        return (isinstance(node, ast.Name) and node.id in self.lists) or _source(node) in LISTS

    def _is_row(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Subscript):
            return not isinstance(node.slice, ast.Slice) and self._is_list(node.value)
        return (isinstance(node, ast.Name) and node.id in self.rows) or _source(node) in ONE

    def visit_Subscript(self, node: ast.Subscript) -> None:
        if self._is_row(node.value) and _by_number(node.slice):
            self.wrong.append(node.lineno)
        self.generic_visit(node)


def wrong_lines(source: str) -> set[int]:
    if not any(name in source for name in LISTS | ONE):
        return set()
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {line for function in functions for line in _Rows(function).wrong}


def test_columns_have_names() -> None:
    found = {str(path.relative_to(ROOT)): wrong_lines(path.read_text()) for path in MODULES}

    assert {name: lines for name, lines in found.items() if lines} == {}


def _bad() -> Iterator[str]:
    yield "x = statements.fetch('SELECT 1')[0][0]"
    yield "x = [row[3] for row in statements.fetch('SELECT 1')]"
    yield "rows = cursor.fetchall(); x = rows[-1][2]"
    yield "row = cursor.fetchone(); x = row[0] if row else 0"
    yield "for row in cursor.fetchall(): x = row[:4]"
    yield "for a, b, c, d in statements.fetch('SELECT 1'): pass"
    yield "a, b, c, d = cursor.fetchone()"
    yield "while rows := list(runs.values_list('pk', 'flow')[:9]): x = rows[-1][0]"


@pytest.mark.parametrize("line", list(_bad()))
def test_a_column_by_its_number_is_found(line: str) -> None:
    assert wrong_lines(f"def f():\n    {line}\n") == {2}


@pytest.mark.parametrize(
    "line",
    [
        "x = statements.fetch_value('SELECT 1')",
        "a, b, c = statements.fetch('SELECT 1')[0]",
        "for row in runs.values_list('a', 'b', named=True): x = row.a",
        "rows = statements.fetch_records(Row, 'SELECT 1'); x = rows[-1].id",
        "parts = text.split(); x = parts[0]",
    ],
)
def test_named_columns_are_right(line: str) -> None:
    assert wrong_lines(f"def f():\n    {line}\n") == set()
