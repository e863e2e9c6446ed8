"""What a filter is: a function with its help, and the guard around every call of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from relay.errors import RelayError, TemplateError
from relay.templating.fuel import charge, charge_text, charge_value
from relay.templating.missing import Missing, raise_missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One filter of the allow-list; `example` renders to `result`.

    `keeps`: a list it returns holds only elements of its input, each once, so their trees need no charge.
    `missing`: its input may be a missing name.
    """

    function: Callable[..., Any]
    help: str
    example: str
    result: Any
    keeps: bool = False
    missing: bool = False


GUARDED: dict[str, Callable[..., Any]] = {}


def guard(name: str, filter_: Filter) -> Callable[..., Any]:
    """The filter as templates call it: missing names refused, results charged, errors in words."""
    function, keeps, missing = filter_.function, filter_.keeps, filter_.missing

    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not missing:
            refuse_missing(args, kwargs)
        try:
            result = function(*args, **kwargs)
        except RelayError:
            raise
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise TemplateError(f"the filter {name} can't be used on this; an example: {filter_.example}") from error
        _charge_result(result, keeps)
        return result

    return guarded


def refuse_missing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for value in args:
        if isinstance(value, Missing):
            raise_missing(value)
    for value in kwargs.values():
        if isinstance(value, Missing):
            raise_missing(value)


def _charge_result(result: Any, keeps: bool) -> None:
    if isinstance(result, str):
        charge_text(result)
    elif not isinstance(result, (list, tuple, dict)):
        charge(1)
    elif keeps:
        charge(1 + 2 * len(result))
    else:
        charge_value(result)


def call(name: Any, value: Any, args: tuple[Any, ...]) -> Any:
    """Call a filter by name, for map(). Raises TemplateError where there is none."""
    if not isinstance(name, str) or name not in GUARDED:
        raise TemplateError(
            f"there is no filter '{name[:80]}'" if isinstance(name, str) else "a filter is named by a text"
        )
    charge(4)
    return GUARDED[name](value, *args)
