"""Keeps the bytes of files in the S3-compatible store of RELAY_FILES_URL, as objects of up to OBJECT_BYTES each.

The key of an object is PREFIX/AREA/FILE/NUMBER. An area belongs to one database, so that nothing of another
installation in the same bucket is ever removed. Only this module uses obstore, which is loaded when it is needed.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import structlog
from django.conf import settings

from relay import ids
from relay.errors import FileGone, FileStoreDown

if TYPE_CHECKING:
    from obstore.store import S3Store

    from relay.files_url import ObjectStore

log = structlog.get_logger()

T = TypeVar("T")

# Bytes of one object: a writer holds one in memory. A reader holds a piece of it.
OBJECT_BYTES, PIECE_BYTES = 4 * 1024 * 1024, 256 * 1024
# Seconds in which the store has to accept a connection, and to complete a request.
CONNECT_SECONDS, REQUEST_SECONDS = 5, 20
LIST_ROWS = 500


def is_used() -> bool:
    """Whether new files go to the object store."""
    return settings.FILES_STORE is not None


def put(area: str, file_id: int, number: int, data: bytes) -> None:
    """Store one object. When this returns, the store has acknowledged it. Raises FileStoreDown."""
    import obstore

    _try(lambda store: obstore.put(store, _path(area, file_id, number), data, use_multipart=False))


def read(area: str, file_id: int, size: int) -> Iterator[bytes]:
    """Yield the bytes of a file, a piece at a time. Raises FileGone if an object is missing, FileStoreDown."""
    number, left = 0, size
    while left > 0:
        for piece in _object(_path(area, file_id, number)):
            left -= len(piece)
            yield piece
        number += 1


def _object(path: str) -> Iterator[bytes]:
    import obstore

    stream = iter(_try(lambda store: obstore.get(store, path).stream(min_chunk_size=PIECE_BYTES)))
    is_empty = True
    while (piece := _try(lambda _: next(stream, None))) is not None:
        is_empty = False
        yield bytes(piece)
    if is_empty:
        raise FileGone("The file is not kept any more")


def remove(area: str, file_id: int) -> None:
    """Remove all objects of a file, also those of an upload that broke off. Raises FileStoreDown."""
    import obstore

    folder = f"{_prefix()}{area}/{ids.text(file_id)}"
    for batch in _batches(folder):
        _try(lambda store, paths=batch: obstore.delete(store, paths))  # type: ignore[misc]


def files(area: str) -> Iterator[list[int]]:
    """Yield the ids of the files of an area that have objects, a few hundred at a time. Raises FileStoreDown."""
    last = 0
    for batch in _batches(f"{_prefix()}{area}"):
        found = {ids.number(path.rsplit("/", 2)[-2]) or 0 for path in batch} - {0, last}
        if found:
            last = max(found)
            yield sorted(found)


def _batches(folder: str) -> Iterator[list[str]]:
    """Yield the paths of the objects below a folder."""
    import obstore

    stream = iter(_try(lambda store: obstore.list(store, prefix=folder, chunk_size=LIST_ROWS)))
    while batch := _try(lambda _: next(stream, None)):
        yield [item["path"] for item in batch]


def check() -> None:
    """Write and remove an object. Raises FileStoreDown with the reason."""
    import obstore

    path = f"{_prefix()}relay-check"
    _try(lambda store: obstore.put(store, path, b"", use_multipart=False))
    _try(lambda store: obstore.delete(store, path))


def _path(area: str, file_id: int, number: int) -> str:
    return f"{_prefix()}{area}/{ids.text(file_id)}/{number:06}"


def _prefix() -> str:
    return _configured().prefix


def _configured() -> ObjectStore:
    configured: ObjectStore | None = settings.FILES_STORE
    if configured is None:
        # The setting was removed, and files are still there.
        raise FileStoreDown("Files are in an object store, and RELAY_FILES_URL is not set")
    return configured


def _try(use: Callable[[S3Store], T]) -> T:
    from obstore.exceptions import BaseError

    try:
        return use(_client(_configured(), settings.CA_FILE, os.getpid()))
    except FileNotFoundError as error:
        # Also for a bucket that doesn't exist, which is a fault of the setting.
        if "NoSuchKey" not in str(error):
            raise _down(error) from None
        raise FileGone("The file is not kept any more") from None
    except (BaseError, OSError, ValueError) as error:
        raise _down(error) from None


def _down(error: Exception) -> FileStoreDown:
    store, reason = _configured(), " ".join(str(error).split())
    # The reason has what the store answered, which may repeat what it got.
    for hidden in (store.secret, store.key):
        reason = reason.replace(hidden, "***")
    log.warning("files.store_down", reason=reason[:300], store=store.label)
    return FileStoreDown("The object store of files can't be used now")


@functools.lru_cache(maxsize=1)
def _client(configured: ObjectStore, ca_file: str, _process: int) -> S3Store:
    """The client of this process: it has threads, which a forked process doesn't have."""
    from obstore.store import S3Store

    endpoint = configured.endpoint
    if not configured.path_style:
        scheme, _, host = endpoint.partition("://")
        endpoint = f"{scheme}://{configured.bucket}.{host}"
    options = {
        "allow_http": endpoint.startswith("http://"),
        "connect_timeout": f"{CONNECT_SECONDS}s",
        "timeout": f"{REQUEST_SECONDS}s",
    }
    if ca_file:
        options["root_certificate"] = Path(ca_file).read_bytes()
    return S3Store(
        configured.bucket,
        # Named both ways, so that no AWS_ variable of the environment takes its place.
        endpoint=endpoint,
        aws_endpoint_url_s3=endpoint,
        access_key_id=configured.key,
        secret_access_key=configured.secret,
        region=configured.region,
        virtual_hosted_style_request=not configured.path_style,
        disable_bulk_delete=True,  # which not every store has
        client_options=options,  # type: ignore[arg-type]
        retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=REQUEST_SECONDS)},
    )
