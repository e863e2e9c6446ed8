"""Builds the tree of a payload that pages show, with the name of each leaf in templates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import msgspec

from relay.bodies import payloads
from relay.engine.files import event_files
from relay.engine.intake import body_excerpts
from relay.engine.intake.event_data import EventData
from relay.errors import PayloadError
from relay.models import Event

MAX_NODES = 600
MAX_VALUE_CHARACTERS = 300
MAX_EXCERPT_CHARACTERS = 2_000  # of a body that can't be shown as a tree
MAX_XML_TAGS = 10_000  # parsing XML costs ten times as much as JSON
MAX_DEPTH = 40
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(slots=True)
class Node:
    """One value. `kind`: object, list, string, number, boolean or null.

    `name`: how a template writes it. `key`: the last part of the name.
    """

    key: str
    name: str
    kind: str
    text: str = ""
    children: list[Node] = field(default_factory=list)
    is_open: bool = False
    cut: int = 0  # number of children that are not shown
    has_whole: bool = False  # the first child inserts the whole value

    @property
    def is_leaf(self) -> bool:
        return self.kind not in ("object", "list")

    @property
    def loop(self) -> str:
        """A template with one line for each item of a list: its first text or number."""
        first = self.children[0]
        part = next((child.name[len(first.name) :] for child in first.children if child.is_leaf), "")
        return f"{{% for item in {self.name} %}}{{{{ item{part} }}}}\n{{% endfor %}}"

    @property
    def size(self) -> str:
        count = len(self.children) + self.cut - self.has_whole
        noun = "item" if self.kind == "list" else "field"
        return f"{count} {noun}{'' if count == 1 else 's'}"


def build_tree(value: Any, *, name: str, key: str = "", open_to: int = 2, max_nodes: int = MAX_NODES) -> Node:
    """Return the tree of a JSON value, up to `max_nodes` nodes; levels above `open_to` are unfolded."""
    return _TreeBuilder(open_to, max_nodes).node(value, name, key, 0)


def search(event: Event, words: str, more: dict[str, Any]) -> list[Node]:
    """Return the trees of the parts of an event, and of `more`, whose name or value contains `words`.

    They are unfolded. A name that contains the words keeps everything below it.
    """
    values = {
        "event.body": _body_value(event),
        "event.query": _query_values(event.query),
        "event.headers": event.headers,
        **more,
    }
    found = {name: _matching(value, "", words.casefold(), 0) for name, value in values.items()}
    return [
        build_tree(value, name=name, key=name.rpartition(".")[2], open_to=MAX_DEPTH)
        for name, value in found.items()
        if value is not _NOTHING
    ]


def _body_value(event: Event) -> Any:
    """The parsed body of an event; an empty object for one that is not shown as a tree."""
    raw = body_excerpts.beginning(event)
    try:
        _check_length(raw, event.content_type, body_excerpts.size(event))
        return payloads.parse(raw, event.content_type)
    except PayloadError:
        return {}


_NOTHING = object()


def _matching(value: Any, key: str, words: str, depth: int) -> Any:
    if depth > MAX_DEPTH or (depth and words in key.casefold()):
        return value
    if not isinstance(value, dict | list):
        return value if words in str(value).casefold() else _NOTHING
    parts = {part: _matching(child, str(part), words, depth + 1) for part, child in _parts(value)}
    kept = {part: child for part, child in parts.items() if child is not _NOTHING}
    if not kept:
        return _NOTHING
    return kept if isinstance(value, dict) else _SomeItems(kept)


class _SomeItems(dict[str | int, Any]):
    """Items of a list by their places."""


def files_tree(files: list[dict[str, Any]]) -> Node:
    """Return the tree of an event's files, with leaves that insert all of them or one as a whole."""
    tree = build_tree(files, name="event.files", key="files", open_to=1)
    for node, file in zip(tree.children, files, strict=False):
        node.children.insert(0, Node("whole file", node.name, "string", file["name"]))
        node.has_whole = True
    tree.children.insert(0, Node("all files", tree.name, "string", tree.size))
    tree.has_whole = True
    return tree


