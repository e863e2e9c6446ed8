"""Filters that apply another filter or a test to each element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.errors import TemplateError
from relay.templating.filters.definition import Filter, call
from relay.templating.filters.lists import elements, keys_of, part_of
from relay.templating.missing import Missing
from relay.templating.predicates import TESTS

GROUP = "Lists and objects"


def mapped(value: Any, name: Any = None, *args: Any, attribute: Any = None, default: Any = None) -> list[Any]:
    if attribute is None:
        return [call(name, item, args) for item in elements(value)]
    keys = keys_of(attribute)
    found = [part_of(item, keys) for item in elements(value)]
    return found if default is None else [default if isinstance(item, Missing) else item for item in found]


def test_for(name: Any, args: tuple[Any, ...]) -> Callable[[Any], bool]:
    """The test of that name; without one, whether a value is true."""
    if name is None:
        return bool
    if not isinstance(name, str) or name not in TESTS:
        raise TemplateError(f"there is no test '{name[:80]}'" if isinstance(name, str) else "a test is named by a text")
    test = TESTS[name]
    return lambda value: test(value, *args)


def _holds(test: Callable[[Any], bool], name: Any, found: Any) -> bool:
    """An element that doesn't have the attribute is not an error: no test holds for it but `undefined`."""
    if isinstance(found, Missing) and name not in ("defined", "undefined"):
        return False
    return test(found)


def select(value: Any, name: Any = None, *args: Any) -> list[Any]:
    test = test_for(name, args)
    return [item for item in elements(value) if test(item)]


def reject(value: Any, name: Any = None, *args: Any) -> list[Any]:
    test = test_for(name, args)
    return [item for item in elements(value) if not test(item)]


def selectattr(value: Any, attribute: Any, name: Any = None, *args: Any) -> list[Any]:
    test, keys = test_for(name, args), keys_of(attribute)
    return [item for item in elements(value) if _holds(test, name, part_of(item, keys))]


def rejectattr(value: Any, attribute: Any, name: Any = None, *args: Any) -> list[Any]:
    test, keys = test_for(name, args), keys_of(attribute)
    return [item for item in elements(value) if not _holds(test, name, part_of(item, keys))]


FILTERS = {
    "map": Filter(
        function=mapped,
        help="Takes a part of each element, or applies a filter to each.",
        example="{{ [{'sku': 'A1'}, {'sku': 'B2'}] | map(attribute='sku') }}",
        result=["A1", "B2"],
    ),
    "reject": Filter(
        function=reject,
        help="Elements for which a test does not hold.",
        example="{{ [1, 2, 3] | reject('odd') }}",
        result=[2],
        keeps=True,
    ),
    "rejectattr": Filter(
        function=rejectattr,
        help="Elements whose part does not pass a test.",
        example="{{ [{'n': 1}, {'n': 2}] | rejectattr('n', 'eq', 1) }}",
        result=[{"n": 2}],
        keeps=True,
    ),
    "select": Filter(
        function=select,
        help="Elements for which a test holds.",
        example="{{ [1, 2, 3] | select('odd') }}",
        result=[1, 3],
        keeps=True,
    ),
    "selectattr": Filter(
        function=selectattr,
        help="Elements whose part passes a test.",
        example="{{ [{'n': 1}, {'n': 2}] | selectattr('n', 'gt', 1) }}",
        result=[{"n": 2}],
        keeps=True,
    ),
}
