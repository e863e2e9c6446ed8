"""Meters the templates of one step: work, CPU time and size of results."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from relay.bodies import numerals
from relay.bodies.numerals import Numeral
from relay.errors import TemplateLimit

WORK = 250_000
# Seconds of CPU of its thread, which stop work whose units are too low.
TIME = 0.06
# Units of work between two checks of the CPU time; most templates need none.
STRIDE = 16_384
# Bytes of results. A step can output a whole body of 1 MiB, with text around it. As text, a body may be three times
# as long, because a byte that isn't UTF-8 becomes U+FFFD.
OUTPUT = 4 * 1024 * 1024
# Bytes of a tree that are charged together.
_CHARGED_BYTES = 16 * 1024
_LONG_LIST, _SMALL = 1_000, 1 << 64
# Characters: a body of 1 MiB as JSON text, with a space after each of its 500,000 commas and colons.
MAX_TEXT = 2 * 1024 * 1024
MAX_NUMBER = 10_000
MAX_BITS = 4096
MAX_DEPTH = 32


class _Active(threading.local):
    budget: Budget | None = None
    between: Callable[[], None] | None = None


ACTIVE = _Active()


def yield_by(call: Callable[[], None]) -> None:
    """Sets a function that is called every few milliseconds of metered renders in this thread."""
    ACTIVE.between = call


class Budget:
    """The limits of a step's templates; `with Budget():` shares one among all renders of the thread.

    `work` counts units of about 200 ns or 32 bytes, `output` bytes of results, `TIME` seconds of CPU after the first
    units of work. A render that exceeds one of them raises TemplateLimit.
    `moment` is the present time for its templates, set at its first use.
    """

    __slots__ = ("_clock", "_ends", "_outer", "depth", "floor", "moment", "most", "output", "work")

    def __init__(self, *, work: int = WORK, output: int = OUTPUT) -> None:
        self.work = work
        self.floor = work - STRIDE if work > STRIDE else 0
        self._ends = 0.0
        self.output = self.most = output
        self.depth = 0
        self.moment: datetime | None = None
        self._clock: Budget | None = None  # the budget that has the moment, if it is another one
        self._outer: Budget | None = None

    @classmethod
    def beside(cls, *, output: int = OUTPUT) -> Self:
        """A second budget beside the active one, with the same present time."""
        budget, outer = cls(output=output), ACTIVE.budget
        budget._clock = outer and (outer._clock or outer)
        return budget

    def __enter__(self) -> Self:
        self._outer = ACTIVE.budget
        ACTIVE.budget = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ACTIVE.budget = self._outer
        self._outer = None

    def check(self) -> None:
        """Checks the limits after `work` has fallen below `floor`. Raises TemplateLimit (`work`, `time`)."""
        if self.work < 0:
            raise TemplateLimit("work", "the template does too much work: loop over fewer elements, or split the step")
        if ACTIVE.between is not None:
            ACTIVE.between()
        now = time.thread_time()
        self._ends = self._ends or now + TIME
        if now > self._ends:
            raise TemplateLimit("time", f"the template takes longer than {TIME * 1000:.0f} ms: split the step")
        self.floor = max(self.work - STRIDE, 0)


def charge(units: int) -> None:
    """Takes `units` of work from the active budget. Raises TemplateLimit (`work`, `time`)."""
    budget = ACTIVE.budget
    if budget is not None:
        budget.work -= units
        if budget.work < budget.floor:
            budget.check()


def watch() -> None:
    """Checks the CPU time now, for work whose units are uncertain. Raises TemplateLimit (`time`)."""
    if ACTIVE.budget is not None:
        ACTIVE.budget.check()


def text_units(text: str) -> int:
    """The work to make `text`; characters outside ASCII take up to four times the memory."""
    return len(text) >> 5 if text.isascii() else len(text) >> 3


def digits_units(number: int) -> int:
    """The work to write a whole number: quadratic in its digits, 200 microseconds for 4,300 digits."""
    bits = number.bit_length()
    return (bits >> 8) + (bits * bits >> 18)


def charge_text(text: str) -> None:
    """Charges a new text. Raises TemplateLimit (`text size`, `work`)."""
    if len(text) > MAX_TEXT:
        raise text_too_long()
    charge(1 + text_units(text))


def expect_text(length: int) -> None:
    """Charges a text of `length` characters before it is made. Raises TemplateLimit."""
    if length > MAX_TEXT:
        raise text_too_long()
    charge(1 + (length >> 5))


def text_too_long() -> TemplateLimit:
    return TemplateLimit("text size", f"a text would be longer than {MAX_TEXT} characters")


def charge_value(value: Any, *, times: int = 1) -> None:
    """Charges the whole tree of a new value, which is made `times` times."""
    budget = ACTIVE.budget
    if budget is not None:
        charge(weigh(value, limit=budget.work) * times)


def weigh(value: Any, *, limit: int) -> int:
    """The units of work of a value's tree, with shared branches counted each time; stops soon after `limit`."""
    total = 0
    stack = [value]
    while stack and total <= limit:
        item = stack.pop()
        kind = type(item)
        if kind is str:
            total += 1 + text_units(item)
        elif kind is int:
            total += 1 + digits_units(item)
        elif kind is dict:
            total += 4 + 4 * len(item)
            if total <= limit:
                total += sum(len(key) for key in item if isinstance(key, str)) >> 5
                stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            total += 1 + len(item)
            if total <= limit:
                stack.extend(item)
        elif kind is range:
            total += 1 + len(item)
        else:
            total += 4 + text_units(item.text) if kind is Numeral else 4 if kind is float else 1
    return total


