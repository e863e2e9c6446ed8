import socket

import pytest

from relay.errors import ConnectionLost
from relay.outbound import Request, Sender

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(url: str) -> Request:
    return Request("GET", url)


def test_a_connection_is_kept(sender: Sender, nasty) -> None:
    server = nasty.answering(OK, OK, OK)

    for _ in range(3):
        sender.send(get(server.url))

    assert server.connections == 1


def test_a_connection_is_not_shared_between_names(sender: Sender, nasty) -> None:
    server = nasty.answering(OK, OK)

    sender.send(get(f"http://127.0.0.1:{server.port}/"))
    sender.send(get(f"http://localhost:{server.port}/"))

    assert server.connections == 2


@pytest.mark.parametrize(
    "first",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" + OK,
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000,
    ],
)
def test_a_connection_is_not_kept(sender: Sender, nasty, first: bytes) -> None:
    server = nasty.answering(first, OK)

    sender.send(get(server.url))
    answer = sender.send(get(server.url))

    assert answer.status == 200
    assert server.connections == 2


def test_a_kept_connection_that_was_closed_is_replaced(sender: Sender, nasty) -> None:
    server = nasty.answering(OK)

    for _ in range(3):
        assert sender.send(get(server.url)).body == b"ok"

    assert server.connections == 3


def close_at_second(server, sock: socket.socket) -> None:
    """A server whose keep-alive ends just as the next request comes."""
    server.read(sock)
    sock.sendall(OK)
    if server.connections == 1:
        server.read(sock)
        return
    server.read(sock)
    sock.sendall(OK)


def test_a_replayable_request_is_sent_again_where_a_kept_connection_breaks(sender: Sender, nasty) -> None:
    server = nasty.behaving(close_at_second)
    sender.send(get(server.url))

    answer = sender.send(get(server.url))

    assert answer.body == b"ok"
    assert len(server.requests) == 3


def test_a_request_that_may_not_arrive_twice_gets_a_new_connection(sender: Sender, nasty) -> None:
    server = nasty.behaving(close_at_second)
    sender.send(get(server.url))

    sender.send(Request("POST", server.url, replayable=False))

    assert [request.split()[0] for request in server.requests] == [b"GET", b"POST"]
    assert server.connections == 2


def test_a_new_connection_that_breaks_is_not_tried_again(sender: Sender, nasty) -> None:
    server = nasty.answering(b"")

    with pytest.raises(ConnectionLost):
        sender.send(get(server.url))

    assert len(server.requests) == 1
