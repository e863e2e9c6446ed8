"""Fuel: what the templates of one step may spend."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from relay.errors import TemplateLimit

WORK = 250_000
# Seconds of its thread's CPU: stops what the units of work have counted too cheap.
TIME = 0.06
# Units of work between two looks at the clock; most templates never look.
STRIDE = 16_384
OUTPUT = 1024 * 1024
# Bytes of a tree that are counted together.
_AT_ONCE = 16 * 1024
MAX_TEXT = 1024 * 1024
MAX_NUMBER = 10_000
MAX_BITS = 4096
MAX_DEPTH = 32


class _Active(threading.local):
    budget: Budget | None = None


ACTIVE = _Active()


class Budget:
    """What a step may spend on its templates; `with Budget():` shares one between all renders of the thread.

    `work` counts units of about 200 ns or 32 bytes, `output` bytes of results, `TIME` seconds of CPU after the first
    units of work. Past any of them, a render raises TemplateLimit.
    `moment` is what its templates take for the present time, once one has asked.
    """

    __slots__ = ("_ends", "_outer", "depth", "floor", "moment", "output", "work")

    def __init__(self, *, work: int = WORK, output: int = OUTPUT) -> None:
        self.work = work
        self.floor = work - STRIDE if work > STRIDE else 0
        self._ends = 0.0
        self.output = output
        self.depth = 0
        self.moment: datetime | None = None
        self._outer: Budget | None = None

    @classmethod
    def beside(cls) -> Self:
        """As much again as the active one, at the same moment."""
        budget = cls()
        budget.moment = moment()
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

    def look(self) -> None:
        """What to do when `work` is below `floor`. Raises TemplateLimit (`work`, `time`)."""
        if self.work < 0:
            raise TemplateLimit("work", "the template does too much work: loop over fewer elements, or split the step")
        now = time.thread_time()
        self._ends = self._ends or now + TIME
        if now > self._ends:
            raise TemplateLimit("time", f"the template takes longer than {TIME * 1000:.0f} ms: split the step")
        self.floor = max(self.work - STRIDE, 0)


def charge(units: int) -> None:
    """Take `units` of work from the active budget. Raises TemplateLimit (`work`, `time`)."""
    budget = ACTIVE.budget
    if budget is not None:
        budget.work -= units
        if budget.work < budget.floor:
            budget.look()


def watch() -> None:
    """Look at the clock now, for work that its units don't foresee. Raises TemplateLimit (`time`)."""
    if ACTIVE.budget is not None:
        ACTIVE.budget.look()


def text_units(text: str) -> int:
    """Work that making `text` costs; characters past ASCII take up to four times the memory."""
    return len(text) >> 5 if text.isascii() else len(text) >> 3


def digits_units(number: int) -> int:
    """Work that writing a whole number takes: quadratic in its digits, 200 microseconds for 4,300."""
    bits = number.bit_length()
    return (bits >> 8) + (bits * bits >> 18)


def charge_text(text: str) -> None:
    """Charge a new text. Raises TemplateLimit (`text size`, `work`)."""
    if len(text) > MAX_TEXT:
        raise text_too_long()
    charge(1 + text_units(text))


def expect_text(length: int) -> None:
    """Refuse and charge a text of `length` characters before it is made."""
    if length > MAX_TEXT:
        raise text_too_long()
    charge(1 + (length >> 5))


def text_too_long() -> TemplateLimit:
    return TemplateLimit("text size", f"a text would be longer than {MAX_TEXT} characters")


def charge_value(value: Any) -> None:
    """Charge the whole tree of a new value."""
    budget = ACTIVE.budget
    if budget is not None:
        charge(weigh(value, limit=budget.work))


def weigh(value: Any, *, limit: int) -> int:
    """Work units of a value's tree, shared branches counted each time; stops soon after `limit`."""
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
            total += 4 if kind is float else 1
    return total


def emit(size: int) -> None:
    """Count `size` bytes of result. Raises TemplateLimit (`output size`)."""
    budget = ACTIVE.budget
    if budget is not None:
        budget.output -= size
        if budget.output < 0:
            raise TemplateLimit("output size", "the step's values would be larger than 1 MiB together")


def emit_value(value: Any) -> None:
    """Count a JSON value as result, at about the bytes of its JSON text."""
    if isinstance(value, str):
        emit(text_bytes(value))
    elif isinstance(value, (dict, list, tuple, range)):
        _emit_tree(value)


def text_bytes(text: str) -> int:
    if text.isascii():
        return len(text)
    charge(len(text) >> 7)
    return len(text.encode("utf-8", "surrogatepass"))


def _emit_tree(value: Any) -> None:
    """Counts elements as work too: reading a long list again and again puts nothing out."""
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
        else:
            size += 8 * len(item) if kind is range else 5
        if size > _AT_ONCE:
            emit(size)
            size = 0
    emit(size)


def moment() -> datetime:
    """The present time in UTC, the same for all templates of a step."""
    budget = ACTIVE.budget
    if budget is None:
        return datetime.now(UTC)
    if budget.moment is None:
        budget.moment = datetime.now(UTC)
    return budget.moment


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
    """Work of searching a text; CPython's search is quadratic for short texts, linear for long ones."""
    if length < 2500 or (needle < 100 and length < 30_000):
        return (length >> 5) + (length * min(needle, max(length - needle, 0)) >> 8)
    return (length >> 5) + (needle >> 5)
