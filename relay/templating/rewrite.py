"""Rewrites a parsed template, so that paths are looked up by key and every loop, call and operator is metered."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, cast

from jinja2 import nodes
from jinja2.visitor import NodeTransformer

from relay.errors import TemplateFault, TemplateLimit
from relay.templating.filters import FILTERS
from relay.templating.fuel import MAX_BITS
from relay.templating.predicates import TESTS
from relay.templating.shapes import describe, is_constant, is_key, static_keys, weigh_nodes
from relay.templating.suggestions import no_such

MAX_NESTING = 64

_ALLOWED = frozenset(
    [
        "Template",
        "Output",
        "TemplateData",
        "For",
        "If",
        "Macro",
        "CallBlock",
        "FilterBlock",
        "With",
        "Assign",
        "AssignBlock",
        "Name",
        "NSRef",
        "Const",
        "Tuple",
        "List",
        "Dict",
        "Pair",
        "Keyword",
        "CondExpr",
        "Filter",
        "Test",
        "Call",
        "Getitem",
        "Getattr",
        "Slice",
        "Concat",
        "Compare",
        "Operand",
        "Mul",
        "Div",
        "FloorDiv",
        "Add",
        "Sub",
        "Mod",
        "Pow",
        "And",
        "Or",
        "Not",
        "Neg",
        "Pos",
    ]
)
_TAGS = {
    "Extends": "extends",
    "Block": "block",
    "Include": "include",
    "Import": "import",
    "FromImport": "from",
    "ScopedEvalContextModifier": "autoescape",
    "Scope": "autoescape",
}
_RESERVED = frozenset(("self", "super"))
# Names that a template has without defining them.
_IMPLICIT = frozenset(("loop", "caller", "varargs", "kwargs"))
_JSON_FILTERS = frozenset(("tojson", "to_json"))
_INSTEAD = {
    "get": "a.b | default(...)",
    "strip": "| trim",
    "append": "list + [element]",
    "startswith": "text[:n] == ...",
    "isoformat": "the text itself",
}


class Rewriter(NodeTransformer):
    """Rewrites one template in place.

    Raises TemplateFault, TemplateLimit (`nesting`, `number size`).
    """

    def __init__(self) -> None:
        self._depth = 0
        self._own: frozenset[str] = frozenset()

    def visit(self, node: nodes.Node, *args: Any, **kwargs: Any) -> Any:
        name = type(node).__name__
        if name not in _ALLOWED:
            raise TemplateFault(f"{{% {_TAGS.get(name, name.lower())} %}} is not available here", line=node.lineno or 1)
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise TemplateLimit("nesting", f"the template is nested more than {MAX_NESTING} levels deep")
        try:
            return super().visit(node, *args, **kwargs)
        finally:
            self._depth -= 1

    def visit_Template(self, node: nodes.Template) -> nodes.Node:
        stored = (name.name for name in node.find_all(nodes.Name) if name.ctx != "load")
        macros = (macro.name for macro in node.find_all(nodes.Macro))
        self._own = _IMPLICIT.union(stored, macros)
        return self.generic_visit(node)

    def visit_Output(self, node: nodes.Output) -> nodes.Node:
        indexes = [index for index, part in enumerate(node.nodes) if self._is_of_context(part)]
        self.generic_visit(node)
        for index in indexes:
            node.nodes[index] = _metered(node.nodes[index], "%context")
        return node

    def _is_of_context(self, node: nodes.Node) -> bool:
        """Whether a node is a path into the context, whose value is JSON of bounded size."""
        base = static_keys(node)[0] if isinstance(node, nodes.Expr) else node
        return isinstance(base, nodes.Name) and base.name not in self._own

    def visit_Name(self, node: nodes.Name) -> nodes.Node:
        if node.name in _RESERVED:
            raise TemplateFault(f"the name {node.name} is not available here", line=node.lineno)
        return node

    def visit_Const(self, node: nodes.Const) -> nodes.Node:
        value = node.value
        if isinstance(value, int) and value.bit_length() > MAX_BITS:
            raise TemplateLimit("number size", f"a number has more than {MAX_BITS} bits")
        if isinstance(value, float) and not math.isfinite(value):
            raise TemplateFault("a number is too large", line=node.lineno)
        return node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Node:
        base, keys = static_keys(node)
        root = self.visit(base)
        name = "%trace" if isinstance(base, nodes.Name) and base.name == "loop" else "%walk"
        return _metered(root, name, nodes.Const(describe(base)), nodes.Const(keys))

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:
        if isinstance(node.arg, nodes.Slice):
            parts = (node.arg.start, node.arg.stop, node.arg.step)
            return _metered(
                self.visit(node.node),
                "%slice",
                *(nodes.Const(None) if part is None else self.visit(part) for part in parts),
            )
        if is_key(node.arg):
            return self.visit_Getattr(node)  # type: ignore[arg-type]
        return _metered(self.visit(node.node), "%take", nodes.Const(describe(node.node)), self.visit(node.arg))

    def visit_Slice(self, node: nodes.Slice) -> nodes.Node:
        raise TemplateFault("a slice can't stand here", line=node.lineno)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:
        first, *rest = [self.visit(part) for part in node.nodes]
        return _metered(first, "%join", *rest)

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:
        left, ops = node.expr, node.ops
        if len(ops) == 1 and _is_cheap(left, ops[0]):
            return self.generic_visit(node)
        signs = nodes.Const(tuple(op.op for op in ops))
        return _metered(self.visit(left), "%compare", signs, *(self.visit(op.expr) for op in ops))

    def visit_List(self, node: nodes.List) -> nodes.Node:
        self.generic_visit(node)
        return node if is_constant(node) else _metered(node, "%literal")

    def visit_Tuple(self, node: nodes.Tuple) -> nodes.Node:
        self.generic_visit(node)
        return node if node.ctx != "load" or is_constant(node) else _metered(node, "%literal")

    def visit_Dict(self, node: nodes.Dict) -> nodes.Node:
        self.generic_visit(node)
        return node if is_constant(node) else _metered(node, "%literal")

    def visit_CondExpr(self, node: nodes.CondExpr) -> nodes.Node:
        if node.expr2 is None:
            node.expr2 = nodes.Const(None, lineno=node.lineno)
        return self.generic_visit(node)

    def visit_Filter(self, node: nodes.Filter) -> nodes.Node:
        if node.name not in FILTERS:
            raise unknown("filter", node.name, FILTERS, node.lineno)
        _load(node)
        _refuse_spread(node)
        is_plain = node.name in _JSON_FILTERS and not node.args and not node.kwargs
        if is_plain and node.node is not None and self._is_of_context(node.node):
            node.name = "%context_json"
        return self.generic_visit(node)

    def visit_Test(self, node: nodes.Test) -> nodes.Node:
        if node.name not in TESTS:
            raise unknown("test", node.name, TESTS, node.lineno)
        _refuse_spread(node)
        return self.generic_visit(node)

    def visit_Call(self, node: nodes.Call) -> nodes.Node:
        _refuse_spread(node)
        called = node.node
        if isinstance(called, nodes.Getattr) and called.attr not in ("cycle", "changed"):
            raise TemplateFault(_no_method(called.attr), line=node.lineno)
        if not isinstance(called, (nodes.Name, nodes.Getattr)):
            raise TemplateFault("only macros, range, dict, namespace and now can be called", line=node.lineno)
        return self.generic_visit(node)

    def visit_For(self, node: nodes.For) -> nodes.Node:
        self.generic_visit(node)
        weight = 1 + weigh_nodes([*node.body, *([node.test] if node.test else [])])
        if node.recursive:
            node.body.insert(0, _charge(weight, node.lineno))
            weight = 1
        node.iter = _metered(cast("nodes.Expr", node.iter), "%each", nodes.Const(weight))
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:
        return self._charged_body(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:
        if not isinstance(node.call, nodes.Call):
            raise TemplateFault("call takes the call of a macro", line=node.lineno)
        return self._charged_body(node)

    def _charged_body(self, node: nodes.Macro | nodes.CallBlock) -> nodes.Node:
        self.generic_visit(node)
        node.body.insert(0, _charge(8 + weigh_nodes(node.body), node.lineno))
        return node


def unknown(kind: str, name: str, known: Iterable[str], line: int) -> TemplateFault:
    return TemplateFault(no_such(kind, name, known), line=line)


def _load(node: nodes.Filter) -> None:
    """Imports the modules of a filter, and of one that `map('...')` names, because a render's time is limited."""
    mapped = [part.value for part in node.args[:1] if isinstance(part, nodes.Const)] if node.name == "map" else []
    for name in (node.name, *mapped):
        filter_ = FILTERS.get(name) if isinstance(name, str) else None
        if filter_ is not None and filter_.load is not None:
            filter_.load()


