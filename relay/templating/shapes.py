"""Describes the nodes of a template: static paths, constants and weights."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from jinja2 import nodes

from relay.templating.missing import VALUE, spell


def static_keys(node: nodes.Node) -> tuple[nodes.Expr, tuple[Any, ...]]:
    """The base of a chain like a.b['c'][0] and its constant keys."""
    keys: list[Any] = []
    while isinstance(node, nodes.Getattr) or (isinstance(node, nodes.Getitem) and is_key(node.arg)):
        keys.append(node.attr if isinstance(node, nodes.Getattr) else node.arg.value)  # type: ignore[attr-defined]
        node = node.node
    assert isinstance(node, nodes.Expr)
    return node, tuple(reversed(keys))


def describe(node: nodes.Node) -> str:
    """An expression as a path, for messages."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getitem) and not is_key(node.arg):
        return f"{describe(node.node)}[...]"
    base, keys = static_keys(node)
    return spell(describe(base), keys)[:200] if keys else VALUE


def weigh_nodes(parts: Iterable[nodes.Node]) -> int:
    """The units of work to evaluate nodes once; nested bodies of loops and macros charge their own."""
    total = 0
    stack = list(parts)
    while stack:
        node = stack.pop()
        total += 1 + (len(node.data) >> 4 if isinstance(node, nodes.TemplateData) else 0)
        if isinstance(node, nodes.For):
            stack.append(node.iter)
        elif isinstance(node, (nodes.Macro, nodes.CallBlock)):
            total += 6
            stack.extend(node.iter_child_nodes(exclude=("body",)))
        else:
            stack.extend(node.iter_child_nodes())
    return total


def is_key(node: nodes.Node) -> bool:
    """Whether a node is a constant text or whole number, as keys of paths are."""
    return isinstance(node, nodes.Const) and isinstance(node.value, (str, int)) and not isinstance(node.value, bool)


def is_constant(node: nodes.Node) -> bool:
    """Whether a node is a literal, with all of its elements."""
    if isinstance(node, (nodes.List, nodes.Tuple)):
        return all(is_constant(item) for item in node.items)
    if isinstance(node, nodes.Dict):
        return all(is_constant(pair.key) and is_constant(pair.value) for pair in node.items)
    return isinstance(node, nodes.Const)
