"""Compiles JSON values that contain templates, once, and renders them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from relay.errors import MissingName, TemplateError, TemplateLimit
from relay.templating.arguments import check_arguments
from relay.templating.fuel import ACTIVE, Budget, emit_value
from relay.templating.leaves import JSON, Context, Leaf, compile_leaf, has_template
from relay.templating.missing import Missing

MAX_DEPTH = 100
_OMIT: Any = object()
_Part = Callable[[Context, bool], JSON]


class Tree:
    """A compiled JSON value. `constant`: it contains no template."""

    __slots__ = ("_part", "constant", "value")

    def __init__(self, value: JSON, part: _Part | None) -> None:
        self.value = value
        self.constant = part is None
        self._part = part or (lambda _context, _omit: _constant(value))

    def render(self, context: Context, omit_missing: bool = False) -> JSON:
        """The tree with its templates rendered; keys are literal. The result may be shared, so don't change it.

        `omit_missing`: leave out keys whose value is one expression for a missing name.
        Raises MissingName, TemplateLimit, TemplateError.
        """
        if ACTIVE.budget is not None:
            return self._part(context, omit_missing)
        with Budget():
            return self._part(context, omit_missing)


def compile_tree(value: JSON) -> Tree:
    """Compiles the templates in a JSON value. Raises TemplateFault, TemplateLimit for the first fault; see `check`."""
    return Tree(value, _compile(value, 0))


def check(value: JSON) -> list[tuple[str, TemplateError]]:
    """Every fault of a JSON value with its path: "", "text", "blocks[0].type"."""
    return list(_faults(value, "", 0))


def _faults(value: JSON, path: str, depth: int) -> Iterator[tuple[str, TemplateError]]:
    if depth > MAX_DEPTH:
        yield path, _too_deep()
    elif isinstance(value, str):
        try:
            compile_leaf(value)
            if has_template(value):
                check_arguments(value)
        except TemplateError as error:
            yield path, error
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _faults(item, f"{path}.{key}" if path else str(key), depth + 1)
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _faults(item, f"{path}[{position}]", depth + 1)


def _too_deep() -> TemplateLimit:
    return TemplateLimit("nesting", f"values are nested more than {MAX_DEPTH} levels deep")


def _compile(value: JSON, depth: int) -> _Part | None:
    """A function that renders a value; None if it is constant."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    if isinstance(value, str):
        return _leaf(compile_leaf(value)) if has_template(value) else None
    if isinstance(value, dict):
        by_key = {key: part for key, item in value.items() if (part := _compile(item, depth + 1))}
        return _dict(value, by_key) if by_key else None
    if isinstance(value, list):
        by_index = {index: part for index, item in enumerate(value) if (part := _compile(item, depth + 1))}
        return _list(value, by_index) if by_index else None
    return None


def _constant(value: JSON) -> JSON:
    emit_value(value)
    return value


def _leaf(leaf: Leaf) -> _Part:
    if not leaf.lone:
        return lambda context, _: leaf.render(context)

    def lone(context: Context, omit: bool) -> JSON:
        if not omit:
            return leaf.render(context)
        try:
            value = leaf.find(context)
        except MissingName:
            return _OMIT
        return _OMIT if isinstance(value, Missing) else value

    return lone


def _dict(value: dict[str, JSON], named: dict[str, _Part]) -> _Part:
    skeleton = {key: None if key in named else item for key, item in value.items()}
    parts = tuple(named.items())

    def render(context: Context, omit: bool) -> JSON:
        result = skeleton.copy()
        for key, part in parts:
            rendered = part(context, omit)
            if rendered is _OMIT:
                del result[key]
            else:
                result[key] = rendered
        return result

    return render


def _list(value: list[JSON], by_index: dict[int, _Part]) -> _Part:
    skeleton = [None if index in by_index else item for index, item in enumerate(value)]
    parts = tuple(by_index.items())

    def render(context: Context, _: bool) -> JSON:
        result = skeleton.copy()
        for index, part in parts:
            result[index] = part(context, False)
        return result

    return render
