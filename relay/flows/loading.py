"""Parses the text of a flow document, JSON or YAML, into plain values of limited number and depth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from relay.errors import DocumentFaults, Fault
from relay.flows import yamltext
from relay.flows.structure_checks import join

MAX_BYTES = 512 * 1024
MAX_DEPTH = 64
# The numbers, texts, lists, objects and keys of a document.
MAX_VALUES = 50_000
MAX_REPEATED_KEYS = 100  # that are reported of one document
_BYTE = re.compile(r" \(byte (\d+)\)$")
# Only after an even number of backslashes: after an odd number, a backslash is escaped instead.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def load(data: bytes | str | dict[str, Any]) -> Any:
    """The plain values of a document. Raises DocumentFaults if it is too large, too deep, or neither JSON nor YAML."""
    if isinstance(data, dict):
        value: Any = data
    else:
        value = _parsed(data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data)
    _check_size(value)
    try:
        text = msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise _fault("the document has a half of a surrogate pair in it, which is no character") from None
    if _NUL.search(text):
        raise _fault("the document has the character NUL in it (\\u0000), which no database can keep")
    return value


def _parsed(data: bytes) -> Any:
    if len(data) > MAX_BYTES:
        raise too_long(len(data))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _fault("the document is not UTF-8 text") from None
    try:
        if text.lstrip()[:1] in ("{", "["):
            return _check_keys(text, msgspec.json.decode(text))
        return yamltext.parse(text, most=MAX_VALUES, depth=MAX_DEPTH)
    except (RecursionError, yamltext.TooMuch) as error:
        raise _too_many() if str(error) == "values" else _too_deep() from None
    except msgspec.DecodeError as error:
        raise _fault(f"not JSON: {_with_position(str(error), text)}") from None
    except (yamltext.YamlFault, ValueError) as error:
        raise _fault(f"not YAML: {error}") from None


def _with_position(message: str, text: str) -> str:
    """The error of a JSON parser with line and column in place of the byte."""
    words = message.removeprefix("JSON is malformed: ").partition(" - at `")[0]
    if words == "Input data was truncated":
        return "the text ends too early"
    match = _BYTE.search(words)
    if match is None:
        return words
    before = text.encode()[: int(match[1])].decode("utf-8", "ignore")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return f"line {line}, column {column}: {words[: match.start()]}"


class _ObjectWithRepeatedKey(dict[str, Any]):
    """An object with a key that appears twice."""

    key = ""


def _check_keys(text: str, value: Any) -> Any:
    """Returns `value` if no object in the text repeats a key, because all but one value would be lost."""
    _check_size(value)
    # Numbers are not converted, because Python refuses more than 4,300 digits.
    objects = json.loads(text, object_pairs_hook=_object, parse_int=str, parse_float=str, parse_constant=str)
    faults = [Fault(path, "appears twice") for path in islice(_repeated_keys(objects, ""), MAX_REPEATED_KEYS)]
    if faults:
        raise DocumentFaults(faults)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        seen: set[str] = set()
        value = _ObjectWithRepeatedKey(value)
        value.key = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return value


def _repeated_keys(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, _ObjectWithRepeatedKey):
        yield join(path, value.key)
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _repeated_keys(item, join(path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _repeated_keys(item, f"{path}[{index}]")


def _fault(message: str) -> DocumentFaults:
    return DocumentFaults([Fault("", message)])


def too_long(size: int) -> DocumentFaults:
    """The fault of a document of `size` bytes."""
    return _fault(f"the document has {size} bytes; it may have {MAX_BYTES}")


def _too_deep() -> DocumentFaults:
    return _fault(f"the document is nested more than {MAX_DEPTH} levels deep")


def _too_many() -> DocumentFaults:
    return _fault(f"the document has more than {MAX_VALUES:,} values: make two flows of it")


def _check_size(value: Any) -> None:
    """Refuses a value that is too deep or has too many values, level by level: a recursion could overflow the stack."""
    level, count = [value], 0
    for _ in range(MAX_DEPTH):
        level = [item for parent in level for item in _children(parent)]
        count += len(level)
        if count > MAX_VALUES:
            raise _too_many()
        if not level:
            return
    raise _too_deep()


def _children(value: Any) -> list[Any]:
    """The values in a list or object, and the keys of an object."""
    if isinstance(value, dict):
        return [*value, *value.values()]
    return value if isinstance(value, list) else []