def _metered(node: nodes.Expr | None, name: str, *args: nodes.Expr) -> nodes.Filter:
    line = node.lineno if node is not None else 1
    for arg in args:
        arg.lineno = arg.lineno or line
    return nodes.Filter(node, name, list(args), [], None, None, lineno=line)


def _charge(weight: int, line: int) -> nodes.ExprStmt:
    return nodes.ExprStmt(_metered(nodes.Const(weight, lineno=line), "%charge"), lineno=line)


def _is_cheap(left: nodes.Expr, op: nodes.Operand) -> bool:
    """Whether a comparison can't raise, and its cost is bounded by its constant."""
    if op.op in ("eq", "ne"):
        return isinstance(left, nodes.Const) or isinstance(op.expr, nodes.Const)
    return op.op in ("in", "notin") and isinstance(op.expr, (nodes.List, nodes.Tuple)) and is_constant(op.expr)


def _refuse_spread(node: nodes.Filter | nodes.Test | nodes.Call) -> None:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise TemplateFault("* and ** are not available in calls", line=node.lineno)
    keys = [keyword.key for keyword in node.kwargs if isinstance(keyword, nodes.Keyword)]
    if len(set(keys)) != len(keys) or any(key.startswith("_") for key in keys):
        raise TemplateFault("a call names an argument twice, or one that starts with _", line=node.lineno)


def _no_method(name: str) -> str:
    if name in FILTERS:
        return f"values have no method {name}; use the filter | {name}"
    if name in _INSTEAD:
        return f"values have no method {name}; use {_INSTEAD[name]}"
    return f"values have no method {name}; filters do such work"
