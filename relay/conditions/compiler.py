"""Compiles conditions, and reports every fault with its path."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

from relay.conditions.operators import COMPARISONS, NUMERIC, OPERATORS, WITHOUT_RIGHT, as_amount, as_time
from relay.errors import DocumentFaults, Fault, MissingName, TemplateError
from relay.templating import JSON, Budget, Context, Missing, Tree, check, compile_leaf, compile_tree
from relay.templating.faults import as_template_error
from relay.templating.patterns import compile_pattern

MAX_DEPTH = 16
MAX_RULES = 200
# Bytes that the rules of one condition may read together; they are not part of any output.
MAX_READ_BYTES = 32 * 1024 * 1024

_Test = Callable[[Context], bool]


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition."""

    _test: _Test

    def holds(self, context: Context) -> bool:
        """Whether the condition holds. Raises TemplateError if a template fails other than by a missing left side."""
        try:
            with Budget(output=MAX_READ_BYTES):
                return self._test(context)
        except Exception as error:
            raise as_template_error(error) from error


def compile_condition(doc: JSON) -> Condition:
    """Compiles `{"all": [...]}`, `{"any": [...]}`, `{"not": ...}` or a rule `{"left", "op", "right"}`.

    A rule whose left side is missing is false, also for not_equals and is_empty.
    An empty `all` holds, an empty `any` doesn't.
    `exists` and `is_empty` both hold for null. A missing right side raises MissingName in `holds`.
    Raises DocumentFaults with paths such as `all[0].op`.
    """
    compiler = _Compiler()
    test = compiler.condition(doc, "", 0)
    if compiler.faults:
        raise DocumentFaults(compiler.faults)
    return Condition(test)


class _Compiler:
    """Compiles one condition, and collects every fault on the way."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._rules = 0

    def condition(self, doc: JSON, path: str, depth: int) -> _Test:
        if depth > MAX_DEPTH:
            return self._fault(path, f"conditions are nested more than {MAX_DEPTH} levels deep")
        if not isinstance(doc, dict):
            return self._fault(path, 'a condition is an object with "all", "any", "not" or "op"')
        kinds = [name for name in ("all", "any", "not") if name in doc]
        if not kinds:
            return self._rule(doc, path)
        if len(doc) > 1:
            extra = next(name for name in doc if name != kinds[0])
            return self._fault(_join(path, str(extra)), f"can't stand beside {kinds[0]}")
        if kinds[0] == "not":
            return _negated(self.condition(doc["not"], _join(path, "not"), depth + 1))
        return self._list(kinds[0], doc[kinds[0]], _join(path, kinds[0]), depth)

    def _list(self, name: str, parts: JSON, path: str, depth: int) -> _Test:
        if not isinstance(parts, list):
            return self._fault(path, f"{name} takes a list of conditions")
        tests = [self.condition(part, f"{path}[{index}]", depth + 1) for index, part in enumerate(parts)]
        holds = all if name == "all" else any
        return lambda context: holds(test(context) for test in tests)

    def _rule(self, doc: dict[str, JSON], path: str) -> _Test:
        self._rules += 1
        if self._rules > MAX_RULES:
            return (
                self._fault(path, f"a condition has more than {MAX_RULES} rules")
                if self._rules == MAX_RULES + 1
                else _never
            )
        before = len(self.faults)
        self._check_keys(doc, path)
        self._check_templates(doc, path)
        if len(self.faults) > before:
            return _never
        return _rule(doc["left"], doc["op"], doc.get("right"))

    def _check_keys(self, doc: dict[str, JSON], path: str) -> None:
        for name in doc.keys() - {"left", "op", "right"}:
            self._fault(_join(path, str(name)), "unknown key; a rule has left, op and right")
        op = doc.get("op")
        if "left" not in doc:
            self._fault(_join(path, "left"), "is missing")
        if not isinstance(op, str) or op not in OPERATORS:
            self._fault(_join(path, "op"), _unknown_operator(op) if "op" in doc else "is missing")
        elif op in WITHOUT_RIGHT and doc.get("right") is not None:
            self._fault(_join(path, "right"), f"{op} takes no right side")
        elif op not in WITHOUT_RIGHT and "right" not in doc:
            self._fault(_join(path, "right"), "is missing")

    def _check_templates(self, doc: dict[str, JSON], path: str) -> None:
        for side in ("left", "right"):
            for error_path, error in check(doc.get(side)):
                self._fault(_join(_join(path, side), error_path), str(error))
        if "right" in doc and not self.faults and compile_tree(doc["right"]).constant:
            message = _unfit(doc["op"], doc["right"])
            if message:
                self._fault(_join(path, "right"), message)

    def _fault(self, path: str, message: str) -> _Test:
        self.faults.append(Fault(path, message))
        return _never


def _unfit(op: JSON, right: JSON) -> str:
    """Why an operator can never hold for a constant right side; "" if it can."""
    if op == "matches":
        try:
            compile_pattern(right)
        except TemplateError as error:
            return str(error)
    if op in NUMERIC and as_amount(right) is None:
        return f"is a number, as 100: {op} compares numbers, and before and after compare dates"
    if op in ("before", "after") and as_time(right) is None:
        return f"is a date, as 2026-01-31: {op} compares dates"
    if op in ("in", "not_in") and not isinstance(right, list | str):
        return "is a list, or text with commas between its parts"
    return ""


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name and not name.startswith("[") else path + name


def _never(_: Context) -> bool:
    return False


def _negated(test: _Test) -> _Test:
    return lambda context: not test(context)


_SIGNS = {
    "=": "equals",
    "==": "equals",
    "!=": "not_equals",
    ">": "greater_than",
    ">=": "at_least",
    "<": "less_than",
    "<=": "at_most",
}


def _unknown_operator(op: JSON) -> str:
    name = op[:40] if isinstance(op, str) else ""
    similar = [_SIGNS[name]] if name in _SIGNS else difflib.get_close_matches(name, OPERATORS, n=1)
    meant = f"did you mean {similar[0]}?" if similar else "choose one of " + ", ".join(OPERATORS)
    return f"this comparison does not exist: {meant}"


def _rule(left: JSON, op: str, right: JSON) -> _Test:
    find = compile_leaf(left).find if isinstance(left, str) else compile_tree(left).render
    tree, compares = compile_tree(right), COMPARISONS[op]

    def test(context: Context) -> bool:
        try:
            left_value = find(context)
        except MissingName:
            return False
        return not isinstance(left_value, Missing) and compares(left_value, _right(tree, context))

    return test


def _right(tree: Tree, context: Context) -> JSON:
    return tree.value if tree.constant else tree.render(context)
