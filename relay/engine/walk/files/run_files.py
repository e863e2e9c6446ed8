"""Gives a walk the bytes of its run's files: of its event, and those that its earlier steps fetched.

A template may name any record, also one that a sender has made up. So only the files of the run itself are opened: a
record's id is looked up among them, and its size is that of the stored file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.db import Error, connection

from relay import ids
from relay.bodies import body_files
from relay.engine.files import event_files, file_store
from relay.engine.files.file_store import FileRow
from relay.engine.walk.work_item import Outcome, WorkItem
from relay.errors import FileGone, FileStoreDown, RelayError, SenderBusy, ValueRefused
from relay.outbound import FilePart

# After how many seconds a run is due again when Relay itself could not send, or could not read a file.
SENDER_BUSY_SECONDS = 1.0


def part(record: Mapping[str, Any], work_item: WorkItem, outcome: Outcome) -> FilePart:
    """The bytes of a file, to be sent. Raises ValueRefused for a file that isn't the run's, FileGone."""
    file_id = str(record["id"])
    found = event_files.parse_id(file_id)
    if found is not None and found[0] == work_item.event.id:
        return _of_event(work_item, found[1])
    number = ids.number(file_id)
    if number is None or number not in _fetched(outcome):
        raise ValueRefused("A file in it is not one of this run: use event.files, or the files of an earlier step")
    return _stored(number, work_item.workspace_id)


def _of_event(work_item: WorkItem, number: int) -> FilePart:
    event = work_item.event
    if event.files:
        stored = event_files.stored(event.files)
        if number > len(stored):
            raise ValueRefused("The event has no such file")
        return _stored(stored[number - 1].id, work_item.workspace_id)
    for index, one in enumerate(body_files.find(event.content_type, event.body), 1):
        if index == number:
            return FilePart(one.size, _once(one.read))
    raise FileGone("A file is not kept any more: the body of its event was removed")


def _fetched(outcome: Outcome) -> set[int]:
    """The ids of the files that the run's steps fetched, which only the engine enters into the trail."""
    return {number for entry in outcome.trail for number in entry.files or ()}


def _stored(file_id: int, workspace_id: int) -> FilePart:
    with connected():
        row = file_store.find([file_id], workspace_id).get(file_id)
    if row is None:
        raise FileGone("A file is not kept any more: the retention of its event or run is over")
    return FilePart(row.size, lambda: _read(row))


def _once(read: Callable[[], bytes]) -> Callable[[], Iterator[bytes]]:
    return lambda: iter((read(),))


def _read(row: FileRow) -> Iterator[bytes]:
    with connected():
        yield from file_store.read(row.id, row.size, row.area)


class connected:  # noqa: N801 - used like a function
    """The use of the database by a walker's thread: it has no connection afterwards.

    A database or a store that doesn't answer is no failure of the run, which is tried again as if nothing had been
    sent.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if not connection.in_atomic_block:
            connection.close()
        if isinstance(error, (Error, FileStoreDown)):
            raise SenderBusy("The bytes of a file can't be read now") from None
        if isinstance(error, FileGone):
            raise RelayError(str(error)) from None
