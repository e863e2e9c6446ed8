"""Defines filters that sort, group and compare values."""

from __future__ import annotations

from typing import Any

from relay.errors import TemplateError
from relay.templating.filters.definition import Filter
from relay.templating.filters.lists import elements, first, items, keys_of, last, part_of, present
from relay.templating.fuel import WORK, charge, weigh
from relay.templating.kinds import Group
from relay.templating.missing import Missing, raise_missing
from relay.templating.operators import bounded_number
from relay.templating.values import same_text

GROUP = "Lists and objects"


def identity(value: Any, case_sensitive: bool) -> str:
    """A text that is the same for equal values. Text, because crafted integers could collide as keys."""
    if isinstance(value, str):
        return "t" + (value if case_sensitive else value.lower())
    charge(4)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is int:
        return f"v{bounded_number(value)}"
    return "v" + same_text(value)


def order(value: Any, case_sensitive: bool) -> Any:
    return value.lower() if isinstance(value, str) and not case_sensitive else value


def in_order(items_: list[Any], keys: list[Any], reverse: bool) -> list[Any]:
    """Items sorted by their keys. Raises TemplateError if the keys can't be compared."""
    # Each comparison may read whole keys.
    charge(weigh(keys, limit=WORK) * len(items_).bit_length() >> 1)
    try:
        positions = sorted(range(len(items_)), key=keys.__getitem__, reverse=reverse)
    except TypeError as error:
        raise TemplateError("values of different kinds can't be sorted; | map('string') makes them text") from error
    return [items_[position] for position in positions]


def sort(value: Any, *options: Any, **named: Any) -> list[Any]:
    """Accepts Jinja's order of arguments (reverse, case_sensitive, attribute), or the attribute first."""
    if options and isinstance(options[0], str):
        named["attribute"], *rest = options
        return _sorted(value, *rest, **named)
    return _sorted(value, *options, **named)


def _sorted(value: Any, reverse: bool = False, case_sensitive: bool = False, attribute: Any = None) -> list[Any]:
    items_ = elements(value)
    paths = [keys_of(name) for name in (attribute.split(",", 8) if isinstance(attribute, str) else [attribute])]
    charge(2 * len(items_) * len(paths))
    if len(paths) == 1:
        return in_order(items_, [order(present(item, paths[0]), case_sensitive) for item in items_], reverse)
    keys = [[order(present(item, path), case_sensitive) for path in paths] for item in items_]
    return in_order(items_, keys, reverse)


def dictsort(value: Any, case_sensitive: bool = False, by: str = "key", reverse: bool = False) -> list[Any]:
    if by not in ("key", "value"):
        raise TemplateError("dictsort sorts by key or by value")
    pairs = items(value)
    return in_order(pairs, [order(pair[by == "value"], case_sensitive) for pair in pairs], reverse)


def greatest(value: Any, attribute: Any = None, case_sensitive: Any = False) -> Any:
    path, sensitive = _by(attribute, case_sensitive)
    return last(_sorted(value, False, sensitive, path))


def least(value: Any, attribute: Any = None, case_sensitive: Any = False) -> Any:
    path, sensitive = _by(attribute, case_sensitive)
    return first(_sorted(value, False, sensitive, path))


def _by(attribute: Any, case_sensitive: Any) -> tuple[Any, bool]:
    """The two arguments, given in Relay's order or in Jinja's."""
    if isinstance(attribute, bool):
        return case_sensitive or None, attribute
    return attribute, bool(case_sensitive)


def unique(value: Any, attribute: Any = None, case_sensitive: Any = False) -> list[Any]:
    seen: dict[str, Any] = {}
    path, case_sensitive = _by(attribute, case_sensitive)
    keys = keys_of(path)
    for item in elements(value):
        seen.setdefault(identity(present(item, keys), case_sensitive), item)
    return list(seen.values())


def groupby(value: Any, attribute: Any, default: Any = None, case_sensitive: bool = False) -> list[Group]:
    groups: dict[str, Group] = {}
    keys = keys_of(attribute)
    for item in elements(value):
        items_ = part_of(item, keys)
        grouper = default if isinstance(items_, Missing) and default is not None else items_
        if isinstance(grouper, Missing):
            raise_missing(grouper)
        groups.setdefault(identity(grouper, case_sensitive), Group(grouper, [])).list.append(item)
    found_groups = list(groups.values())
    return in_order(found_groups, [order(group.grouper, case_sensitive) for group in found_groups], False)


FILTERS = {
    "dictsort": Filter(
        function=dictsort,
        cost=0,
        help="Pairs of name and value of an object, sorted by name or `by='value'`.",
        example="{{ {'b': 1, 'a': 2} | dictsort }}",
        result=[["a", 2], ["b", 1]],
        keeps=True,
    ),
    "groupby": Filter(
        function=groupby,
        help="Groups elements by an attribute: a list of objects with `grouper` and `list`.",
        example="{{ [{'c': 'DE', 'n': 1}, {'c': 'DE', 'n': 2}] | groupby('c') | map(attribute='grouper') }}",
        result=["DE"],
        keeps=True,
    ),
    "max": Filter(
        function=greatest,
        cost=0,
        help="The greatest element, or the element with the greatest attribute.",
        example="{{ [1, 3, 2] | max }}",
        result=3,
        keeps=True,
    ),
    "min": Filter(
        function=least,
        cost=0,
        help="The smallest element, or the element with the smallest attribute.",
        example="{{ [2, 1, 3] | min }}",
        result=1,
        keeps=True,
    ),
    "sort": Filter(
        function=sort,
        cost=0,
        help="Sorts a list, by an attribute if one is given; `reverse=true` reverses the order.",
        example="{{ [{'n': 2}, {'n': 3}, {'n': 1}] | sort('n', reverse=true) }}",
        result=[{"n": 3}, {"n": 2}, {"n": 1}],
        takes="attribute, reverse=false, case_sensitive=false",
        keeps=True,
    ),
    "unique": Filter(
        function=unique,
        help="Each value once, or one element for each value of an attribute: unique('sku').",
        example="{{ ['a', 'b', 'a'] | unique }}",
        result=["a", "b"],
        keeps=True,
    ),
}
