"""Renders the list that a loop or a fan-out iterates over, and makes lists of XML elements."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

from relay.errors import MissingName
from relay.templating import Leaf

_is_path_of_body = re.compile(
    r"\s*\{\{-?\s*event\.body((?:\.[A-Za-z_]\w*|\[\s*(?:'[^']+'|\"[^\"]+\")\s*\])+)\s*-?\}\}\s*"
).fullmatch
_names = re.compile(r"\.(\w+)|\[\s*'([^']+)'\s*\]|\[\s*\"([^\"]+)\"\s*\]").findall


class Template(Protocol):
    def render(self, context: dict[str, Any]) -> Any: ...


@dataclass(frozen=True, slots=True)
class Elements:
    """The template of a fan-out, which gives a list for XML, too."""

    split: Leaf

    def render(self, context: dict[str, Any]) -> Any:
        return render_list(self.split, self.split.source, context)


def render_list(template: Template, source: object, context: dict[str, Any]) -> Any:
    """Render a template. If it is a path into an XML body, the result is always a list.

    XML doesn't say whether an element belongs to a list: a single `<item>` is a list of one, and no `<item>` is an
    empty list if its parent element exists.
    """
    path = _is_path_of_body(source) if isinstance(source, str) and _is_xml(context) else None
    if path is None:
        return template.render(context)
    try:
        value = template.render(context)
    except MissingName:
        if not _has_parent([bare or single or double for bare, single, double in _names(path[1])], context):
            raise
        return []
    return value if isinstance(value, list) else [value]


def _is_xml(context: dict[str, Any]) -> bool:
    headers = context.get("event", {}).get("headers", {})
    media_type = str(headers.get("content-type", "")).partition(";")[0].strip().lower()
    return media_type.endswith(("/xml", "+xml"))


def _has_parent(names: list[str], context: dict[str, Any]) -> bool:
    """Whether the parent of the element at this path exists; an empty element is null."""
    value = context["event"]["body"]
    for name in names[:-1]:
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return value is None or isinstance(value, dict)
