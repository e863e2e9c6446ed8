"""Speaks HTTP/1.1 over one connection: sends bytes and reads one answer, within one deadline.

Every wait ends at the deadline, so a slow server can't prolong it. A client whose timeout restarts at each read, as in
http.client, would need a second thread to stop it.

Answers are read leniently, and connections are reused strictly: where two readers could disagree about where an answer
ends, the next bytes on that connection might not be the answer to the next request. Such a connection is closed.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from time import monotonic

import msgspec

from relay.errors import ConnectionLost, DeadlinePassed

MAX_HEAD = 64 * 1024
MAX_HEAD_LINES = 200
MAX_CHUNK_LINE = 1024
MAX_CHUNKS = 20_000
MAX_INFORMATIONAL = 10
_PIECE = 64 * 1024
_FIRST_FINAL = 200

_find_head_end = re.compile(rb"\r?\n\r?\n").search
_status_line = re.compile(rb"HTTP/1\.([01]) ([1-9][0-9]{2})(?: [^\r\n]*)?").fullmatch
_chunk_line = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n").fullmatch
_length = re.compile(r"[0-9]{1,18}").fullmatch
# A head without what only a lenient reader accepts: bare LF or CR, NUL, a folded line, a space before the colon.
_is_strict = re.compile(
    rb"HTTP/1\.1 [2-5][0-9]{2} [\t\x20-\x7e\x80-\xff]*\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*\r\n"
).fullmatch
_is_plain_chunk = re.compile(rb"[0-9A-Fa-f]{1,15}\r\n").fullmatch
_is_plain_length = re.compile("0|[1-9][0-9]*").fullmatch
_BODILESS = frozenset({204, 304})  # 205 has a body if its headers say so
_NOT_HTTP = "The response isn't valid HTTP."
_BLANK = " \t\r"
_CUT = "The connection broke before the whole answer had come."


Takes = Callable[[bytes], bool]
Receives = Callable[[int, Mapping[str, str]], Takes | None]


class WireResponse(msgspec.Struct, frozen=True):
    """An answer as read. `reusable`: the connection can carry another request. `fault`: see Answer."""

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    reusable: bool
    fault: str = ""


class Wire:
    """A connection, its deadline (monotonic seconds), and a buffer of bytes that are read but not used."""

    __slots__ = ("_buffer", "_deadline", "_sock", "received")

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._buffer = bytearray()
        self.received = False

    @property
    def is_empty(self) -> bool:
        return not self._buffer

    def send(self, data: bytes) -> bool:
        """Sends all of `data`. A server that stops reading is no error yet, because it may have answered: False."""
        view = memoryview(data)
        try:
            while view:
                self._allow_what_is_left()
                view = view[self._sock.send(view) :]
        except TimeoutError:
            raise self._passed() from None
        except (BrokenPipeError, ConnectionResetError):
            return False
        except OSError:
            raise ConnectionLost(_CUT) from None
        return True

    def head(self) -> bytes:
        """Reads the next head with its empty line."""
        start = 0
        while (end := _find_head_end(self._buffer, start)) is None:
            start = max(len(self._buffer) - 3, 0)
            _check_head_size(start)
            self._more()
        _check_head_size(end.start())
        return self._cut(end.end())

    def line(self) -> bytes:
        """Reads the next line with its end."""
        start = 0
        while (end := self._buffer.find(b"\n", start)) < 0:
            start = len(self._buffer)
            _check_line_size(start)
            self._more()
        _check_line_size(end)
        return self._cut(end + 1)

    def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        return self._cut(count)

    def some(self, most: int) -> bytes:
        """Reads between 1 and `most` bytes; none if the server has closed."""
        if not self._buffer:
            self._receive()
        return self._cut(most)

    def to_end(self, limit: int) -> bytes:
        """Reads until the server closes, at most `limit` bytes."""
        while len(self._buffer) < limit and self._receive():
            pass
        return self._cut(limit)

    def _cut(self, count: int) -> bytes:
        piece = bytes(self._buffer[:count])
        del self._buffer[:count]
        return piece

    def _more(self) -> None:
        if not self._receive():
            raise ConnectionLost(_CUT)

    def _receive(self) -> bool:
        try:
            self._allow_what_is_left()
            piece = self._sock.recv(_PIECE)
        except TimeoutError:
            raise self._passed() from None
        except OSError:
            raise ConnectionLost(_CUT) from None
        self._buffer += piece
        self.received = self.received or bool(piece)
        return bool(piece)

    def _allow_what_is_left(self) -> None:
        left = self._deadline - monotonic()
        if left <= 0:
            raise self._passed()
        self._sock.settimeout(left)

    def _passed(self) -> DeadlinePassed:
        seen = "the whole answer didn't come" if self.received else "no answer came"
        return DeadlinePassed(f"The request was sent, but {seen} in time.")


def read_reply(wire: Wire, method: str, keep: int, receive: Receives | None = None) -> WireResponse:
    """Reads the answer to a `method` request, with at most `keep` bytes of its body.

    `receive`: see Request; an answer is truncated if it didn't want all of the body.
    Raises DeadlinePassed, or ConnectionLost if the answer is incomplete or isn't HTTP.
    """
    for informational in range(MAX_INFORMATIONAL):  # noqa: B007 - counts them
        head = wire.head()
        _, status, headers = parse_head(head)
        if status >= _FIRST_FINAL:
            break
    else:
        raise ConnectionLost("The server only sent provisional answers.")
    takes = receive(status, headers) if receive is not None and "content-encoding" not in headers else None
    if takes is None:
        body, truncated, framed = _read_body(wire, method, status, headers, keep)
    else:
        body = b""
        truncated, framed = _pour_body(wire, method, status, headers, takes)
    reusable = framed and not truncated and wire.is_empty and not informational and _stays_open(head, headers)
    return WireResponse(status, headers, body, truncated, reusable)


def _check_head_size(size: int) -> None:
    if size > MAX_HEAD:
        raise ConnectionLost(f"The answer's headers are longer than {MAX_HEAD:,} bytes.")


def _check_line_size(size: int) -> None:
    if size > MAX_CHUNK_LINE:
        raise ConnectionLost(_NOT_HTTP)


def parse_head(head: bytes) -> tuple[int, int, dict[str, str]]:
    """Minor version, status and headers of a head; raises ConnectionLost."""
    lines = head.rstrip(b"\r\n").split(b"\n")
    first = _status_line(lines[0].rstrip(b"\r"))
    if first is None or first[2] == b"101":
        raise ConnectionLost(_NOT_HTTP)
    if len(lines) > MAX_HEAD_LINES:
        raise ConnectionLost(f"The answer has more than {MAX_HEAD_LINES} headers.")
    return int(first[1]), int(first[2]), _parse_headers(lines[1:])


def _parse_headers(lines: list[bytes]) -> dict[str, str]:
    headers: dict[str, str] = {}
    name = ""
    for line in lines:
        text = line.decode("latin-1")
        if text[:1] in (" ", "\t") and name:  # a folded line belongs to the one before
            headers[name] += f" {text.strip(_BLANK)}"
            continue
        before, colon, after = text.partition(":")
        name = before.strip(_BLANK).lower()
        if not colon or not name:
            raise ConnectionLost(_NOT_HTTP)
        value = after.strip(_BLANK)
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _read_body(wire: Wire, method: str, status: int, headers: dict[str, str], keep: int) -> tuple[bytes, bool, bool]:
    """The body, whether it was longer, and whether its end was unambiguous (RFC 9112, 6.3)."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if method == "HEAD" or status in _BODILESS:
        # A server that announces a body may send it nevertheless, where the next answer is expected.
        return b"", False, coding is None and length in (None, "0")
    if coding is not None:
        last = coding.lower().rpartition(",")[2].strip(_BLANK)
        if last == "chunked":
            return _read_chunks(wire, keep, framed=coding.lower() == "chunked" and length is None)
    elif length is not None:
        size = _content_length(length)
        return wire.exactly(min(size, keep)), size > keep, bool(_is_plain_length(length))
    body = wire.to_end(keep + 1)
    return body[:keep], len(body) > keep, False


