"""Field types of the busiest tables: moments as integers, and JSON as plain text."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import models

if TYPE_CHECKING:
    # django-stubs can't express fields with other Python types: they are typed as Any.
    _BigInteger = models.Field[Any, Any]
    _Text = models.Field[Any, Any]
else:
    _BigInteger = models.BigIntegerField
    _Text = models.TextField

from relay.bodies import numerals
from relay.timestamps import micros, moment


class MomentField(_BigInteger):
    """Stores an aware datetime as microseconds since 1970, so that plain SQL compares and writes integers."""

    def from_db_value(self, value: int | None, *_: object) -> datetime | None:
        return None if value is None else moment(value)

    def to_python(self, value: Any) -> Any:
        return moment(value) if isinstance(value, int) else value

    def get_prep_value(self, value: Any) -> Any:
        return micros(value) if isinstance(value, datetime) else value


class JsonText(_Text):
    """Stores JSON as text: written once on the hot path, decoded only when a row is shown."""

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else msgspec.json.decode(value)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else numerals.encode(value).decode()


class SentJson(JsonText):
    """Stores JSON from senders and services as text; its numbers keep their digits."""

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else numerals.decode(value)

    def deconstruct(self) -> Any:
        """Deconstruct as JsonText: the column is the same, so migrations need no change."""
        name, _, args, kwargs = super().deconstruct()
        return name, f"{JsonText.__module__}.{JsonText.__qualname__}", args, kwargs


__all__ = ["JsonText", "MomentField", "SentJson", "micros", "moment"]
