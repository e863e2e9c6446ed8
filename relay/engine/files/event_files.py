"""The files of an event, as templates see them: stored beside the event, or inside its body.

A file's record is `{"id", "name", "type", "size", "link", "field"}`. The id of an event's file is the event's reference
and its number from 1, such as `0rsq5x8wd3k7c-1`; `field` is the form field, or the path in JSON, that it came in.
Files that are stored beside the event are in its column `files`: a list of `StoredMeta` as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from relay import ids
from relay.bodies import body_files
from relay.engine.files.links import link

_file_id = re.compile(r"([0-9a-hjkmnp-tv-z]{13})-([1-9][0-9]{0,3})").fullmatch


class StoredMeta(msgspec.Struct, frozen=True):
    """A file that is stored beside its event. `id`: of its row."""

    id: int
    name: str
    type: str
    size: int
    field: str = ""


def record(file_id: str, name: str, media_type: str, size: int, field: str = "") -> dict[str, Any]:
    """A file as templates see it."""
    return {"id": file_id, "name": name, "type": media_type, "size": size, "link": link(file_id), "field": field}


def id_of(event_id: int, number: int) -> str:
    """The id of an event's file; `number` counts from 1."""
    return f"{ids.text(event_id)}-{number}"


def parse_id(file_id: str) -> tuple[int, int] | None:
    """The event's id and the number of an event's file; None for another id."""
    match = _file_id(file_id)
    event_id = ids.number(match[1]) if match else None
    return None if match is None or event_id is None else (event_id, int(match[2]))


def stored(files: str | None) -> Sequence[StoredMeta]:
    """The files beside an event, from its column."""
    return msgspec.json.decode(files, type=list[StoredMeta]) if files else ()


def records(event_id: int, content_type: str, body: bytes, files: str | None, parsed: Any) -> list[dict[str, Any]]:
    """The records of an event's files. `parsed`: the body as JSON value, if it is JSON."""
    if files:
        return [
            record(id_of(event_id, number), one.name, one.type, one.size, one.field)
            for number, one in enumerate(stored(files), 1)
        ]
    if not body_files.may_be_in(content_type, body):
        return []
    return [
        record(id_of(event_id, number), one.name, one.type, one.size, one.field)
        for number, one in enumerate(body_files.find(content_type, body, parsed), 1)
    ]


def enter_sizes(body: Any, files: str) -> None:
    """Enter the sizes of files beside an event into its parsed form, where they are empty."""
    if not isinstance(body, dict):
        return
    seen: dict[str, int] = {}
    for one in stored(files):
        entries = _entries(body.get(one.field))
        number = seen[one.field] = seen.get(one.field, -1) + 1
        if number < len(entries):
            entries[number]["size"] = one.size


def _entries(value: Any) -> list[dict[str, Any]]:
    """The files of one field of a parsed form."""
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, dict) and "filename" in one]


def column(value: Any) -> str | None:
    """The text of an event's column, from the value that the model gives."""
    return None if value is None else msgspec.json.encode(value).decode()


class Beside(msgspec.Struct, frozen=True):
    """Files that are stored, and become those of an event: its column, and the ids of their rows."""

    column: str
    ids: tuple[int, ...]


def beside(files: Sequence[StoredMeta]) -> Beside | None:
    """These files as those of an event that is about to be stored; None for none."""
    return Beside(msgspec.json.encode(files).decode(), tuple(one.id for one in files)) if files else None
