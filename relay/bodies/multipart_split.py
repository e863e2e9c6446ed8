"""Splits a large multipart form, piece by piece, into its files and a short form in which the files are empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import multipart  # type: ignore[import-untyped]

from relay.bodies.multipart_forms import MAX_HEADER_BYTES, MAX_HEADERS, named
from relay.errors import PayloadError


class FileSink(Protocol):
    """Where the content of one file goes."""

    def write(self, piece: bytes) -> None: ...
    def close(self) -> None: ...


class TooLarge(PayloadError):
    """The form without its files is longer than a body may be, or the files are larger than they may be."""


# Field, file name and media type, as the sender wrote them.
Opens = Callable[[str, str, str], FileSink]


def split(pieces: Iterable[bytes], boundary: str, *, opens: Opens, max_form: int, max_parts: int) -> bytes:
    """Pass the content of each file to a sink from `opens`, and return the form without it.

    The form has the headers of all parts and the content of the fields, so it reads as the whole form does, but every
    file in it is empty. Memory holds one piece and the form. Raises PayloadError if the form is invalid, TooLarge past
    `max_form` bytes.
    """
    if not boundary or len(boundary) > 200:
        raise PayloadError("The multipart body has no usable boundary in its content type")
    form = _Form(boundary, opens, max_form)
    try:
        parser = multipart.PushMultipartParser(
            boundary, max_header_size=MAX_HEADER_BYTES, max_header_count=MAX_HEADERS, max_segment_count=max_parts
        )
        with parser:
            for piece in pieces:
                if not piece or parser.closed:
                    continue
                for event in parser.parse(piece):
                    form.take(event)
    except multipart.MultipartError as error:
        raise PayloadError(f"The multipart body can't be read: {str(error)[:1].lower()}{str(error)[1:200]}") from None
    return form.end()


class _Form:
    """The form as it is kept, and the sink of the file that is being read."""

    def __init__(self, boundary: str, opens: Opens, max_form: int) -> None:
        self._delimiter = f"--{boundary}".encode()
        self._opens = opens
        self._left = max_form
        self._kept: list[bytes] = []
        self._sink: FileSink | None = None

    def take(self, event: Any) -> None:
        """Take one event of the parser: a part's head, some of its content, or its end (None)."""
        if isinstance(event, multipart.MultipartSegment):
            self._begin(event)
        elif event is None:
            self._finish()
        elif self._sink is not None:
            self._sink.write(bytes(event))
        else:
            self._keep(bytes(event))

    def _begin(self, segment: Any) -> None:
        head = b"".join(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape") for name, value in segment.headerlist)
        self._keep(self._delimiter + b"\r\n" + head + b"\r\n")
        field, filename = named(segment)
        if filename is not None:
            self._sink = self._opens(field, filename, segment.content_type or "")

    def _finish(self) -> None:
        if self._sink is not None:
            self._sink.close()
            self._sink = None
        self._keep(b"\r\n")

    def _keep(self, data: bytes) -> None:
        self._left -= len(data)
        if self._left < 0:
            raise TooLarge("the form without its files is too long")
        self._kept.append(data)

    def end(self) -> bytes:
        """Return the whole form."""
        return b"".join([*self._kept, self._delimiter, b"--\r\n"])
