"""Defines filters for lists and objects, which return lists and never generators."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from relay.errors import TemplateError
from relay.templating.filters.definition import Filter
from relay.templating.filters.reading import number, plain
from relay.templating.fuel import bounded, charge, expect_text
from relay.templating.kinds import kind
from relay.templating.missing import ELEMENT, Missing, raise_missing, walk
from relay.templating.operators import bounded_number
from relay.templating.values import as_text

GROUP = "Lists and objects"


def elements(value: Any) -> list[Any]:
    """The elements, keys of an object or characters of text over which a loop iterates. Charges work."""
    if isinstance(value, Missing):
        raise_missing(value)
    if not isinstance(value, (list, tuple, dict, range, str)):
        advice = "; use | default([], true)" if value is None else ""
        raise TemplateError(f"{kind(value)} is not a list{advice}")
    charge(1 + len(value))
    return value if isinstance(value, list) else list(value)


Keys = tuple[Any, ...]


def keys_of(attribute: Any) -> Keys:
    """The keys of an `attribute=`: a name, a path of names (`customer.name`) or an index; () without one."""
    if attribute is None:
        return ()
    if isinstance(attribute, int):
        return (attribute,)
    if not isinstance(attribute, str) or len(attribute) > 200:
        raise TemplateError("an attribute is a name, a path of names or an index, of up to 200 characters")
    parts = attribute.split(".")
    return tuple(int(part) if part.isdecimal() and len(part) < 6 else part for part in parts)


def part_of(item: Any, keys: Keys) -> Any:
    """The value of an element at the keys; a Missing if it has none."""
    part = walk(item, ELEMENT, keys)
    charge(12 if isinstance(part, Missing) else 2)
    return part


def present(item: Any, keys: Keys) -> Any:
    """Like `part_of`, but raises MissingName if the element has no such value."""
    part = part_of(item, keys) if keys else item
    if isinstance(part, Missing):
        raise_missing(part)
    return part


def items(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise TemplateError(f"{kind(value)} has no items; an object has")
    charge(4 * len(value))
    return [[key, item] for key, item in value.items()]


def batch(value: Any, linecount: int, fill_with: Any = None) -> list[Any]:
    size = bounded(linecount, name="the size", least=1)
    items_ = elements(value)
    charge(4 * (len(items_) // size))
    rows = [items_[start : start + size] for start in range(0, len(items_), size)]
    if rows and fill_with is not None:
        rows[-1] = rows[-1] + [fill_with] * (size - len(rows[-1]))
    return rows


def slices(value: Any, slices: int, fill_with: Any = None) -> list[Any]:
    count = bounded(slices, name="the number of slices", least=1)
    items_ = elements(value)
    charge(8 * count)
    size, longer = divmod(len(items_), count)
    rows, start = list[Any](), 0
    for position in range(count):
        end = start + size + (position < longer)
        filler = [fill_with] if fill_with is not None and position >= longer else []
        rows.append(items_[start:end] + filler)
        start = end
    return rows


def first(value: Any, count: Any = None) -> Any:
    items_ = value if isinstance(value, (str, list, tuple, range)) else elements(value)
    if count is not None:
        return items_[: bounded(count, name="the count")]
    return items_[0] if items_ else Missing(base="the first element", why="the list is empty")


def last(value: Any, count: Any = None) -> Any:
    items_ = value if isinstance(value, (str, list, tuple, range)) else elements(value)
    if count is not None:
        return items_[max(len(items_) - bounded(count, name="the count"), 0) :]
    return items_[-1] if items_ else Missing(base="the last element", why="the list is empty")


def length(value: Any) -> int:
    if not isinstance(value, (str, list, tuple, dict, range)):
        raise TemplateError(f"{kind(value)} has no length")
    return len(value)


def join(value: Any, d: Any = "", attribute: Any = None) -> str:
    keys = keys_of(attribute)
    parts = [as_text(present(item, keys)) for item in elements(value)]
    mark = as_text(d)
    expect_text(sum(map(len, parts)) + len(mark) * len(parts))
    return mark.join(parts)


def to_list(value: Any) -> list[Any]:
    return list(elements(value))


def reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else elements(value)[::-1]


def total(value: Any, attribute: Any = None, start: Any = 0) -> Any:
    keys, items_ = keys_of(attribute), elements(value)
    parts = [start, *(present(item, keys) for item in items_)]
    if all(type(part) is int for part in parts):
        return _whole_total(parts)
    charge(8 * len(parts))
    return plain(sum((number(part, "numbers") for part in parts), Decimal(0)))


def _whole_total(parts: list[int]) -> int:
    amount = 0
    for part in parts:
        amount = bounded_number(amount + part)
    return amount


def default(value: Any, default_value: Any = "", boolean: bool = False) -> Any:
    if isinstance(value, Missing) or (boolean and not value):
        return default_value
    return value


_DEFAULT = Filter(
    group="Any value",
    function=default,
    cost=0,
    help="The value to use if a name is missing; with `true`, also for null and empty values.",
    example="{{ event.body.note | default('none') }}",
    result="none",
    keeps=True,
    missing=True,
)
_LENGTH = Filter(
    function=length, cost=0, help="The number of elements or characters.", example="{{ [1, 2, 3] | length }}", result=3
)

FILTERS = {
    "batch": Filter(
        function=batch,
        help="Splits a list into lists of a size.",
        example="{{ [1, 2, 3] | batch(2) }}",
        result=[[1, 2], [3]],
    ),
    "count": _LENGTH,
    "d": _DEFAULT,
    "default": _DEFAULT,
    "first": Filter(
        function=first,
        cost=0,
        help="The first element or character; the first n as a list or text: first(2).",
        example="{{ [1, 2, 3] | first(2) }}",
        result=[1, 2],
        keeps=True,
    ),
    "items": Filter(
        function=items,
        cost=0,
        help="Pairs of name and value of an object, for loops.",
        example="{{ {'a': 1} | items }}",
        result=[["a", 1]],
        keeps=True,
    ),
    "join": Filter(
        function=join,
        cost=20,
        help="Joins a list to text; `attribute` picks a part of each element.",
        example="{{ ['a', 'b'] | join(', ') }}",
        result="a, b",
    ),
    "last": Filter(
        function=last,
        cost=0,
        help="The last element or character; the last n as a list or text: last(2).",
        example="{{ [1, 2, 3] | last }}",
        result=3,
        keeps=True,
    ),
    "length": _LENGTH,
    "list": Filter(
        function=to_list,
        cost=20,
        help="Makes a list: the characters of text, the names of an object.",
        example="{{ {'a': 1, 'b': 2} | list }}",
        result=["a", "b"],
        keeps=True,
    ),
    "reverse": Filter(
        function=reverse,
        cost=20,
        help="In reverse order.",
        example="{{ [1, 2] | reverse }}",
        result=[2, 1],
        keeps=True,
    ),
    "slice": Filter(
        function=slices,
        help="Splits a list into a number of lists.",
        example="{{ [1, 2, 3] | slice(2) }}",
        result=[[1, 2], [3]],
    ),
    "sum": Filter(
        function=total,
        cost=150,
        help="Adds numbers, also numbers as text; `attribute` picks a part of each element.",
        example="{{ [{'price': '9.90'}, {'price': 20.2}] | sum('price') }}",
        result=30.1,
    ),
}