def are_small_numbers(items: list[Any] | tuple[Any, ...]) -> bool:
    """Whether a value is a long list of small whole numbers, which are written quickly."""
    return len(items) > _LONG_LIST and set(map(type, items)) == {int} and -_SMALL < min(items) <= max(items) < _SMALL


def emit(size: int) -> None:
    """Counts `size` bytes of result. Raises TemplateLimit (`output size`)."""
    budget = ACTIVE.budget
    if budget is not None:
        budget.output -= size
        if budget.output < 0:
            most = f"{budget.most >> 20} MiB"
            raise TemplateLimit("output size", f"the step's values would be larger than {most} together")


def emit_value(value: Any) -> None:
    """Counts a JSON value as result, by the approximate size of its JSON text."""
    if isinstance(value, str):
        emit(text_bytes(value))
    elif isinstance(value, Numeral):
        emit(len(value.text))
    elif isinstance(value, (dict, list, tuple, range)):
        _emit_tree(value)


def emit_context(value: Any) -> None:
    """Like `emit_value`, for a value from the context, whose size as JSON is bounded already.

    Writes the value to count it, which is many times faster than walking its tree.
    """
    if type(value) is not dict and type(value) is not list:
        emit_value(value)
        return
    try:
        size = len(numerals.encode(value))
    except (TypeError, ValueError, RecursionError):  # not JSON, a lone surrogate, or a cycle
        _emit_tree(value)
        return
    charge(1 + (size >> 6))
    emit(size)


def text_bytes(text: str) -> int:
    if text.isascii():
        return len(text)
    charge(len(text) >> 7)
    return len(text.encode("utf-8", "surrogatepass"))


def _emit_tree(value: Any) -> None:
    """Counts elements as work, too, because long lists can be read repeatedly without output."""
    stack, size = [value], 0
    while stack:
        item = stack.pop()
        kind = type(item)
        if kind is str:
            size += text_bytes(item) + 3
        elif kind is int:
            size += 1 + item.bit_length() // 3
        elif kind is dict:
            size += 2 + sum(len(key) for key in item if isinstance(key, str)) + 4 * len(item)
            charge(1 + (len(item) >> 1))
            stack.extend(item.values())
        elif isinstance(item, (list, tuple)):
            size += 2 + len(item)
            charge(1 + (len(item) >> 2))
            stack.extend(item)
        elif isinstance(item, dict):
            # A subclass of dict, which may raise when its values are read.
            stack.append(dict(item.items()))
        else:
            size += 8 * len(item) if kind is range else len(item.text) if kind is Numeral else 5
        if size > _CHARGED_BYTES:
            emit(size)
            size = 0
    emit(size)


def moment() -> datetime:
    """The present time in UTC, the same for all templates of a step."""
    budget = ACTIVE.budget
    if budget is None:
        return datetime.now(UTC)
    clock = budget._clock or budget
    if clock.moment is None:
        clock.moment = datetime.now(UTC)
    return clock.moment


class Descent:
    """`with Descent():` one level of macro or recursive loop. Raises TemplateLimit (`depth`)."""

    __slots__ = ()

    def __enter__(self) -> None:
        budget = ACTIVE.budget
        if budget is None:
            return
        budget.depth += 1
        if budget.depth > MAX_DEPTH:
            budget.depth -= 1
            raise TemplateLimit("depth", f"macros and loops call each other more than {MAX_DEPTH} levels deep")

    def __exit__(self, *exc: object) -> None:
        if ACTIVE.budget is not None:
            ACTIVE.budget.depth -= 1


def bounded(number: Any, *, name: str, least: int = 0) -> int:
    """A whole number between `least` and 10,000, for widths and counts. Raises TemplateLimit."""
    if isinstance(number, bool) or not isinstance(number, int):
        raise TypeError(name)
    if not least <= number <= MAX_NUMBER:
        raise TemplateLimit("number size", f"{name} has to be between {least} and {MAX_NUMBER}")
    return number


def search_units(length: int, needle: int) -> int:
    """The work to search a text; CPython's search is quadratic for short texts, linear for long ones."""
    if length < 2500 or (needle < 100 and length < 30_000):
        return (length >> 5) + (length * min(needle, max(length - needle, 0)) >> 8)
    return (length >> 5) + (needle >> 5)
