"""Represents an event whose body can't be parsed: only templates that read the body fail, and the error says why."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, ValuesView
from typing import Any, NoReturn

from relay.errors import PayloadError
from relay.templating import Missing


class EventWithoutBody(dict[str, Any]):
    """`event` without `body`. Reading `body`, or all values at once, raises PayloadError with the reason.

    The value of `body` is a Missing, so that code that bypasses these methods fails, too.
    """

    __slots__ = ("_reason",)

    def __init__(self, values: dict[str, Any], reason: str) -> None:
        super().__init__(values, body=Missing(base="event.body", why=reason))
        self._reason = reason

    def __getitem__(self, key: str) -> Any:
        return self._fail() if key == "body" else super().__getitem__(key)

    def get(self, key: str, default: Any = None) -> Any:
        return self._fail() if key == "body" else super().get(key, default)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        self._fail()

    def values(self) -> ValuesView[Any]:  # type: ignore[override]
        self._fail()

    def __iter__(self) -> Iterator[str]:
        # If it is overridden, `dict(event)` and `{**event}` use these methods instead of copying the values directly.
        return super().__iter__()

    def _fail(self) -> NoReturn:
        raise PayloadError(f"event.body can't be read ({self._reason}). event.raw has its text")
