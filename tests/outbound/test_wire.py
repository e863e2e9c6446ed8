import socket
import threading

import pytest

from relay.errors import ConnectionLost, DeadlinePassed
from relay.outbound import Request, Sender

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n"


def get(url: str) -> Request:
    return Request("GET", url)


@pytest.mark.parametrize(
    ("raw", "status", "body"),
    [
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok"),
        (
            CHUNKED + b"1;a=b\r\no\r\n01\r\nk\r\n0\r\nX-Sum: 1\r\n\r\n",
            200,
            b"ok",
        ),
        (b"HTTP/1.0 200 OK\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", 304, b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK, 200, b"ok"),
        (b"HTTP/1.1 599 \xff\r\nContent-Length: 0\r\n\r\n", 599, b""),
    ],
)
def test_reads_every_framing(sender: Sender, nasty, raw: bytes, status: int, body: bytes) -> None:
    server = nasty.answering(raw)

    answer = sender.send(get(server.url))

    assert (answer.status, answer.body, answer.truncated) == (status, body, False)


def test_an_answer_to_head_has_no_body(sender: Sender, nasty) -> None:
    server = nasty.answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n")

    assert sender.send(Request("HEAD", server.url)).body == b""


STRICT = [
    OK,
    b"HTTP/1.1 200 \r\nContent-Length:2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\nX: \xff\t a\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n",
    CHUNKED + b"2\r\nok\r\n0\r\n\r\n",
]
LENIENT = [
    # lines
    b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\nok",
    b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX: a\r\n\tb\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX: a\x0bb\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX: a\x7f\r\nContent-Length: 2\r\n\r\nok",
    # names
    b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length\t: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nX Y: 1\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\n\xe9: 1\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\n X: 1\r\nContent-Length: 2\r\n\r\nok",
    # status lines
    b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 O\0K\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 700 OK\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 100 Continue\r\n\r\n" + OK,
    # lengths
    b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 02\r\n\r\nok",
    b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    # chunks
    CHUNKED + b"2\nok\r\n0\r\n\r\n",
    CHUNKED + b"2 \r\nok\r\n0\r\n\r\n",
    CHUNKED + b"2;a=b\r\nok\r\n0\r\n\r\n",
    CHUNKED + b"2\r\nok\n0\r\n\r\n",
    CHUNKED + b"2\r\nok \r\n0\r\n\r\n",
    CHUNKED + b"2\r\nok\r\n0\n\r\n",
    CHUNKED + b"2\r\nok\r\n0;a\r\n\r\n",
    CHUNKED + b"2\r\nok\r\n0\r\n\n",
    CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n",
    # connections
    OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    OK.replace(b"\r\n\r\n", b"\r\nConnection: upgrade\r\n\r\n"),
    OK + b"HTTP/1.1 200 OK\r\n",
    OK + b"\r\n",
]


@pytest.mark.parametrize(("raw", "connections"), [(raw, 1) for raw in STRICT] + [(raw, 2) for raw in LENIENT])
def test_a_connection_is_used_again_after_an_answer_that_can_be_read_in_one_way(
    sender: Sender, nasty, raw: bytes, connections: int
) -> None:
    server = nasty.answering(raw, OK)

    first = sender.send(get(server.url))
    second = sender.send(get(server.url))

    assert first.body in (b"ok", b"")
    assert (second.status, server.connections) == (first.status if connections == 2 else 200, connections)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("POST", b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n"),
        ("POST", b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"),
    ],
)
def test_a_late_body_where_none_may_be_is_not_the_next_answer(sender: Sender, nasty, method: str, head: bytes) -> None:
    def behave(server, sock) -> None:
        server.read(sock)
        sock.sendall(head if server.connections == 1 else OK)
        if server.connections == 1:
            second_is_here.wait(5)
            sock.sendall(b"{}")

    second_is_here = threading.Event()
    server = nasty.behaving(behave)

    sender.send(Request(method, server.url))
    answer = sender.send(get(server.url))
    second_is_here.set()

    assert (answer.status, answer.body, server.connections) == (200, b"ok", 2)


def test_repeated_and_folded_headers_are_joined(sender: Sender, nasty) -> None:
    server = nasty.answering(b"HTTP/1.1 204 OK\r\nVia: a\r\nvia : b\r\nX: c\r\n  d\r\n\r\n")

    answer = sender.send(get(server.url))

    assert answer.headers == {"via": "a, b", "x": "c d"}


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5000\r\n\r\n",
        b"Content-Length: 999999999999\r\n\r\n",
        b"\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1388\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n",
    ],
)
def test_keeps_the_start_of_a_long_body(sender: Sender, nasty, head: bytes) -> None:
    server = nasty.answering(b"HTTP/1.1 200 OK\r\n" + head + b"x" * 5000)

    answer = sender.send(get(server.url))

    assert (answer.body, answer.truncated) == (b"x" * 1024, True)


