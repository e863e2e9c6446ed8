"""Two column kinds of the hot tables: moments as integers and JSON as plain text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import models

if TYPE_CHECKING:
    # django-stubs knows no field whose Python value is a type of our own; Any is what it is then.
    _BigInteger = models.Field[Any, Any]
    _Text = models.Field[Any, Any]
else:
    _BigInteger = models.BigIntegerField
    _Text = models.TextField

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (moment - _EPOCH) // _MICROSECOND


def moment(micros: int) -> datetime:
    """The aware datetime (UTC) of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=micros)


class MomentField(_BigInteger):
    """An aware datetime kept as microseconds since 1970, so that plain SQL compares and writes integers."""

    def from_db_value(self, value: int | None, *_: object) -> datetime | None:
        return None if value is None else moment(value)

    def to_python(self, value: Any) -> Any:
        return moment(value) if isinstance(value, int) else value

    def get_prep_value(self, value: Any) -> Any:
        return micros(value) if isinstance(value, datetime) else value


class JsonText(_Text):
    """JSON kept as text: written once on the hot path, decoded only where a row is shown."""

    def from_db_value(self, value: str | None, *_: object) -> Any:
        return None if value is None else msgspec.json.decode(value)

    def get_prep_value(self, value: Any) -> Any:
        return None if value is None else msgspec.json.encode(value).decode()
