"""Filters that pick from lists of records and from objects."""

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
from relay.templating.operators import compared
from relay.templating.suggestions import near_keys, or_words
from relay.templating.values import as_text

GROUP = "Lists and objects"
# Tests that no null passes, as no name that is missing does.
_ORDERS = ("gt", "ge", "lt", "le", ">", ">=", "<", "<=", "greaterthan", "lessthan")
_NOTHING: Any = object()


def pluck(value: Any, attribute: Any, default: Any = None) -> list[Any]:
    return mapped(value, attribute=attribute, default=default)


def where(value: Any, attribute: Any, *test: Any) -> list[Any]:
    keys = keys_of(attribute)
    if len(test) > 1:
        holds = test_for(test[0], test[1:])
    elif test:
        holds = lambda found: compared("eq", found, test[0])  # noqa: E731 - the third of three
    else:
        holds = bool
    orders = len(test) > 1 and test[0] in _ORDERS
    parts = ((item, part_of(item, keys)) for item in elements(value))
    return [
        item for item, found in parts if not (isinstance(found, Missing) or (orders and found is None)) and holds(found)
    ]


def group(value: Any, attribute: Any, default: Any = None) -> dict[str, list[Any]]:
    keys, groups = keys_of(attribute), dict[str, list[Any]]()
    for item in elements(value):
        found = part_of(item, keys)
        key = default if isinstance(found, Missing) and default is not None else present(item, keys)
        if isinstance(key, (list, dict)):
            raise Unfit("a name whose values are texts or numbers", key)
        groups.setdefault(as_text(key), []).append(item)
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
    found = list[Any]()
    for item in elements(value):
        found.extend(elements(item) if isinstance(item, (list, tuple, range)) else (item,))
    return found


def skip(value: Any, count: int) -> Any:
    number_ = whole(count, "how many to skip", most=MAX_NUMBER)
    return value[number_:] if isinstance(value, str) else elements(value)[number_:]


def average(value: Any, attribute: Any = None) -> int | float:
    keys = keys_of(attribute)
    found = elements(value)
    charge(10 * len(found))
    if not found:
        raise TemplateError("an empty list has no average")
    amount = sum((number(present(item, keys)) for item in found), Decimal(0))
    return plain(round(amount / len(found), 12))


def lookup(value: Any, table_: Any, default: Any = _NOTHING) -> Any:
    entries = table(table_, "a table like {'a': 1}")
    if isinstance(value, (list, dict)):
        raise Unfit("a text or number to look up", value)
    key = as_text(value)
    if key in entries:
        return entries[key]
    if default is not _NOTHING:
        return default
    near = near_keys(key, entries)
    advice = f" (did you mean {or_words(near)}?)" if near else ""
    raise TemplateError(f"the table of `lookup` has no entry for {shown(value)}{advice}; a default can stand behind it")


def keys(value: Any) -> list[str]:
    charge(len(table(value)))
    return list(value)


def values(value: Any) -> list[Any]:
    charge(len(table(value)))
    return list(value.values())


def pick(value: Any, *names: Any) -> Any:
    if isinstance(value, list):
        return [pick(item, *names) for item in elements(value)]
    found, wanted = table(value, "an object, or a list of objects"), _names(names)
    charge(4 * len(wanted))
    return {name: found[name] for name in wanted if name in found}


def omit(value: Any, *names: Any) -> Any:
    if isinstance(value, list):
        return [omit(item, *names) for item in elements(value)]
    found, unwanted = table(value, "an object, or a list of objects"), _names(names)
    charge(4 * len(found))
    return {name: item for name, item in found.items() if name not in unwanted}


def _names(names: tuple[Any, ...]) -> dict[str, None]:
    """The names, given one by one or as a list; in their order, each once."""
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
        help="The mean of numbers, or of a name in each element.",
        example=f"{{{{ {_ROWS} | average('qty') }}}}",
        result=3.5,
    ),
    "compact": Filter(
        function=compact,
        help="Without what is empty: null, blank texts, empty lists and objects.",
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
        help="Groups the elements by a name in them: an object with a list for each value.",
        example="{{ [{'c': 'DE', 'n': 1}, {'c': 'FR', 'n': 2}, {'c': 'DE', 'n': 3}] | group('c') }}",
        result={"DE": [{"c": "DE", "n": 1}, {"c": "DE", "n": 3}], "FR": [{"c": "FR", "n": 2}]},
        keeps=True,
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
        help="Looks a value up in a table; the second value is taken where it isn't in there.",
        example="{{ 'DE' | lookup({'DE': 'Lena', 'FR': 'Marc'}, 'Anna') }}",
        result="Lena",
        takes="table, default",
        keeps=True,
    ),
    "merge": Filter(
        function=merge,
        help="One object of several; later ones win.",
        example="{{ {'a': 1, 'b': 2} | merge({'b': 3}, c=4) }}",
        result={"a": 1, "b": 3, "c": 4},
        takes="object, ..., name=value, ...",
    ),
    "omit": Filter(
        function=omit,
        cost=20,
        help="An object, or each of a list, without some names.",
        example="{{ {'a': 1, 'b': 2, 'c': 3} | omit('b', 'c') }}",
        result={"a": 1},
        takes="name, ...",
    ),
    "pick": Filter(
        function=pick,
        cost=20,
        help="An object, or each of a list, with some names only.",
        example="{{ {'a': 1, 'b': 2, 'c': 3} | pick('a', 'c') }}",
        result={"a": 1, "c": 3},
        takes="name, ...",
    ),
    "pluck": Filter(
        function=pluck,
        help="A list of what each element has under a name or path (customer.email).",
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
        help="What an object's names hold.",
        example="{{ {'a': 1, 'b': 2} | values }}",
        result=[1, 2],
    ),
    "where": Filter(
        function=where,
        help="The elements where a name has a value, or passes a test ('gt', 2), or is not empty.",
        example=f"{{{{ {_ROWS} | where('sku', 'B2') }}}}",
        result=[{"sku": "B2", "qty": 5}],
        takes="attribute, value, or attribute, test, value",
        keeps=True,
    ),
}