class _TreeBuilder:
    def __init__(self, open_to: int, max_nodes: int) -> None:
        self.nodes_left = max_nodes
        self.open_to = open_to

    def node(self, value: Any, name: str, key: str, depth: int) -> Node:
        self.nodes_left -= 1
        if not isinstance(value, dict | list):
            return Node(key, name, _kind(value), _value_text(value))
        node = Node(key, name, "list" if isinstance(value, _SomeItems) else _kind(value), is_open=depth < self.open_to)
        for part, child in _parts(value):
            if self.nodes_left <= 0 or depth >= MAX_DEPTH:
                node.cut = len(value) - len(node.children)
                break
            node.children.append(self.node(child, template_name(name, part), str(part), depth + 1))
        return node


def _parts(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str | int, Any]]:
    return iter(value.items()) if isinstance(value, dict) else iter(enumerate(value))


def template_name(parent: str, part: str | int) -> str:
    """Return `event.body.total` for `event.body` and `total`; a name that needs quotes goes in brackets."""
    if isinstance(part, int):
        return f"{parent}[{part}]"
    if _PLAIN.fullmatch(part):
        return f"{parent}.{part}"
    quoted = part.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("}", "\\x7d")
    return f"{parent}['{quoted}']"


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    kinds: dict[type, str] = {dict: "object", list: "list", str: "string"}
    return kinds.get(type(value), "null")


def _value_text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    return text if len(text) <= MAX_VALUE_CHARACTERS else text[:MAX_VALUE_CHARACTERS] + "…"


@dataclass(frozen=True, slots=True)
class EventTree:
    """The trees of one event. `fault` says why the body couldn't be parsed."""

    body: Node
    query: Node
    headers: Node
    fault: str = ""
    is_empty: bool = False


def event_tree(event: Event, *, open_to: int = 2) -> EventTree:
    """Return the trees of a stored event. A body that is too long is cut."""
    kind, size = event.content_type, body_excerpts.size(event)
    body, fault = _body(body_excerpts.beginning(event), kind, size, open_to, event_files.column(event.files))
    return EventTree(body, _query(event.query), _headers(event.headers), fault, not size)


def event_tree_of(event: EventData) -> EventTree:
    """Return the trees of an event that is not stored."""
    body, fault = _body(event.body[: body_excerpts.MAX_BYTES], event.content_type, len(event.body), 2, event.files)
    return EventTree(body, _query(event.query), _headers(msgspec.json.decode(event.headers)), fault, not event.body)


def _body(raw: bytes, content_type: str, size: int, open_to: int, files: str | None) -> tuple[Node, str]:
    """Return the tree of a body, and why it couldn't be parsed, or "". `raw`: its beginning, `size`: its full size.

    `files`: those that are stored beside the event.
    """
    try:
        _check_length(raw, content_type, size)
        value = payloads.parse(raw, content_type)
        if files:
            event_files.enter_sizes(value, files)
        return build_tree(value, name="event.body", key="body", open_to=open_to), ""
    except PayloadError as error:
        return _excerpt(raw), str(error)


def _check_length(raw: bytes, content_type: str, size: int) -> None:
    if size > len(raw) or ("xml" in content_type.lower() and raw.count(b"<") > MAX_XML_TAGS):
        raise PayloadError(f"This body is too long to show as a tree ({size:,} bytes). This is its beginning")


def _excerpt(raw: bytes) -> Node:
    text = raw[: 4 * MAX_EXCERPT_CHARACTERS].decode("utf-8", "replace").replace("\0", "\ufffd")
    return Node(
        "body",
        "event.body",
        "string",
        text if len(text) <= MAX_EXCERPT_CHARACTERS else text[:MAX_EXCERPT_CHARACTERS] + "…",
    )


def _headers(headers: Any) -> Node:
    return build_tree(headers, name="event.headers", key="headers", open_to=0)


def _query(text: str) -> Node:
    return build_tree(_query_values(text), name="event.query", key="query")


def _query_values(text: str) -> dict[str, Any]:
    try:
        fields = parse_qs(text, keep_blank_values=True, max_num_fields=MAX_NODES)
    except ValueError:
        fields = {}
    return {name: values[0] if len(values) == 1 else values for name, values in fields.items()}
