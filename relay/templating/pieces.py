"""Splits a rendered text into pieces: text of the template itself, and values of its expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from jinja2 import nodes

from relay.templating.environment import ENVIRONMENT
from relay.templating.faults import parse
from relay.templating.leaves import Context, TextLeaf, has_template, lone_expression

# Unicode noncharacters that mark the start and end of a piece, and the end of its number.
_OPEN, _CLOSE, _MIDDLE = "\ufdd0", "\ufdd1", "\ufdd2"
_WITHOUT_MARKS = str.maketrans(dict.fromkeys((_OPEN, _CLOSE, _MIDDLE), "\ufffd"))
_find_pieces = re.compile(f"{_OPEN}([0-9]+){_MIDDLE}([^{_CLOSE}]*+){_CLOSE}").finditer
# The content of a block is inserted elsewhere, where all of it is one value.
_BLOCKS = (nodes.Macro, nodes.CallBlock, nodes.FilterBlock, nodes.AssignBlock)


class Piece(NamedTuple):
    """A part of a rendered text. `source`: the expression that gave it; "" for text of the template itself.

    `filters`: the filters that every branch of the expression applied to the value.
    """

    text: str
    source: str = ""
    filters: frozenset[str] = frozenset()


def pieces(source: str, context: Context) -> list[Piece] | None:
    """Renders a template into pieces; None if it has no text around an expression.

    The value of a macro, a set block or a recursive loop is one piece. Raises the errors of `Leaf.render`.
    """
    marked = _compiled(source) if has_template(source) else None
    if marked is None:
        return None
    leaf, known = marked
    return [piece for piece in _divided(leaf.render(context), known) if piece.text]


def _divided(text: str, templates: tuple[Piece, ...]) -> Iterator[Piece]:
    end = 0
    for match in _find_pieces(text):
        yield Piece(text[end : match.start()])
        piece = templates[int(match[1])]
        yield Piece(match[2], piece.source, piece.filters)
        end = match.end()
    yield Piece(text[end:])


class _MarkedLeaf(TextLeaf):
    """A text with marks around the values of its expressions."""

    __slots__ = ()

    def _prepare(self, tree: nodes.Template) -> None:
        super()._prepare(tree)
        for number, (output, index, is_marked) in enumerate(_places(tree)):
            if is_marked:
                line = output.nodes[index].lineno
                args = [nodes.Const(number, lineno=line)]
                output.nodes[index] = nodes.Filter(output.nodes[index], "%mark", args, [], None, None, lineno=line)


@lru_cache(maxsize=256)
def _compiled(source: str) -> tuple[_MarkedLeaf, tuple[Piece, ...]] | None:
    source = source.translate(_WITHOUT_MARKS)
    tree = parse(source)
    if lone_expression(tree) is not None:
        return None
    outputs = [output.nodes[index] for output, index, _ in _places(tree)]
    pairs = zip(_sources(source), outputs, strict=True)
    return _MarkedLeaf(source, tree), tuple(_known(text, node) for text, node in pairs)


def _known(text: str, node: nodes.Expr) -> Piece:
    """An empty piece for an expression; a literal counts as the template's own text."""
    return Piece("", "" if isinstance(node, nodes.Const) else text, _filters(node))


def _places(node: nodes.Node, *, is_marked: bool = True) -> Iterator[tuple[nodes.Output, int, bool]]:
    """Yields every expression that is output, in the order of the text: its Output, and its index there."""
    if isinstance(node, nodes.Output):
        for index, part in enumerate(node.nodes):
            if not isinstance(part, nodes.TemplateData):
                yield node, index, is_marked
        return
    is_marked = is_marked and not isinstance(node, _BLOCKS) and not (isinstance(node, nodes.For) and node.recursive)
    for child in node.iter_child_nodes():
        yield from _places(child, is_marked=is_marked)


def _sources(source: str) -> Iterator[str]:
    """Yields the source within each pair of {{ }}."""
    inside: list[str] | None = None
    for _, kind, raw in ENVIRONMENT.lexer.tokeniter(source, None):
        if kind == "variable_begin":
            inside = []
        elif kind == "variable_end" and inside is not None:
            yield "".join(inside).strip()
            inside = None
        elif inside is not None:
            inside.append(raw)


def _filters(node: nodes.Node | None) -> frozenset[str]:
    """The filters that every branch of an expression applies to its value, or to the elements of a list."""
    if isinstance(node, nodes.Filter):
        mapped = node.args[0] if node.name == "map" and node.args else None
        own = {node.name, mapped.value} if isinstance(mapped, nodes.Const) else {node.name}
        return frozenset(own) | _filters(node.node)
    if isinstance(node, nodes.CondExpr):
        return _common([node.expr1, node.expr2])
    if isinstance(node, (nodes.And, nodes.Or, nodes.Add)):
        return _common([node.left, node.right])
    return _common(node.nodes) if isinstance(node, nodes.Concat) else frozenset()


def _common(parts: list[Any]) -> frozenset[str]:
    written = [_filters(part) for part in parts if part is not None and not isinstance(part, nodes.Const)]
    return frozenset.intersection(*written) if written else frozenset()
