"""Compiles single strings with templates, and renders them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias

from jinja2 import nodes

from relay.errors import FilterFault, MissingName, TemplateFault
from relay.templating.environment import GLOBALS, Names, build
from relay.templating.faults import as_template_error, parse, running_line, with_column, with_position
from relay.templating.fuel import ACTIVE, Budget, charge, emit, emit_context, emit_value, text_bytes
from relay.templating.missing import Missing, raise_missing, spell, walk
from relay.templating.rewrite import Rewriter
from relay.templating.shapes import static_keys, weigh_nodes
from relay.templating.suggestions import near_keys, or_words
from relay.templating.values import as_json

JSON: TypeAlias = Any
Context: TypeAlias = Mapping[str, Any]


class Leaf:
    """A compiled string; this class is for strings without a template.

    `lone`: it is one expression, whose value keeps its type. `names`: the paths that it reads from its context.
    """

    __slots__ = ("names", "source")

    lone = False

    def __init__(self, source: str, names: frozenset[str] = frozenset()) -> None:
        self.source = source
        self.names = names

    def render(self, context: Context) -> JSON:
        """Renders for a context. Parts of the result may belong to the context, so don't change it.

        Raises MissingName, TemplateLimit, TemplateError.
        """
        value = self.find(context)
        if isinstance(value, Missing):
            _fail_at_root(value, context)
        return value

    def find(self, context: Context) -> JSON | Missing:
        """Like `render`, but returns a Missing, without searching for hints, if the whole string is a missing path."""
        if ACTIVE.budget is not None:
            return self._value_for(context)
        with Budget():
            return self._value_for(context)

    def _value_for(self, context: Context) -> JSON | Missing:
        emit(text_bytes(self.source))
        return self.source


class PathLeaf(Leaf):
    """A static path, which is looked up without Jinja."""

    __slots__ = ("_keys", "_name")

    lone = True

    def __init__(self, source: str, name: str, keys: tuple[Any, ...]) -> None:
        super().__init__(source, frozenset() if name in GLOBALS else frozenset((spell(name, keys),)))
        self._name = name
        self._keys = keys

    def _value_for(self, context: Context) -> JSON | Missing:
        try:
            value = context[self._name]
        except KeyError:
            return Missing(base=self._name, keys=self._keys)
        value_ = walk(value, self._name, self._keys)
        if not isinstance(value_, Missing):
            emit_context(value_)
        return value_


class _JinjaLeaf(Leaf):
    __slots__ = ("_root", "_weight")

    def __init__(self, source: str, tree: nodes.Template) -> None:
        paths = list(_paths(tree))
        self._prepare(tree)
        self._weight = weigh_nodes(tree.body)
        self._root, outside = build(tree)
        super().__init__(source, frozenset(path for root, path in paths if root in outside and root not in GLOBALS))

    def _prepare(self, tree: nodes.Template) -> None:
        Rewriter().visit(tree)

    def _value_for(self, context: Context) -> JSON | Missing:
        try:
            charge(self._weight)
            return self._run(Names(context))
        except MissingName as error:
            raise _with_hint(error, context) from None
        except FilterFault as error:
            raise with_position(error, self.source, running_line(error, self._root)) from error
        except Exception as error:
            raise as_template_error(error) from error

    def _run(self, names: Names) -> JSON:
        raise NotImplementedError


class ExpressionLeaf(_JinjaLeaf):
    """A single expression, whose value keeps its type."""

    __slots__ = ()

    lone = True

    def __init__(self, source: str, tree: nodes.Template, expression: nodes.Expr) -> None:
        line = expression.lineno
        tree.body = [nodes.Assign(nodes.Name("result", "store", lineno=line), expression, lineno=line)]
        super().__init__(source, tree)

    def _run(self, names: Names) -> JSON:
        for _ in self._root(names):
            pass
        value = names.vars["result"]
        emit_value(value)
        return as_json(value)


class TextLeaf(_JinjaLeaf):
    """A template that renders to text."""

    __slots__ = ()

    def _run(self, names: Names) -> JSON:
        text = "".join(self._root(names))
        emit(text_bytes(text))
        return text


def has_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


@lru_cache(maxsize=1024)
def compile_leaf(source: str) -> Leaf:
    """Compiles a string. Raises TemplateFault (line, column), TemplateLimit (too long, too deep, too many parts)."""
    if not has_template(source):
        return Leaf(source)
    tree = parse(source)
    expression = lone_expression(tree)
    try:
        if expression is None:
            return TextLeaf(source, tree)
        base, keys = static_keys(expression)
        if isinstance(base, nodes.Name) and base.name not in ("self", "super"):
            return PathLeaf(source, base.name, keys)
        return ExpressionLeaf(source, tree, expression)
    except TemplateFault as fault:
        raise with_column(fault, source) from None
    except Exception as error:
        raise as_template_error(error) from error


def is_path(source: str) -> bool:
    """Whether a template is one path into its context, so that it always gives the same. Raises TemplateFault."""
    return isinstance(compile_leaf(source), PathLeaf)


def lone_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that consists of one expression without text around it, else None."""
    if len(tree.body) == 1 and isinstance(tree.body[0], nodes.Output) and len(tree.body[0].nodes) == 1:
        expression = tree.body[0].nodes[0]
        return None if isinstance(expression, nodes.TemplateData) else expression
    return None


def names(source: str) -> set[str]:
    """The paths that a template reads from its context: {"event.body.id", "vars.x"}. Raises TemplateFault."""
    return set(compile_leaf(source).names)


def _paths(node: nodes.Node) -> Iterator[tuple[str, str]]:
    base, keys = static_keys(node) if isinstance(node, nodes.Expr) else (node, ())
    if isinstance(base, nodes.Name):
        yield base.name, spell(base.name, keys)
    else:
        for child in base.iter_child_nodes():
            yield from _paths(child)


def _fail_at_root(missing: Missing, context: Context) -> NoReturn:
    try:
        raise_missing(missing)
    except MissingName as error:
        raise _with_hint(error, context) from None


def _with_hint(error: MissingName, context: Context) -> MissingName:
    """Adds the hint for a missing first name, because only the context has the names that exist."""
    root = re.split(r"[.\[]", error.path, maxsplit=1)[0]
    if error.hint or root in context or not root.isidentifier():
        return error
    if root in GLOBALS:
        return MissingName(error.path, hint=f"{root} is a function: {root}()")
    near = near_keys(root, (*GLOBALS, *context))
    return MissingName(error.path, hint=f"did you mean {or_words(near)}?") if near else error
