"""Keeps the bytes of files in chunks: in the database, or in the object store of RELAY_FILES_URL.

Only this module knows where the bytes are. A writer holds one chunk in memory, and so does a reader. A file in the
object store has its row before its first object, and until its last object is removed, so that no object is forgotten:
`remove` marks the row, and `removed_files` removes the objects.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from relay import ids
from relay.bodies.file_names import safe_name, safe_type
from relay.engine.database import statements
from relay.engine.database.write_lock import hold_write_lock, write_transaction
from relay.engine.files import object_store
from relay.errors import FileGone, FileTooLarge
from relay.models import FileArea

CHUNK_BYTES = 256 * 1024
# Microseconds after which a file whose event was never stored is removed.
ORPHAN_MICROS = 3_600_000_000


class FileRow(NamedTuple):
    """A stored file without its bytes. `area`: of the object store; empty if the bytes are in the database."""

    id: int
    name: str
    type: str
    size: int
    run_id: int | None
    event_id: int | None
    area: str


_COLUMNS = ", ".join(FileRow._fields)


class _OwnedFile(NamedTuple):
    """A file, and the ids of its event and run if they are still there."""

    id: int
    event_id: int | None
    run_id: int | None


class FileWriter:
    """Stores one file. Use it in one thread; end it with `finish` or `abandon`."""

    def __init__(self, workspace_id: int, name: str, media_type: str, *, most: int, run_id: int | None = None) -> None:
        self.id = ids.new()
        self.name, self.type, self.size = safe_name(name), safe_type(media_type), 0
        self._workspace_id, self._run_id, self._most = workspace_id, run_id, most
        self._area = FileArea.current() if object_store.is_used() else ""
        self._chunk_bytes = object_store.OBJECT_BYTES if self._area else CHUNK_BYTES
        self._buffer = bytearray()
        self._chunks = 0
        self._is_begun = False

    def write(self, piece: bytes) -> None:
        """Add bytes. Raises FileTooLarge past `most`; django.db.Error or FileStoreDown if they can't be stored."""
        self.size += len(piece)
        if self.size > self._most:
            raise FileTooLarge(f"The file is larger than {self._most:,} bytes")
        self._buffer += piece
        while len(self._buffer) >= self._chunk_bytes:
            self._store(bytes(self._buffer[: self._chunk_bytes]))
            del self._buffer[: self._chunk_bytes]

    def finish(self) -> FileRow:
        """Store the rest. When this returns, the file is stored as durably as this connection commits."""
        self._store(bytes(self._buffer), is_last=True)
        self._buffer.clear()
        return FileRow(self.id, self.name, self.type, self.size, self._run_id, None, self._area)

    def abandon(self) -> None:
        """Remove what was stored so far."""
        self._buffer.clear()
        if self._is_begun:
            remove([self.id])

    def _store(self, data: bytes, *, is_last: bool = False) -> None:
        if self._area:
            self._store_object(data, is_last=is_last)
        else:
            self._store_chunk(data, is_last=is_last)
        self._chunks += 1

    def _store_chunk(self, data: bytes, *, is_last: bool) -> None:
        with write_transaction():
            if not self._is_begun:
                self._insert()
            if data:
                statements.insert("relay_filechunk", ("file_id", "number", "data"), [(self.id, self._chunks, data)])
            if is_last and self._is_begun:
                self._update_size()
        self._is_begun = True

    def _store_object(self, data: bytes, *, is_last: bool) -> None:
        if not self._is_begun:
            with write_transaction():
                self._insert()
            self._is_begun = True
        if data:
            object_store.put(self._area, self.id, self._chunks, data)
        if is_last and self._chunks:
            with write_transaction():
                self._update_size()

    def _insert(self) -> None:
        statements.insert(
            "relay_storedfile",
            ("id", "workspace_id", "run_id", "name", "type", "size", "area"),
            [(self.id, self._workspace_id, self._run_id, self.name, self.type, self.size, self._area)],
        )

    def _update_size(self) -> None:
        statements.execute("UPDATE relay_storedfile SET size = %s WHERE id = %s", (self.size, self.id))


def read(file_id: int, size: int, area: str) -> Iterator[bytes]:
    """Yield the bytes of a file, a piece at a time. Raises FileGone if some are missing, FileStoreDown."""
    return object_store.read(area, file_id, size) if area else _read_chunks(file_id, size)


