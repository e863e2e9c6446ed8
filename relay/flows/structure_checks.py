"""Finds every place where a JSON value departs from a declared type."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import inspect

from relay.errors import Fault

_WORDS: dict[type, str] = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "nothing",
}
_EXPECTED: dict[type[inspect.Type], tuple[tuple[type, ...], str]] = {
    inspect.StrType: ((str,), "text"),
    inspect.BoolType: ((bool,), "true or false"),
    inspect.IntType: ((int,), "a whole number"),
    inspect.FloatType: ((int, float), "a number"),
    inspect.NoneType: ((type(None),), "nothing"),
}


def join(path: str, name: str) -> str:
    """`steps[0]` and `inputs.text` -> `steps[0].inputs.text`."""
    return f"{path}.{name}" if path and name and not name.startswith("[") else path + name


def suggestion(name: str, known: Iterable[str]) -> str:
    """`; did you mean steps?` for `stepz`; "" if no known name is similar."""
    close = difflib.get_close_matches(name[:60], known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def faults(value: Any, declared: type) -> Iterator[Fault]:
    """Yields every fault of `value` against a msgspec type."""
    return _any(value, inspect.type_info(declared), "")


def _any(value: Any, info: inspect.Type, path: str) -> Iterator[Fault]:
    if isinstance(info, inspect.StructType):
        yield from _struct(value, info, path)
    elif isinstance(info, inspect.UnionType):
        yield from _union(value, info, path)
    elif isinstance(info, inspect.ListType | inspect.VarTupleType):
        yield from _list(value, info, path)
    elif isinstance(info, inspect.DictType):
        yield from _dict(value, info, path)
    elif isinstance(info, inspect.LiteralType):
        if not any(type(value) is type(choice) and value == choice for choice in info.values):
            yield Fault(path, f"{_shown(value)} is not possible here; {_either(info.values)}")
    elif type(info) in _EXPECTED:
        kinds, word = _EXPECTED[type(info)]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            yield _wrong(path, word, value)


def _wrong(path: str, word: str, value: Any) -> Fault:
    return Fault(path, f"expected {word}, got {_WORDS.get(type(value), 'something else')}")


def _struct(value: Any, info: inspect.StructType, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(path, "an object", value)
        return
    known = {field.encode_name: field for field in info.fields}
    allowed = [*known, *([info.tag_field] if info.tag_field else [])]
    for name in value:
        if name not in allowed:
            yield Fault(join(path, str(name)), f"unknown key{suggestion(str(name), allowed)}")
    for name, field in known.items():
        if name in value:
            yield from _any(value[name], field.type, join(path, name))
        elif field.required:
            yield Fault(join(path, name), "is missing")


def _union(value: Any, info: inspect.UnionType, path: str) -> Iterator[Fault]:
    tagged = {type_.tag: type_ for type_ in info.types if isinstance(type_, inspect.StructType) and type_.tag_field}
    if tagged:
        yield from _tagged(value, tagged, path)
        return
    if value is None and any(isinstance(type_, inspect.NoneType) for type_ in info.types):
        return
    others = [type_ for type_ in info.types if not isinstance(type_, inspect.NoneType)]
    faults_ = [list(_any(value, type_, path)) for type_ in others]
    if all(type(type_) in _EXPECTED for type_ in others) and all(faults_):
        yield _wrong(path, _kinds_of(others), value)
    else:
        yield from min(faults_, key=len)


def _kinds_of(scalars: list[inspect.Type]) -> str:
    """`a number or text`; a whole number is not named beside a number."""
    words = {type(type_): _EXPECTED[type(type_)][1] for type_ in scalars}
    if inspect.FloatType in words:
        words.pop(inspect.IntType, None)
    return " or ".join(sorted(words.values()))


def _tagged(value: Any, tagged: dict[Any, inspect.StructType], path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(path, "an object", value)
        return
    field = next(iter(tagged.values())).tag_field or ""
    tag = value.get(field)
    if field not in value:
        yield Fault(join(path, field), f"is missing; {_either(tuple(tagged))}")
    elif not isinstance(tag, str) or tag not in tagged:
        yield Fault(join(path, field), f"{_shown(tag)} is not a kind of step; {_either(tuple(tagged))}")
    else:
        yield from _struct(value, tagged[tag], path)


def _list(value: Any, info: inspect.ListType | inspect.VarTupleType, path: str) -> Iterator[Fault]:
    if not isinstance(value, list):
        yield _wrong(path, "a list", value)
        return
    for index, item in enumerate(value):
        yield from _any(item, info.item_type, f"{path}[{index}]")


def _dict(value: Any, info: inspect.DictType, path: str) -> Iterator[Fault]:
    if not isinstance(value, dict):
        yield _wrong(path, "an object", value)
        return
    for name, item in value.items():
        if not isinstance(name, str):
            yield Fault(path, f"the key {_shown(name)} is not text")
        else:
            yield from _any(item, info.value_type, join(path, name))


def _either(values: tuple[Any, ...]) -> str:
    shown = [str(value) for value in values]
    return f"it is {shown[0]}" if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"


def _shown(value: Any) -> str:
    return repr(value)[:60] if isinstance(value, str | int | float | bool) or value is None else "this"
