"""Requests that a proxy could parse differently than Relay: each connection carries one request, or none."""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.support.running import Relay

BODY = b'{"id": 1}'
CHUNKED = b"9\r\n" + BODY + b"\r\n0\r\n\r\n"
CLOSE = "Connection: close"
SMUGGLED = b"0\r\n\r\nGET /health/ HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def url(shared_relay: Relay) -> str:
    """The URL of the demo flow."""
    found: str = next(flow["url"] for flow in shared_relay.json("flows", "--json") if flow["name"].startswith("Demo"))
    return found


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


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04" + bytes(5)


def test_http_2_in_the_clear_is_not_spoken(url: str) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20) as sender:
        sender.sendall(PREFACE)
        answer = b""
        while more := sender.recv(10_000):
            answer += more

    # No frame of HTTP/2: settings would be the first one.
    assert answer == b"" or answer.startswith(b"HTTP/1.1 400")


@pytest.mark.exhaustive
def test_half_a_head_is_closed_after_30_seconds(url: str) -> None:
    parts = urlsplit(url)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        for start in (b"POST /in/x HTTP/1.1\r\nHost: x\r\nX-A: ", b"P", PREFACE[:10], PREFACE[:18]):
            address = parts.hostname or "", parts.port or 0
            sender = stack.enter_context(socket.create_connection(address, timeout=60))
            sender.sendall(start)
            stack.callback(_read_to_the_end, sender)

    assert 25 < time.monotonic() - began < 50


def _read_to_the_end(sender: socket.socket) -> None:
    while sender.recv(10_000):
        continue