def _pour_body(wire: Wire, method: str, status: int, headers: dict[str, str], takes: Takes) -> tuple[bool, bool]:
    """Passes a body on; returns whether it is incomplete, and whether its end was unambiguous, as `_read_body` does."""
    coding, length = headers.get("transfer-encoding"), headers.get("content-length")
    if method == "HEAD" or status in _BODILESS:
        return False, coding is None and length in (None, "0")
    if coding is not None and coding.lower().rpartition(",")[2].strip(_BLANK) == "chunked":
        return _pour_chunks(wire, takes, framed=coding.lower() == "chunked" and length is None)
    if coding is None and length is not None:
        return not _pour(wire, _content_length(length), takes), bool(_is_plain_length(length))
    while piece := wire.some(_PIECE):
        if not takes(piece):
            return True, False
    return False, False


def _pour(wire: Wire, size: int, takes: Takes) -> bool:
    """Passes on `size` bytes; returns False once no more are wanted. Raises ConnectionLost if there are fewer."""
    while size:
        piece = wire.some(min(size, _PIECE))
        if not piece:
            raise ConnectionLost(_CUT)
        size -= len(piece)
        if not takes(piece):
            return False
    return True


def _pour_chunks(wire: Wire, takes: Takes, *, framed: bool) -> tuple[bool, bool]:
    count = total = 0
    while size := _chunk_size(line := wire.line()):
        framed = framed and bool(_is_plain_chunk(line))
        count, total = count + 1, total + size
        # Of a file, each chunk has to be of some size: many small ones cost more than they bring.
        if not _pour(wire, size, takes) or count > MAX_CHUNKS + total // MAX_CHUNK_LINE:
            return True, False
        end = wire.line()
        if end.strip():
            raise ConnectionLost(_NOT_HTTP)
        framed = framed and end == b"\r\n"
    return False, _skip_trailers(wire) and framed and bool(_is_plain_chunk(line))


