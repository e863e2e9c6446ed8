"""Speaks HTTP/1.1 over one connection: sends bytes, reads one answer, within one deadline.

Every wait is for what is left until the deadline, so a server that drips can't stretch it; a
client that waits anew at each read, as http.client does, needs a second thread to say stop.
"""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from time import monotonic

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
_NOT_HTTP = "What came back isn't HTTP."
_CUT = "The connection broke before the whole answer had come."


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer off the wire. `reusable`: the connection can carry another request."""

    status: int
    headers: dict[str, str]
    body: bytes
    truncated: bool
    reusable: bool


class Wire:
    """One connection, its deadline (monotonic seconds), and what is read but not yet used."""

    __slots__ = ("_buffer", "_deadline", "_sock", "received")

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._deadline = deadline
        self._buffer = bytearray()
        self.received = False

    @property
    def is_empty(self) -> bool:
        return not self._buffer

    def send(self, data: bytes) -> None:
        """Sends all; a server that stops listening is no error yet, it may have answered."""
        view = memoryview(data)
        try:
            while view:
                self._allow_what_is_left()
                view = view[self._sock.send(view) :]
        except TimeoutError:
            raise self._passed() from None
        except (BrokenPipeError, ConnectionResetError):
            return
        except OSError:
            raise ConnectionLost(_CUT) from None

    def head(self) -> bytes:
        """The next head with its empty line."""
        start = 0
        while (end := _find_head_end(self._buffer, start)) is None:
            start = max(len(self._buffer) - 3, 0)
            _check_head_size(start)
            self._more()
        _check_head_size(end.start())
        return self._cut(end.end())

    def line(self) -> bytes:
        """The next line with its end."""
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

    def to_end(self, limit: int) -> bytes:
        """All until the server closes, or the first `limit` bytes."""
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


def read_reply(wire: Wire, method: str, keep: int) -> Reply:
    """The answer to a `method` request, at most `keep` bytes of its body.

    Raises DeadlinePassed, or ConnectionLost where the answer is cut short or isn't HTTP.
    """
    for _ in range(MAX_INFORMATIONAL):
        minor, status, headers = parse_head(wire.head())
        if status >= _FIRST_FINAL:
            break
    else:
        raise ConnectionLost("The server only sent provisional answers.")
    body, truncated, framed = _read_body(wire, method, status, headers, keep)
    reusable = framed and not truncated and wire.is_empty and _stays_open(minor, headers)
    return Reply(status, headers, body, truncated, reusable)


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
            headers[name] += f" {text.strip()}"
            continue
        before, colon, after = text.partition(":")
        name = before.strip().lower()
        if not colon or not name:
            raise ConnectionLost(_NOT_HTTP)
        value = after.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _read_body(wire: Wire, method: str, status: int, headers: dict[str, str], keep: int) -> tuple[bytes, bool, bool]:
    """Body, whether there was more, and whether its end was marked (RFC 9112, 6.3)."""
    if method == "HEAD" or status in (204, 304):
        return b"", False, True
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower().rpartition(",")[2].strip() == "chunked":
            return _read_chunks(wire, keep, framed="content-length" not in headers)
    elif "content-length" in headers:
        length = _content_length(headers["content-length"])
        return wire.exactly(min(length, keep)), length > keep, True
    body = wire.to_end(keep + 1)
    return body[:keep], len(body) > keep, False


def _content_length(text: str) -> int:
    values = {value.strip() for value in text.split(",")}
    value = values.pop()
    if values or not _length(value):
        raise ConnectionLost(_NOT_HTTP)
    return int(value)


def _read_chunks(wire: Wire, keep: int, *, framed: bool) -> tuple[bytes, bool, bool]:
    body = bytearray()
    chunks = 0
    while size := _chunk_size(wire.line()):
        body += wire.exactly(min(size, keep + 1 - len(body)))
        chunks += 1
        # In chunks of a byte each, an answer takes half a second of CPU: the rest of one is as good as too long.
        if len(body) > keep or chunks > MAX_CHUNKS:
            return bytes(body[:keep]), True, framed
        if wire.line().strip():
            raise ConnectionLost(_NOT_HTTP)
    for _ in range(MAX_HEAD_LINES):
        if not wire.line().strip():  # the empty line after the trailers, which nobody reads
            return bytes(body), False, framed
    raise ConnectionLost(f"The answer has more than {MAX_HEAD_LINES} trailers.")


def _chunk_size(line: bytes) -> int:
    match = _chunk_line(line)
    if match is None:
        raise ConnectionLost(_NOT_HTTP)
    return int(match[1], 16)


def _stays_open(minor: int, headers: dict[str, str]) -> bool:
    connection = headers.get("connection", "").lower()
    return "close" not in connection if minor else "keep-alive" in connection
