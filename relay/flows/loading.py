"""Loading: the text of a flow document, JSON or YAML, becomes plain values."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from relay.errors import DocumentFaults, Fault
from relay.flows.shape import join

MOST_BYTES = 512 * 1024
MOST_DEPTH = 64
_BYTE = re.compile(r" \(byte (\d+)\)$")
# Behind an even number of backslashes: else the first of them is what is escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def load(data: bytes | str | dict[str, Any]) -> Any:
    """Plain values of a document; DocumentFaults when it is too large, too deep, or neither JSON nor YAML."""
    if isinstance(data, dict):
        value: Any = data
    else:
        value = _parsed(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    if _depth(value) > MOST_DEPTH:
        raise _fault(f"the document is nested more than {MOST_DEPTH} levels deep")
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise _fault("the document has a half of a surrogate pair in it, which is no character") from None
    if _NUL.search(text):
        raise _fault("the document has the character NUL in it (\\u0000), which no database can keep")
    return value


def _parsed(data: bytes) -> Any:
    if len(data) > MOST_BYTES:
        raise _fault(f"the document has {len(data)} bytes; it may have {MOST_BYTES}")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _fault("the document is not UTF-8 text") from None
    try:
        if text.lstrip()[:1] in ("{", "["):
            return _once_each(text, msgspec.json.decode(text))
        return yaml.load(text, Loader=_Loader)  # noqa: S506 # nosec B506 - a SafeLoader
    except RecursionError:
        raise _fault(f"the document is nested more than {MOST_DEPTH} levels deep") from None
    except msgspec.DecodeError as error:
        raise _fault(f"not JSON: {_placed(str(error), text)}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise _fault(f"not YAML: {_first_line(error)}") from None


def _placed(message: str, text: str) -> str:
    """What is wrong with JSON, by line and column: nobody counts bytes."""
    words = message.removeprefix("JSON is malformed: ").partition(" - at `")[0]
    if words == "Input data was truncated":
        return "the text ends too early"
    found = _BYTE.search(words)
    if found is None:
        return words
    before = text.encode()[: int(found[1])].decode("utf-8", "ignore")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return f"line {line}, column {column}: {words[: found.start()]}"


class _Twice(dict[str, Any]):
    """An object in which a key stands twice."""

    key = ""


def _once_each(text: str, value: Any) -> Any:
    """The value of a JSON text in which every object has each of its keys once; else one of them would be lost."""
    if _depth(value) > MOST_DEPTH:
        return value
    # What numbers are is not looked at: Python makes none of more than 4,300 digits.
    read = json.loads(text, object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=str)
    wrong = [Fault(path, "stands twice") for path in _twice(read, "")]
    if wrong:
        raise DocumentFaults(wrong)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        found = _Twice(found)
        found.key = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return found


def _twice(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _Twice):
        yield join(path, value.key)
    if isinstance(value, dict):
        for name, one in value.items():
            yield from _twice(one, join(path, name))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from _twice(one, f"{path}[{place}]")


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return f"line {mark.line + 1}: {problem}" if mark else problem


def _fault(message: str) -> DocumentFaults:
    return DocumentFaults([Fault("", message)])


def _depth(value: Any) -> int:
    level, depth = [value], 0
    while level and depth <= MOST_DEPTH:
        depth += 1
        level = [item for one in level for item in _inside(one)]
    return depth


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


class _Loader(yaml.SafeLoader):
    """YAML's core and nothing else: no aliases, which can blow a document up, no tags; `on` and dates are text."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise yaml.composer.ComposerError(None, None, "aliases are not allowed", event.start_mark)
        if getattr(event, "tag", None) not in (None, "!"):
            raise yaml.composer.ComposerError(None, None, f"the tag {event.tag} is not allowed", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        seen: set[str] = set()
        for written, _ in node.value:
            key = self.construct_object(written, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is not text", written.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} stands twice", written.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _letters in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", ["t", "f"]),
    ("int", r"-?(0|[1-9][0-9]*)", [*"-0123456789"]),
    ("float", r"-?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]+)?|[eE][-+][0-9]+)", [*"-0123456789"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$"), _letters)
