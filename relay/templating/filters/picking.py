"""Defines filters that pick from lists of records and from objects."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from relay.errors import TemplateError
from relay.templating.filters.choosing import mapped, test_for
from relay.templating.filters.definition import Filter, Unfit
from relay.templating.filters.lists import elements, keys_of, part_of, present
from relay.templating.filters.reading import number, plain, table, whole
from relay.templating.fuel import MAX_NUMBER, charge
from relay.templating.kinds import shown
from relay.templating.missing import Missing
from relay.templating.operators import compared, contains
from relay.templating.suggestions import near_keys, or_words
from relay.templating.values import as_key

GROUP = "Lists and objects"
# Tests that null does not pass, like a missing name.
_ORDERS = ("gt", "ge", "lt", "le", ">", ">=", "<", "<=", "greaterthan", "lessthan")
_NOTHING: Any = object()


def pluck(value: Any, attribute: Any, default: Any = None) -> list[Any]:
    return mapped(value, attribute=attribute, default=default)


def where(value: Any, attribute: Any, *test: Any) -> list[Any]:
    keys = keys_of(attribute)
    if len(test) > 1:
        holds = test_for(test[0], test[1:])
    elif test:
        holds = lambda part: compared("eq", part, test[0])  # noqa: E731 - the third of three
    else:
        holds = bool
    orders = len(test) > 1 and test[0] in _ORDERS
    parts = ((item, part_of(item, keys)) for item in elements(value))
    return [
        item for item, part in parts if not (isinstance(part, Missing) or (orders and part is None)) and holds(part)
    ]


def group(value: Any, attribute: Any, default: Any = None) -> dict[str, list[Any]]:
    keys, groups = keys_of(attribute), dict[str, list[Any]]()
    for item in elements(value):
        part = part_of(item, keys)
        key = default if isinstance(part, Missing) and default is not None else present(item, keys)
        if isinstance(key, (list, dict)):
            raise Unfit("a name whose values are texts or numbers", key)
        groups.setdefault(as_key(key), []).append(item)
    charge(4 * len(groups))
    return groups


def compact(value: Any) -> Any:
    if isinstance(value, dict):
        charge(4 * len(value))
        return {key: item for key, item in value.items() if not _is_empty(item)}
    return [item for item in elements(value) if not _is_empty(item)]


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip()) or value in ([], {})


def flatten(value: Any) -> list[Any]:
    flat = list[Any]()
    for item in elements(value):
        flat.extend(elements(item) if isinstance(item, (list, tuple, range)) else (item,))
    return flat


def skip(value: Any, count: int) -> Any:
    number_ = whole(count, "how many to skip", most=MAX_NUMBER)
    return value[number_:] if isinstance(value, str) else elements(value)[number_:]


def average(value: Any, attribute: Any = None) -> int | float:
    keys = keys_of(attribute)
    items_ = elements(value)
    charge(10 * len(items_))
    if not items_:
        raise TemplateError("an empty list has no average")
    amount = sum((number(present(item, keys)) for item in items_), Decimal(0))
    return plain(round(amount / len(items_), 12))


def lookup(value: Any, table_: Any, default: Any = _NOTHING) -> Any:
    entries = table(table_, "a table like {'a': 1}")
    if isinstance(value, (list, dict)):
        raise Unfit("a text or number to look up", value)
    key = as_key(value)
    if key in entries:
        return entries[key]
    if default is not _NOTHING:
        return default
    near = near_keys(key, entries)
    advice = f" (did you mean {or_words(near)}?)" if near else ""
    raise TemplateError(f"the table of `lookup` has no entry for {shown(value)}{advice}; a default can stand behind it")


def index_of(value: Any, item: Any) -> int | None:
    items = elements(value)
    return items.index(item) if contains(items, item) else None


def named(value: Any, names: Any, default: Any = None) -> dict[str, Any]:
    items, pairs = elements(value), dict[str, Any]()
    for place, name in enumerate(elements(names)):
        if not isinstance(name, str):
            raise Unfit("names that are texts", name)
        pairs.setdefault(name, items[place] if place < len(items) else default)
    return pairs


def keys(value: Any) -> list[str]:
    charge(len(table(value)))
    return list(value)


def values(value: Any) -> list[Any]:
    charge(len(table(value)))
    return list(value.values())


def pick(value: Any, *names: Any) -> Any:
    if isinstance(value, list):
        return [pick(item, *names) for item in elements(value)]
    record, wanted = table(value, "an object, or a list of objects"), _names(names)
    charge(4 * len(wanted))
    return {name: record[name] for name in wanted if name in record}


def omit(value: Any, *names: Any) -> Any:
    if isinstance(value, list):
        return [omit(item, *names) for item in elements(value)]
    record, unwanted = table(value, "an object, or a list of objects"), _names(names)
    charge(4 * len(record))
    return {name: item for name, item in record.items() if name not in unwanted}


def _names(names: tuple[Any, ...]) -> dict[str, None]:
    """The names, given one by one or as a list, in order and without repetition."""
    parts = [part for name in names for part in (name if isinstance(name, list) else [name])]
    for part in parts:
        if not isinstance(part, str):
            raise Unfit("names as texts", part)
    charge(len(parts))
    return dict.fromkeys(parts)


def merge(value: Any, *others: Any, **more: Any) -> dict[str, Any]:
    result = dict[str, Any]()
    for part in (value, *others, more):
        charge(4 * len(table(part)))
        result.update(part)
    return result


_ROWS = "[{'sku': 'A1', 'qty': 2}, {'sku': 'B2', 'qty': 5}]"

FILTERS = {
    "average": Filter(
        function=average,
        help="The mean of numbers, or of an attribute of each element.",
        example=f"{{{{ {_ROWS} | average('qty') }}}}",
        result=3.5,
    ),
    "compact": Filter(
        function=compact,
        help="Removes null, blank text, and empty lists and objects.",
        example="{{ ['a', '', none, 'b'] | compact }}",
        result=["a", "b"],
        keeps=True,
    ),
    "flatten": Filter(
        function=flatten,
        help="Makes one list of a list of lists.",
        example="{{ [[1, 2], [3]] | flatten }}",
        result=[1, 2, 3],
    ),
    "group": Filter(
        function=group,
        help="Groups elements by an attribute: an object with a list for each value.",
        example="{{ [{'c': 'DE', 'n': 1}, {'c': 'FR', 'n': 2}, {'c': 'DE', 'n': 3}] | group('c') }}",
        result={"DE": [{"c": "DE", "n": 1}, {"c": "DE", "n": 3}], "FR": [{"c": "FR", "n": 2}]},
        keeps=True,
    ),
    "index_of": Filter(
        function=index_of,
        cost=10,
        help="The place of the first element that equals a value, from 0; null if there is none.",
        example="{{ ['a', 'b'] | index_of('b') }}",
        result=1,
    ),
    "named": Filter(
        function=named,
        help="An object of the elements of a list, by a list of names; of equal names, the first one counts.",
        example="{{ ['1001', 'paid'] | named(['Order', 'State']) }}",
        result={"Order": "1001", "State": "paid"},
    ),
    "keys": Filter(
        function=keys,
        cost=10,
        help="The names of an object.",
        example="{{ {'a': 1, 'b': 2} | keys }}",
        result=["a", "b"],
    ),
    "lookup": Filter(
        function=lookup,
        cost=0,
        help="Looks a value up in a table; the second argument is used if it is not there.",
        example="{{ 'DE' | lookup({'DE': 'Lena', 'FR': 'Marc'}, 'Anna') }}",
        result="Lena",
        takes="table, default",
        keeps=True,
    ),
    "merge": Filter(
        function=merge,
        help="Merges objects; later ones win.",
        example="{{ {'a': 1, 'b': 2} | merge({'b': 3}, c=4) }}",
        result={"a": 1, "b": 3, "c": 4},
        takes="object, ..., name=value, ...",
    ),
    "omit": Filter(
        function=omit,
        cost=20,
        help="An object, or each object of a list, without some names.",
        example="{{ {'a': 1, 'b': 2, 'c': 3} | omit('b', 'c') }}",
        result={"a": 1},
        takes="name, ...",
    ),
    "pick": Filter(
        function=pick,
        cost=20,
        help="An object, or each object of a list, with only some names.",
        example="{{ {'a': 1, 'b': 2, 'c': 3} | pick('a', 'c') }}",
        result={"a": 1, "c": 3},
        takes="name, ...",
    ),
    "pluck": Filter(
        function=pluck,
        help="A list of one attribute or path (customer.email) of each element.",
        example=f"{{{{ {_ROWS} | pluck('sku') }}}}",
        result=["A1", "B2"],
    ),
    "skip": Filter(
        function=skip,
        cost=10,
        help="Without the first n elements or characters.",
        example="{{ [1, 2, 3] | skip(1) }}",
        result=[2, 3],
        keeps=True,
    ),
    "values": Filter(
        function=values,
        cost=10,
        help="The values of an object.",
        example="{{ {'a': 1, 'b': 2} | values }}",
        result=[1, 2],
    ),
    "where": Filter(
        function=where,
        help="Elements whose attribute has a value, passes a test ('gt', 2), or is not empty.",
        example=f"{{{{ {_ROWS} | where('sku', 'B2') }}}}",
        result=[{"sku": "B2", "qty": 5}],
        takes="attribute, value, or attribute, test, value",
        keeps=True,
    ),
}
