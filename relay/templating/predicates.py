"""Lists the tests that templates may use (`is defined`, `is number`...)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from relay.errors import RelayError, TemplateError
from relay.templating.fuel import charge
from relay.templating.missing import Missing, raise_missing
from relay.templating.operators import compared


def defined(value: Any) -> bool:
    return not isinstance(value, Missing)


def undefined(value: Any) -> bool:
    return isinstance(value, Missing)


def number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def sequence(value: Any) -> bool:
    return isinstance(value, (list, tuple, str, dict, range))


def _comparison(sign: str) -> Callable[[Any, Any], bool]:
    return lambda left, right: compared(sign, left, right)


def _metered(name: str, test: Callable[..., bool]) -> Callable[..., bool]:
    def guarded(value: Any, *args: Any) -> bool:
        charge(3)
        if isinstance(value, Missing):
            raise_missing(value)
        try:
            return test(value, *args)
        except RelayError:
            raise
        except (TypeError, ValueError, ArithmeticError, AttributeError) as error:
            raise TemplateError(f"the test `is {name}` can't be used on this") from error

    return guarded


_TESTS: dict[str, Callable[..., bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "divisibleby": lambda value, by: value % by == 0,
    "even": lambda value: value % 2 == 0,
    "false": lambda value: value is False,
    "float": lambda value: isinstance(value, float),
    "integer": integer,
    "iterable": sequence,
    "lower": lambda value: value.islower(),
    "mapping": lambda value: isinstance(value, dict),
    "none": lambda value: value is None,
    "number": number,
    "odd": lambda value: value % 2 == 1,
    "sequence": sequence,
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "upper": lambda value: value.isupper(),
}
_SIGNS = {
    "eq": "eq equalto ==",
    "ne": "ne !=",
    "lt": "lt lessthan <",
    "lteq": "le <=",
    "gt": "gt greaterthan >",
    "gteq": "ge >=",
    "in": "in",
}
_COMPARISONS = {name: _comparison(sign) for sign, names in _SIGNS.items() for name in names.split()}

TESTS: dict[str, Callable[..., bool]] = {
    "defined": defined,
    "undefined": undefined,
    **{name: _metered(name, test) for name, test in {**_TESTS, **_COMPARISONS}.items()},
}
