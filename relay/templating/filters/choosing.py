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
    parts = [part_of(item, keys) for item in elements(value)]
    return parts if default is None else [default if isinstance(item, Missing) else item for item in parts]


def test_for(name: Any, args: tuple[Any, ...]) -> Callable[[Any], bool]:
    """The test with a name; without one, whether a value is true."""
    if name is None:
        return bool
    if not isinstance(name, str) or name not in TESTS:
        raise TemplateError(f"there is no test '{name[:80]}'" if isinstance(name, str) else "a test is named by a text")
    test = TESTS[name]
    return lambda value: test(value, *args)


def _holds(test: Callable[[Any], bool], name: Any, part: Any) -> bool:
    """An element that doesn't have the attribute is not an error: no test holds for it but `undefined`."""
    if isinstance(part, Missing) and name not in ("defined", "undefined"):
        return False
    return test(part)


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
        help="Takes an attribute of each element, or applies a filter to each.",
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
        help="Elements for whose attribute a test does not hold.",
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
        help="Elements for whose attribute a test holds.",
        example="{{ [{'n': 1}, {'n': 2}] | selectattr('n', 'gt', 1) }}",
        result=[{"n": 2}],
        keeps=True,
    ),
}
