"""Keeps the body of an answer as a file of the run, if it is neither text nor data: a PDF, an image, an archive."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import structlog
from django.conf import settings
from django.db import Error

from relay import ids
from relay.bodies import json_files, multipart_forms
from relay.bodies.file_names import OCTETS, safe_type
from relay.engine.files import event_files
from relay.engine.files.file_store import FileWriter
from relay.engine.walk.files.run_files import connected
from relay.errors import AnswerNotStored, FileTooLarge, SenderBusy

log = structlog.get_logger()

_TEXTS = ("text/", "multipart/", "message/")
_DATA = ("json", "xml", "javascript", "yaml", "csv", "graphql", "x-www-form-urlencoded", "jwt", "ndjson", "sql")


def is_file(media_type: str) -> bool:
    """Whether a body of this type is kept as a file. Without a type, a body is text."""
    kind = media_type.partition(";")[0].strip().lower()
    if not kind or kind.startswith(_TEXTS):
        return False
    return kind.startswith("image/") or not kind.endswith(_DATA)


# The first bytes of the types that services put into JSON.
_STARTS = (
    (b"%PDF-", "application/pdf"),
    (b"\x89PNG", "image/png"),
    (b"GIF8", "image/gif"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"PK\x03\x04", "application/zip"),
)


@contextmanager
def _storing() -> Iterator[None]:
    """Store a part of an answer. Even if that fails, the run must record that the request was sent."""
    try:
        with connected():
            yield
    except SenderBusy:
        raise AnswerNotStored("The file of the answer can't be stored now") from None


class AnswerFile:
    """The file of one answer; end it with `finish` or `abandon`."""

    def __init__(self, writer: FileWriter) -> None:
        self._writer: FileWriter | None = writer
        self._is_too_large = False

    @classmethod
    def of(
        cls, status: int, headers: Mapping[str, str], workspace_id: int, run_id: int, step: str
    ) -> AnswerFile | None:
        """The file of an answer with these headers; None if its body is no file, or is no success."""
        kind, most = headers.get("content-type", ""), settings.MAX_FILE_BYTES
        if not 200 <= status < 300 or not most or not is_file(kind):
            return None
        name = multipart_forms.file_name(headers.get("content-disposition", ""))
        name = name or f"{step}{mimetypes.guess_extension(safe_type(kind)) or ''}"
        with _storing():
            return cls(FileWriter(workspace_id, name, kind, most=most, run_id=run_id))

    def take(self, piece: bytes) -> bool:
        """Store a piece of the body; return whether the file may be longer."""
        assert self._writer is not None
        try:
            with _storing():
                self._writer.write(piece)
        except FileTooLarge:
            self._is_too_large = True
            return False
        return True

    def finish(self) -> dict[str, Any] | None:
        """Store the file and return its record; None for one that is empty or too large."""
        writer = self._writer
        if writer is None:
            return None
        if self._is_too_large or not writer.size:
            self.abandon()
            return None
        with _storing():
            row = writer.finish()
        self._writer = None
        return event_files.record(ids.text(row.id), row.name, row.type, row.size)

    def abandon(self) -> None:
        """Remove what was stored of a file whose answer broke off."""
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            with connected():
                writer.abandon()
        except (Error, SenderBusy) as error:
            log.warning("walk.file_left", reason=str(error))


class AnswerFiles:
    """The files of one delivery: the body of its answer, and the base64 in its outputs. `records` are theirs."""

    def __init__(self, workspace_id: int, run_id: int, incoming: AnswerFile | None = None) -> None:
        self._workspace_id, self._run_id = workspace_id, run_id
        self._incoming = incoming
        self.records: list[dict[str, Any]] = []

    @property
    def ids(self) -> list[int]:
        return [number for record in self.records if (number := ids.number(record["id"])) is not None]

    def finish(self) -> None:
        """Store the file of an answer that is complete."""
        if self._incoming is not None and (record := self._incoming.finish()) is not None:
            self.records.append(record)

    def abandon(self) -> None:
        """Remove a file that is not finished."""
        if self._incoming is not None:
            self._incoming.abandon()

    def with_file(self, outputs: dict[str, Any], key: str) -> dict[str, Any]:
        """The outputs with the record of a file in place of its base64."""
        record = of_base64(outputs.get(key), self._workspace_id, self._run_id, key)
        if record is None:
            return outputs
        self.records.append(record)
        return {**outputs, key: record}


def of_base64(value: Any, workspace_id: int, run_id: int, name: str) -> dict[str, Any] | None:
    """Store a file that is base64 in an answer, and return its record; None if the value is no base64."""
    if not isinstance(value, str) or not value or not json_files.is_base64(value):
        return None
    data = json_files.decoded(value)
    kind = next((kind for start, kind in _STARTS if data.startswith(start)), OCTETS)
    name += mimetypes.guess_extension(kind) or ""
    with _storing():
        file = AnswerFile(FileWriter(workspace_id, name, kind, most=settings.MAX_FILE_BYTES, run_id=run_id))
    file.take(data)
    return file.finish()
