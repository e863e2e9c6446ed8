import resource
import socket
from time import monotonic

import pytest

from relay.errors import ConnectionLost, RequestRefused, SenderBusy
from relay.outbound import Request, Sender, connections
from relay.outbound.addresses import AddressGuard
from relay.outbound.connections import Connections
from relay.outbound.urls import parse

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


def test_a_connection_is_not_shared_between_workspaces(sender: Sender, nasty) -> None:
    server = nasty.answering(OK, OK)

    for owner in (1, 2, 1, 2):
        sender.send(Request("GET", server.url, owner=owner))

    assert server.connections == 2


def test_one_workspace_keeps_a_share_of_the_idle_connections(nasty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "MAX_IDLE", 8)
    monkeypatch.setattr(connections, "MAX_IDLE_PER_WORKSPACE", 3)
    server = nasty.silent()
    target = parse(server.url)
    kept = Connections(None, None, lambda _: False)

    for owner in (1, 2, 3, 4):
        for link in [kept.open(target, ["127.0.0.1"], monotonic() + 5, owner) for _ in range(5)]:
            kept.give(link)
    found = {owner: taken(kept, server.url, owner) for owner in (1, 2, 3, 4, 5)}
    kept.close()

    assert found == {1: 3, 2: 3, 3: 1, 4: 1, 5: 0}


def taken(kept: Connections, url: str, owner: int) -> int:
    count = 0
    while (link := kept.take(parse(url), ["127.0.0.1"], owner)) is not None:
        link.sock.close()
        count += 1
    return count


def test_nothing_is_sent_where_both_ends_are_this_machine(nasty) -> None:
    server = nasty.answering(OK)
    kept = Connections(None, None, AddressGuard(()).is_own)

    with pytest.raises(RequestRefused, match="leads to the machine that Relay runs on"):
        kept.open(parse(server.url), ["127.0.0.1"], monotonic() + 5)

    assert server.requests == []


def test_a_process_without_free_files_is_busy_and_says_nothing_of_the_destination(sender: Sender, nasty) -> None:
    server = nasty.answering(OK)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    sender.check(server.url, 1.0)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(SenderBusy):
            sender.send(get(server.url))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


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
