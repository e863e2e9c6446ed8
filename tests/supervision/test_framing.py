"""Requests that a proxy in front could read otherwise than Relay: each connection carries one request, or none."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.running import Relay

BODY = b'{"id": 1}'
CHUNKED = b"9\r\n" + BODY + b"\r\n0\r\n\r\n"
CLOSE = "Connection: close"
SMUGGLED = b"0\r\n\r\nGET /health/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    relay = Relay()
    try:
        relay.start().command("user", "add", "ada@example.com", given="correct horse battery\n")
        yield relay.json("flows", "--json")[0]["url"]
    finally:
        relay.remove()


def statuses(url: str, headers: list[str], body: bytes) -> list[bytes]:
    """The status of each answer to one POST, until the server closes the connection."""
    parts = urlsplit(url)
    head = "\r\n".join([f"POST {parts.path} HTTP/1.1", *headers, "", ""]).encode()
    answer = b""
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as sender:
        sender.sendall(head + body)
        while more := sender.recv(10_000):
            answer += more
    return [line[9:12] for line in answer.split(b"\r\n") if line.startswith(b"HTTP/1.1 ")]


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ([CLOSE, "Host: x", "Content-Length: 9"], BODY, b"202"),
        ([CLOSE, "Host: x", "Transfer-Encoding: chunked"], CHUNKED, b"202"),
        ([CLOSE, "Content-Length: 9"], BODY, b"400"),
        ([CLOSE, "Host: x", "Host: y", "Content-Length: 9"], BODY, b"400"),
        (["Host: x", "Content-Length: 9", "Content-Length: 8"], BODY, b"400"),
        (["Host: x", "Content-Length: +9"], BODY, b"400"),
        (["Host: x", "Content-Length : 9"], BODY, b"400"),
        ([CLOSE, "Host: x", "Transfer-Encoding: chunked, chunked"], CHUNKED, b"400"),
        (["Host: x", "Transfer-Encoding: xchunked"], CHUNKED, b"400"),
        (["Host: x", "Transfer-Encoding:", " chunked"], CHUNKED, b"400"),
        (["Host: x", "Transfer-Encoding: chunked"], CHUNKED.replace(b"\r\n", b"\n"), b"400"),
        # Both lengths: the chunks count (RFC 9112, 6.3), and what is behind them is no request.
        (["Host: x", f"Content-Length: {len(SMUGGLED)}", "Transfer-Encoding: chunked"], SMUGGLED, b"202"),
    ],
)
def test_one_request_is_read_in_one_way(url: str, headers: list[str], body: bytes, status: bytes) -> None:
    assert statuses(url, headers, body) == [status]
