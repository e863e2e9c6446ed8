"""Reads posted fields as text that every database can store."""

from __future__ import annotations

from django.http import QueryDict

FIELD_LENGTH = 100_000


def text(data: QueryDict, name: str, *, limit: int = FIELD_LENGTH) -> str:
    """Return one field: no NUL (PostgreSQL refuses it), no lone surrogates, line ends as `\\n`, cut at `limit`."""
    return clean(data.get(name) or "")[:limit]


def texts(data: QueryDict, name: str) -> list[str]:
    return [clean(value)[:FIELD_LENGTH] for value in data.getlist(name)]


def clean(value: str) -> str:
    value = value.replace("\x00", "").replace("\r\n", "\n")
    return value.encode("utf-8", "replace").decode()