def test_a_body_of_just_the_kept_length_is_whole(sender: Sender, nasty) -> None:
    server = nasty.answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1024)

    answer = sender.send(get(server.url))

    assert (len(answer.body), answer.truncated) == (1024, False)


def test_an_endless_body_is_cut_off(sender: Sender, nasty) -> None:
    server = nasty.flooding(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536)

    answer = sender.send(get(server.url))

    assert (len(answer.body), answer.truncated) == (1024, True)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "broke"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "broke"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nok", "broke"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", "broke"),
        (b"\x16\x03\x01garbage\r\n\r\n", "isn't valid HTTP"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", "isn't valid HTTP"),
        (b"<html>HTTP/0.9</html>\r\n\r\n", "isn't valid HTTP"),
        (b"<html>HTTP/0.9</html>", "broke"),
        (b"HTTP/2 200 OK\r\n\r\n", "isn't valid HTTP"),
        (b"HTTP/1.1 099 No\r\n\r\n", "isn't valid HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "isn't valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "isn't valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "isn't valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", "isn't valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok", "isn't valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokok\r\n", "isn't valid HTTP"),
        (b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "provisional"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n", "more than"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "longer than"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: y\r\n" * 300,
            "more than",
        ),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5000, "isn't valid HTTP"),
    ],
)
def test_a_broken_answer_is_a_lost_connection(sender: Sender, nasty, raw: bytes, reason: str) -> None:
    server = nasty.answering(raw)

    with pytest.raises(ConnectionLost, match=reason) as failure:
        sender.send(get(server.url))

    assert failure.value.sent


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
    ],
)
def test_a_dripping_answer_ends_at_the_deadline(sender: Sender, nasty, start: bytes, drop: bytes) -> None:
    server = nasty.dripping(start, drop)

    with pytest.raises(DeadlinePassed, match="in time") as failure:
        sender.send(get(server.url), timeout=0.3)

    assert failure.value.sent


def test_no_answer_ends_at_the_deadline(sender: Sender, nasty) -> None:
    server = nasty.silent()

    with pytest.raises(DeadlinePassed, match="no answer came"):
        sender.send(get(server.url), timeout=0.2)


def test_a_server_that_does_not_read_ends_at_the_deadline(sender: Sender, nasty) -> None:
    server = nasty.silent()

    with pytest.raises(DeadlinePassed):
        sender.send(Request("POST", server.url, {}, b"x" * 30_000_000), timeout=0.3)


def test_endless_headers_are_cut_off(sender: Sender, nasty) -> None:
    server = nasty.flooding(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536)

    with pytest.raises(ConnectionLost, match="longer than"):
        sender.send(get(server.url))


@pytest.mark.parametrize(
    ("start", "piece", "reason"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100, "provisional"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 1000, "longer than"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x=y;" * 1000, "isn't valid HTTP"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 1000, "trailers"),
    ],
)
def test_a_flood_is_cut_off(sender: Sender, nasty, start: bytes, piece: bytes, reason: str) -> None:
    server = nasty.flooding(start, piece)

    with pytest.raises(ConnectionLost, match=reason):
        sender.send(get(server.url))


def test_of_very_many_chunks_the_first_are_kept(make_sender, nasty) -> None:
    server = nasty.answering(CHUNKED + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n")
    sender = make_sender(["127.0.0.0/8"], keep=100_000)

    answer = sender.send(get(server.url))

    assert answer.status == 200
    assert 0 < len(answer.body) < 30_000
    assert answer.truncated


def test_an_endless_row_of_small_chunks_is_cut_off(sender: Sender, nasty) -> None:
    server = nasty.flooding(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1;a=b\r\nx\r\n" * 1000)

    answer = sender.send(get(server.url))

    assert (answer.body, answer.truncated) == (b"x" * 1024, True)


def test_an_answer_before_the_whole_body_is_read_counts(sender: Sender, nasty) -> None:
    def behave(server, sock: socket.socket) -> None:
        sock.recv(10)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        server.over.wait(1)

    server = nasty.behaving(behave)

    answer = sender.send(Request("POST", server.url, {}, b"x" * 1000))

    assert answer.status == 413
