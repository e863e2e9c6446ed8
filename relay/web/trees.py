"""A payload as a tree for people: keys, kinds, values, and the name by which a template calls each leaf."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

from relay import payloads
from relay.engine import arrived as engine
from relay.errors import PayloadError
from relay.models import Event

NODES = 600
TEXT = 300
DEEP = 40
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True)
class Node:
    """`kind`: object, list, string, number, boolean or null. `name` is what a template writes, `key` the last part."""

    key: str
    name: str
    kind: str
    text: str = ""
    children: list[Node] = field(default_factory=list)
    is_open: bool = False
    cut: int = 0  # children that are not shown

    @property
    def is_leaf(self) -> bool:
        return self.kind not in ("object", "list")

    @property
    def size(self) -> str:
        count = len(self.children) + self.cut
        noun = "item" if self.kind == "list" else "field"
        return f"{count} {noun}{'' if count == 1 else 's'}"


def grow(value: Any, *, name: str, key: str = "", open_to: int = 2) -> Node:
    """The tree of a JSON value, at most NODES nodes; levels above `open_to` are unfolded."""
    return _Grower(open_to).node(value, name, key, 0)


class _Grower:
    def __init__(self, open_to: int) -> None:
        self.left = NODES
        self.open_to = open_to

    def node(self, value: Any, name: str, key: str, depth: int) -> Node:
        self.left -= 1
        if not isinstance(value, dict | list):
            return Node(key, name, _kind(value), _shown(value))
        node = Node(key, name, _kind(value), is_open=depth < self.open_to)
        for part, child in _parts(value):
            if self.left <= 0 or depth >= DEEP:
                node.cut = len(value) - len(node.children)
                break
            node.children.append(self.node(child, called(name, part), str(part), depth + 1))
        return node


def _parts(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str | int, Any]]:
    return iter(value.items()) if isinstance(value, dict) else iter(enumerate(value))


def called(name: str, part: str | int) -> str:
    """`event.body` and `total` make `event.body.total`; other names go in brackets, as template text."""
    if isinstance(part, int):
        return f"{name}[{part}]"
    if _PLAIN.fullmatch(part):
        return f"{name}.{part}"
    quoted = part.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("}", "\\x7d")
    return f"{name}['{quoted}']"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    kinds: dict[type, str] = {dict: "object", list: "list", str: "string"}
    return kinds.get(type(value), "null")


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if len(text) <= TEXT else text[:TEXT] + "…"


@dataclass(frozen=True, slots=True)
class Arrived:
    """An event for people: its body as a tree, or why there is none."""

    body: Node
    query: Node
    headers: Node
    fault: str = ""
    is_empty: bool = False


def arrived(event: Event, *, open_to: int = 2) -> Arrived:
    """What an event brought, each leaf with its name in templates."""
    return _arrived(bytes(event.body), event.content_type, event.query, event.headers, open_to)


def arrived_of(event: engine.Arrived) -> Arrived:
    """The same of an event as a walk takes it."""
    return _arrived(event.body, event.content_type, event.query, msgspec.json.decode(event.headers), 2)


def _arrived(raw: bytes, content_type: str, query: str, headers: Any, open_to: int) -> Arrived:
    fault = ""
    try:
        body = payloads.parse(raw, content_type)
    except PayloadError as error:
        body, fault = raw.decode("utf-8", "replace"), str(error)
    return Arrived(
        grow(body, name="event.body", key="body", open_to=open_to),
        grow(_query(query), name="event.query", key="query"),
        grow(headers, name="event.headers", key="headers", open_to=0),
        fault,
        not raw,
    )


def _query(text: str) -> dict[str, Any]:
    return {
        name: values[0] if len(values) == 1 else values
        for name, values in parse_qs(text, keep_blank_values=True).items()
    }
