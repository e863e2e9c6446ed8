"""Takes the files out of large bodies and stores them before their event, a few requests at a time."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

import structlog
from django.conf import settings
from django.db import Error, connection

from relay.bodies import body_types, json_split, multipart_split, payloads
from relay.engine.files import file_store
from relay.engine.files.event_files import StoredMeta
from relay.engine.files.file_store import FileWriter
from relay.engine.intake.trigger_cache import CachedTrigger
from relay.errors import FileStoreDown, FileTooLarge, PayloadError
from relay.ingest.body_reader import LargeBody
from relay.ingest.http_errors import RequestRejected
from relay.ingest.inbound_request import InboundRequest
from relay.ingest.spools import Spool, Spools
from relay.ingest.workspace_turns import WorkspaceTurns
from relay.models import Why

log = structlog.get_logger()

# Requests whose files are stored at the same time, of which a workspace has one; how many seconds others may wait.
CONCURRENCY, SHARE, WAIT_SECONDS = 2, 1, 60.0
# Bytes from whose beginning the type of a body is seen.
_START_BYTES = 4096


class FileIntake:
    """Stores the files of large bodies. Used from one event loop."""

    def __init__(self) -> None:
        self._spools = Spools()
        self._turns = WorkspaceTurns(CONCURRENCY, share=SHARE, wait=WAIT_SECONDS)
        # Threads with connections of their own, so that a commit of the others never waits for a file.
        self._threads: ThreadPoolExecutor | None = None

    def reading(self, request: InboundRequest, trigger: CachedTrigger, max_form: int) -> LargeBody | None:
        """How a body is read that is longer than `max_form`; None if it can't hold files."""
        files: int = settings.MAX_FILE_BYTES
        if not files or trigger.settings.max_bytes or "content-encoding" in request.headers:
            return None
        kind = request.content_type.lower()
        if kind.startswith("multipart/form-data"):
            return LargeBody(self._spools, trigger.workspace_id, files + max_form)
        if trigger.file_fields and body_types.is_json_type(kind):
            return LargeBody(self._spools, trigger.workspace_id, files * 4 // 3 + max_form)
        return None

    async def take(self, request: InboundRequest, trigger: CachedTrigger, max_form: int) -> bytes:
        """Store the files of a request, once, and return its body without them.

        Raises RequestRejected, Overloaded, or the django.db.Error or FileStoreDown for which they are not stored.
        """
        spool = request.spool
        assert spool is not None
        if request.form is not None:
            return request.form
        async with self._turns.turn(trigger.workspace_id, 0):
            request.storing = self._begin(_Extraction(spool, request, trigger, max_form))
            form, request.files = await asyncio.shield(request.storing)
        request.form = form
        return form

    def _begin(self, extraction: _Extraction) -> asyncio.Future[tuple[bytes, tuple[StoredMeta, ...]]]:
        if self._threads is None:
            self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="files")
        return asyncio.get_running_loop().run_in_executor(self._threads, extraction.run)

    def release(self, request: InboundRequest) -> None:
        """Close the spool of a request that is answered, and remove its files if they became no event's."""
        if request.storing is not None and not request.storing.done():
            # The sender has disconnected, and the thread needs the spool until it is done.
            request.storing.add_done_callback(lambda done: self._release_late(request, done))
            return
        if request.spool is not None:
            request.spool.close()
        if request.files and not request.is_stored and self._threads is not None:
            self._threads.submit(_remove, [one.id for one in request.files])

    def _release_late(
        self, request: InboundRequest, done: asyncio.Future[tuple[bytes, tuple[StoredMeta, ...]]]
    ) -> None:
        if not done.cancelled() and done.exception() is None:
            request.files = done.result()[1]
        self.release(request)

    def close(self) -> None:
        self._spools.close()
        if self._threads is not None:
            self._threads.shutdown()


class _Extraction:
    """The work for one body, in a thread."""

    def __init__(self, spool: Spool, request: InboundRequest, trigger: CachedTrigger, max_form: int) -> None:
        self._spool, self._header, self._trigger, self._max_form = spool, request.content_type, trigger, max_form
        self._left: int = settings.MAX_FILE_BYTES
        self._writers: list[_FieldWriter] = []
        self._done: list[StoredMeta] = []

    def run(self) -> tuple[bytes, tuple[StoredMeta, ...]]:
        try:
            return self._split(), tuple(self._done)
        except (FileTooLarge, PayloadError) as error:
            self._abandon()
            raise self._refusal(error) from None
        except (Error, FileStoreDown):
            connection.close()
            self._abandon()
            raise
        finally:
            # Threads of a pool end with their process, and then nobody would close it.
            connection.close()

    def _split(self) -> bytes:
        start = next(self._spool.pieces())[:_START_BYTES]
        kind, options = payloads.options_of(self._trigger.content_type(self._header, start))
        if kind == "multipart/form-data":
            boundary = options.get("boundary", "")
            return multipart_split.split(
                self._spool.pieces(),
                boundary,
                opens=self._open,
                max_form=self._max_form,
                max_parts=payloads.MAX_PARTS,
            )
        if not body_types.is_json_type(kind):
            raise PayloadError("it is neither a form nor JSON")
        with self._spool.mapped() as data:
            return json_split.split(data, self._trigger.file_fields, opens=self._open, max_form=self._max_form)

    def _open(self, field: str, name: str, kind: str) -> _FieldWriter:
        writer = _FieldWriter(self, field, FileWriter(self._trigger.workspace_id, name, kind, most=self._left))
        self._writers.append(writer)
        return writer

    def closed(self, field: str, writer: FileWriter) -> None:
        """Note a file that is stored."""
        self._left -= writer.size
        row = writer.finish()
        self._done.append(StoredMeta(row.id, row.name, row.type, row.size, field[:200]))

    def _refusal(self, error: Exception) -> RequestRejected:
        size, reason = self._spool.size, str(error)
        what = f"{reason[:1].lower()}{reason[1:]}".rstrip(".")
        return RequestRejected(
            413,
            Why.SIZE,
            f"The body has {size:,} bytes, and its files can't be taken out: {what}",
            message=f"The body may have {self._max_form} bytes beside its files: {what}",
            size=size,
        )

    def _abandon(self) -> None:
        try:
            for writer in self._writers:
                writer.writer.abandon()
        except Error as error:
            # Upkeep removes what is left.
            log.warning("ingest.files_left", reason=str(error))


class _Closing(Protocol):
    def closed(self, field: str, writer: FileWriter) -> None: ...


class _FieldWriter:
    """Writes the file of one field."""

    def __init__(self, extraction: _Closing, field: str, writer: FileWriter) -> None:
        self._extraction, self._field, self.writer = extraction, field, writer

    def write(self, piece: bytes) -> None:
        self.writer.write(piece)

    def close(self) -> None:
        self._extraction.closed(self._field, self.writer)


def _remove(file_ids: list[int]) -> None:
    try:
        file_store.remove(file_ids)
    except Error as error:
        log.warning("ingest.files_left", reason=str(error))
    finally:
        connection.close()
