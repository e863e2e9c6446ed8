"""Defines a filter: a function with its help, and a wrapper that meters and checks each call."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from relay.errors import FilterFault, MissingName, RelayError, SenderBusy, TemplateError, TemplateLimit
from relay.templating.fuel import charge, charge_text, charge_value
from relay.templating.kinds import shown
from relay.templating.missing import Missing, raise_missing
from relay.templating.suggestions import no_such


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """A filter that templates may use; `example` renders to `result`.

    `cost`: the measured worst-case nanoseconds for a character or element of its arguments. The wrapper charges it
    before the call, and the result after it. A filter whose result is larger than its arguments charges first, with
    `bounded` (a width or count), `expect_text` (a text) or `charge` (a unit is 200 ns or 32 bytes).
    Never call functions whose work can't be bounded: use `patterns` for regular expressions, `as_text` for text.
    `tests/templating/test_filter_limits.py` calls every filter with hostile arguments and measures time and memory.
    `group`: its heading in the help; else that of its module.
    `takes`: its arguments as the help shows them, if those of the function are unclear.
    `keeps`: a returned list contains only elements of its input, each once, so their trees need no charge.
    `missing`: its input may be a missing name.
    `load`: imports slow modules; called when a template with the filter is compiled, never in a render.
    """

    function: Callable[..., Any]
    help: str
    example: str
    result: Any
    cost: int = 100
    group: str = ""
    takes: str = ""
    keeps: bool = False
    missing: bool = False
    load: Callable[[], object] | None = None

    def accepts(self, count: int, names: list[str]) -> bool:
        """Whether the filter accepts this number of arguments and these names."""
        try:
            _signature(self.function).bind(None, *range(count), **dict.fromkeys(names))
        except TypeError:
            return False
        return True

    @property
    def arguments(self) -> str:
        """The arguments as text: `currency, locale='en'`."""
        if self.takes:
            return self.takes
        _, *rest = inspect.signature(self.function).parameters.values()
        return ", ".join(_argument(parameter) for parameter in rest)


@lru_cache(maxsize=512)
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


def _argument(parameter: inspect.Parameter) -> str:
    if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
        return "..."
    if parameter.default is parameter.empty:
        return parameter.name
    default = {None: "none", True: "true", False: "false"}.get(parameter.default, repr(parameter.default))
    return f"{parameter.name}={default}"


class Unfit(Exception):
    """A filter got a value other than it needs (`a number`). The wrapper adds the filter and the value."""

    def __init__(self, need: str, got: Any, advice: str = "") -> None:
        super().__init__(need)
        self.need = need
        self.got = got
        self.advice = advice


GUARDED: dict[str, Callable[..., Any]] = {}


def guard(name: str, filter_: Filter) -> Callable[..., Any]:
    """The filter as templates call it: refuses missing names, charges results, and rewords errors."""
    function, keeps, missing, cost = filter_.function, filter_.keeps, filter_.missing, filter_.cost

    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not missing:
            raise_if_missing(args, kwargs)
        charge(1 + cost * (size_of(args) + size_of(kwargs.values())) // 200)
        try:
            result = function(*args, **kwargs)
        except (MissingName, TemplateLimit, FilterFault, SenderBusy):
            raise
        except RelayError as error:
            raise FilterFault(str(error), filter=name) from error
        except Unfit as error:
            message = f"`{name}` needs {error.need}, but got {shown(error.got)}{error.advice}"
            raise FilterFault(message, filter=name) from error
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
            raise FilterFault(_misused(name, filter_, args), filter=name) from error
        _charge_result(result, keeps)
        return result

    return guarded


def _misused(name: str, filter_: Filter, args: tuple[Any, ...]) -> str:
    return f"`{name}` can't be used like this on {shown(args[0])}; an example: {filter_.example}"


def raise_if_missing(args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    for value in args:
        if isinstance(value, Missing):
            raise_missing(value)
    for value in kwargs.values():
        if isinstance(value, Missing):
            raise_missing(value)


def size_of(values: Iterable[Any]) -> int:
    """The number of characters (4 for each outside ASCII) and elements of some values, without nested ones."""
    total = 0
    for value in values:
        if isinstance(value, str):
            total += len(value) if value.isascii() else 4 * len(value)
        elif isinstance(value, (list, dict, tuple, range)):
            total += len(value)
    return total


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
    """Calls a filter by name, for map(). Raises TemplateError for an unknown one."""
    if not isinstance(name, str) or name not in GUARDED:
        raise TemplateError(
            no_such("filter", name, GUARDED) if isinstance(name, str) else "a filter is named by a text"
        )
    charge(4)
    return GUARDED[name](value, *args)
