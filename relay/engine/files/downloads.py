"""Lists the files of runs for pages and the API, and gives their bytes to people of their workspace."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from typing import Any, NamedTuple

from asgiref.sync import sync_to_async
from django.utils.http import content_disposition_header

from relay import ids
from relay.bodies import body_files
from relay.engine.files import event_files, file_store
from relay.models import Event, StoredFile

MAX_LISTED = 200


class Download(NamedTuple):
    """A file that is downloaded. `pieces` yields its bytes, and raises FileGone if they are removed meanwhile."""

    name: str
    size: int
    pieces: Callable[[], Iterator[bytes]]

    @property
    def headers(self) -> dict[str, str]:
        """Headers with which no browser opens or runs the file, whatever it is."""
        return {
            "Content-Type": "application/octet-stream",
            "Content-Disposition": content_disposition_header(True, self.name) or "attachment",
            "Content-Length": str(self.size),
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cache-Control": "private, no-store",
        }


def find(file_id: str, workspace_ids: Collection[int]) -> Download | None:
    """A file of one of these workspaces; None if there is none, or it is not kept any more."""
    of_event = event_files.parse_id(file_id)
    if of_event is not None:
        return _of_event(*of_event, workspace_ids)
    number = ids.number(file_id) or 0
    row = StoredFile.objects.filter(pk=number, run_id__isnull=False, workspace_id__in=workspace_ids).first()
    return None if row is None else _stored(row)


def _of_event(event_id: int, number: int, workspace_ids: Collection[int]) -> Download | None:
    event = Event.objects.filter(pk=event_id, workspace_id__in=workspace_ids).defer("body").first()
    if event is None:
        return None
    if event.files:
        metas = event_files.stored(event_files.column(event.files))
        file_id = metas[number - 1].id if number <= len(metas) else 0
        row = StoredFile.objects.filter(pk=file_id, event_id=event_id).first()
        return None if row is None else _stored(row)
    if not body_files.may_be_in(event.content_type, b"filename"):
        return None
    found = body_files.find(event.content_type, bytes(event.body))
    one = next(itertools.islice(found, number - 1, None), None)
    return None if one is None else _inside(one)


def _inside(one: body_files.InBody) -> Download:
    content = one.read()
    return Download(one.name, len(content), lambda: iter((content,)))


def _stored(row: StoredFile) -> Download:
    return Download(row.name, row.size, lambda: file_store.read(row.pk, row.size, row.area))


def opened(found: Download) -> Iterator[bytes]:
    """The pieces of a download, of which the first is read: FileStoreDown and FileGone before anything is sent."""
    pieces = found.pieces()
    first = next(pieces, b"")
    return itertools.chain((first,), pieces)


async def sent(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces of a download for a streamed response: each is read when the one before it is sent."""
    while True:
        piece: bytes | None = await sync_to_async(lambda: next(pieces, None))()
        if piece is None:
            return
        yield piece


def of_event(event: Event) -> list[dict[str, Any]]:
    """The records of an event's files. Reads the body only of an event that may have files in it."""
    if event.files:
        return event_files.records(event.pk, event.content_type, b"", event_files.column(event.files), None)
    if not body_files.may_be_in(event.content_type, b"filename"):
        return []
    return event_files.records(event.pk, event.content_type, bytes(event.body), None, None)


def of_sample(content_type: str, body: bytes) -> list[dict[str, Any]]:
    """The names, types and sizes of the files in the body of a sample, which has no links."""
    if not body_files.may_be_in(content_type, body):
        return []
    found = itertools.islice(body_files.find(content_type, body), MAX_LISTED)
    return [{"name": one.name, "type": one.type, "size": one.size, "field": one.field} for one in found]


def of_run(run_id: int) -> list[dict[str, Any]]:
    """The records of the files that a run's actions fetched."""
    return [event_files.record(ids.text(row.id), row.name, row.type, row.size) for row in file_store.of_run(run_id)]