def _content_length(text: str) -> int:
    values = {value.strip() for value in text.split(",")}
    value = values.pop()
    if values or not _length(value):
        raise ConnectionLost(_NOT_HTTP)
    return int(value)


def _read_chunks(wire: Wire, keep: int, *, framed: bool) -> tuple[bytes, bool, bool]:
    body = bytearray()
    chunks = 0
    while size := _chunk_size(line := wire.line()):
        framed = framed and bool(_is_plain_chunk(line))
        body += wire.exactly(min(size, keep + 1 - len(body)))
        chunks += 1
        # An answer in chunks of one byte takes half a second of CPU, so one with too many chunks counts as too long.
        if len(body) > keep or chunks > MAX_CHUNKS:
            return bytes(body[:keep]), True, framed
        end = wire.line()
        if end.strip():
            raise ConnectionLost(_NOT_HTTP)
        framed = framed and end == b"\r\n"
    return bytes(body), False, _skip_trailers(wire) and framed and bool(_is_plain_chunk(line))


def _skip_trailers(wire: Wire) -> bool:
    """Skips trailers and the empty line after them. Returns whether there was only that line."""
    for number in range(MAX_HEAD_LINES):
        line = wire.line()
        if not line.strip():
            return number == 0 and line == b"\r\n"
    raise ConnectionLost(f"The answer has more than {MAX_HEAD_LINES} trailers.")


def _chunk_size(line: bytes) -> int:
    match = _chunk_line(line)
    if match is None:
        raise ConnectionLost(_NOT_HTTP)
    return int(match[1], 16)


def _stays_open(head: bytes, headers: dict[str, str]) -> bool:
    """Whether the server keeps the connection open, and its head is unambiguous."""
    return headers.get("connection", "").lower() in ("", "keep-alive") and bool(_is_strict(head))
