"""Tests compressed answers, which are decompressed within bounds although no request asks for them."""

from __future__ import annotations

import functools
import gzip
import zlib
from collections.abc import Callable

import brotli
import pytest

from relay.outbound import Request, Sender
from tests.outbound.conftest import LOOPBACK

# Without the time, so that every process of xdist collects the same parameters.
gzipped = functools.partial(gzip.compress, mtime=0)

DATA = b'{"name": "J\xc3\xb6rg", "lines": [1, 2, 3]}' * 20
KEEP = 256 * 1024


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def answering(nasty, coding: str, body: bytes, status: bytes = b"200 OK"):
    head = b"HTTP/1.1 %s\r\nContent-Encoding: %s\r\nContent-Length: %d\r\n\r\n" % (status, coding.encode(), len(body))
    return nasty.answering(head + body)


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzipped(DATA)),
        ("x-gzip", gzipped(DATA)),
        ("GZip", gzipped(DATA)),
        ("gzip", gzipped(DATA[:50]) + gzipped(DATA[50:])),
        ("gzip", gzipped(DATA) + b"\0" * 8),
        ("deflate", zlib.compress(DATA)),
        ("deflate", zlib.compress(DATA, 9)),
        ("deflate", raw_deflate(DATA)),
        ("br", brotli.compress(DATA)),
        ("gzip, br", brotli.compress(gzipped(DATA))),
        ("identity", DATA),
        ("identity, gzip", gzipped(DATA)),
        ("utf-8", DATA),
    ],
)
@pytest.mark.parametrize("status", [b"200 OK", b"422 No"])
def test_a_packed_answer_is_unpacked(sender: Sender, nasty, coding: str, body: bytes, status: bytes) -> None:
    server = answering(nasty, coding, body, status)

    answer = sender.send(Request("GET", server.url))

    assert (answer.body, answer.truncated, answer.fault) == (DATA, False, "")


@pytest.mark.parametrize(
    ("coding", "bomb"),
    [
        ("gzip", lambda: gzipped(b"\0" * 50_000_000)),
        ("deflate", lambda: zlib.compress(b"\0" * 50_000_000)),
        ("deflate", lambda: raw_deflate(b"\0" * 50_000_000)),
        ("br", lambda: brotli.compress(b"\0" * 50_000_000, quality=1)),
        ("gzip, gzip", lambda: gzipped(gzipped(b"\0" * 50_000_000))),
        ("gzip", lambda: gzipped(bytes(range(256)) * 1025)),
    ],
    ids=["gzip", "zlib", "deflate", "br", "twice", "by a little"],
)
def test_a_bomb_is_cut_and_says_so(make_sender, nasty, coding: str, bomb: Callable[[], bytes]) -> None:
    server = answering(nasty, coding, bomb())

    answer = make_sender(LOOPBACK, keep=KEEP).send(Request("GET", server.url))

    assert (len(answer.body), answer.truncated, answer.fault) == (KEEP, True, "the answer was cut at 256 KiB")


@pytest.mark.parametrize(
    ("coding", "body", "fault"),
    [
        ("gzip", DATA, "the body is said to be packed with gzip, and can't be unpacked"),
        ("gzip", gzipped(DATA)[:-10], "the body is packed with gzip, and ends too early"),
        ("deflate", b"\xff" * 50, "the body is said to be packed with deflate, and can't be unpacked"),
        ("br", DATA, "the body is said to be packed with br, and can't be unpacked"),
        ("br", brotli.compress(DATA)[:-4], "the body is packed with br, and ends too early"),
        ("gzip", gzipped(b"") * 101, "the body is packed with gzip, in more than 100 members"),
    ],
    ids=["plain", "short gzip", "no deflate", "no br", "short br", "members"],
)
def test_an_answer_that_cannot_be_unpacked_says_why(make_sender, nasty, coding: str, body: bytes, fault: str) -> None:
    server = answering(nasty, coding, body)

    answer = make_sender(LOOPBACK, keep=KEEP).send(Request("GET", server.url))

    assert (answer.status, answer.body, answer.fault) == (200, b"", fault)


def test_a_packed_answer_longer_than_what_is_kept_is_cut(make_sender, nasty) -> None:
    packed = gzipped(bytes(range(256)) * 4)
    server = answering(nasty, "gzip", packed)

    answer = make_sender(LOOPBACK, keep=200).send(Request("GET", server.url))

    assert (answer.truncated, answer.fault) == (True, "the answer was cut at 200 bytes")
    assert (bytes(range(256)) * 4).startswith(answer.body)


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_without_a_body_has_nothing_to_unpack(make_sender, nasty, status: bytes) -> None:
    server = nasty.answering(b"HTTP/1.1 %s\r\nContent-Encoding: gzip\r\n\r\n" % status)

    answer = make_sender(LOOPBACK, keep=KEEP).send(Request("GET", server.url))

    assert (answer.body, answer.fault) == (b"", "")