def _read_chunks(file_id: int, size: int) -> Iterator[bytes]:
    number, left = 0, size
    while left > 0:
        chunk = statements.fetch_value(
            "SELECT data FROM relay_filechunk WHERE file_id = %s AND number = %s", (file_id, number)
        )
        if chunk is None:
            raise FileGone("The file is not kept any more")
        data = bytes(chunk)
        left -= len(data)
        number += 1
        yield data


def find(file_ids: Sequence[int], workspace_id: int) -> dict[int, FileRow]:
    """The files of a workspace among these ids, by id."""
    if not file_ids:
        return {}
    rows = statements.fetch_records(
        FileRow,
        f"SELECT {_COLUMNS} FROM relay_storedfile"
        f" WHERE workspace_id = %s AND removed_at IS NULL AND id IN ({statements.marks(len(file_ids))})",
        (workspace_id, *file_ids),
    )
    return {row.id: row for row in rows}


def of_run(run_id: int) -> list[FileRow]:
    """The files that a run's actions fetched, the first first."""
    return statements.fetch_records(
        FileRow, f"SELECT {_COLUMNS} FROM relay_storedfile WHERE run_id = %s ORDER BY id LIMIT 500", (run_id,)
    )


def remove(file_ids: Sequence[int]) -> int:
    """Remove files with their bytes, a few chunks in a transaction; return the number of rows removed.

    Of a file in the object store, nobody sees anything any more; upkeep removes its objects.
    """
    removed = 0
    for file_id in file_ids:
        removed += _mark_removed("id = %s AND removed_at IS NULL", (file_id,)) or _remove(file_id)
    return removed


def _mark_removed(condition: str, values: Sequence[int]) -> int:
    with hold_write_lock():
        return statements.execute(
            "UPDATE relay_storedfile SET event_id = NULL, run_id = NULL, removed_at = %s"
            f" WHERE area <> '' AND {condition}",
            (statements.now(), *values),
        )


def _remove(file_id: int) -> int:
    removed = 0
    while True:
        with hold_write_lock():
            count = statements.execute(
                "DELETE FROM relay_filechunk WHERE id IN"
                " (SELECT id FROM relay_filechunk WHERE file_id = %s ORDER BY number LIMIT 8)",
                (file_id,),
            )
        removed += count
        if count < 8:
            break
    with hold_write_lock():
        return removed + statements.execute("DELETE FROM relay_storedfile WHERE id = %s AND area = ''", (file_id,))


def remove_of_flow(flow_id: int) -> None:
    """Remove all files of a flow's events and runs, in the transaction that removes the flow."""
    of_flow = (
        "SELECT id FROM relay_storedfile WHERE event_id IN (SELECT id FROM relay_event WHERE flow_id = %s)"
        " OR run_id IN (SELECT id FROM relay_run WHERE flow_id = %s)"
    )
    _mark_removed(f"id IN ({of_flow})", (flow_id, flow_id))
    statements.execute(f"DELETE FROM relay_filechunk WHERE file_id IN ({of_flow})", (flow_id, flow_id))
    statements.execute(f"DELETE FROM relay_storedfile WHERE id IN ({of_flow})", (flow_id, flow_id))


def expired(after: int, limit: int, now: int) -> tuple[int, list[int]]:
    """Examine `limit` files after an id: the last id examined (0: no more), and those whose event or run is gone."""
    files = statements.fetch_records(
        _OwnedFile,
        "SELECT f.id, e.id, r.id FROM"
        " (SELECT id, event_id, run_id FROM relay_storedfile"
        " WHERE id > %s AND id < %s AND removed_at IS NULL ORDER BY id LIMIT %s) f"
        " LEFT JOIN relay_event e ON e.id = f.event_id LEFT JOIN relay_run r ON r.id = f.run_id ORDER BY f.id",
        (after, ids.first_at(now - ORPHAN_MICROS), limit),
    )
    gone = [file.id for file in files if file.event_id is None and file.run_id is None]
    return (files[-1].id if files else 0), gone


def of_owners(events: Sequence[int], runs: Sequence[int]) -> list[int]:
    """The ids of the files of events and runs."""
    found: list[int] = []
    for column, owners in (("event_id", events), ("run_id", runs)):
        if owners:
            found += statements.fetch_values(
                f"SELECT id FROM relay_storedfile WHERE {column} IN ({statements.marks(len(owners))})", owners
            )
    return found
