"""Tests sending through a proxy: a real one on this machine, and misbehaving ones."""

import base64
import socket
from pathlib import Path

import pytest

from relay.errors import ConnectFailed, DeadlinePassed, RequestRefused, SetupError
from relay.outbound import Request, Sender
from tests.outbound.test_tls import certificate, server_side

__all__ = ["certificate"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
LOOPBACK = ("127.0.0.0/8", "::1/128")


def get(url: str) -> Request:
    return Request("GET", url)


def via(proxy) -> str:
    return f"http://127.0.0.1:{proxy.port}"


def test_a_request_goes_through_the_proxy_to_the_judged_address(names, make_sender, nasty) -> None:
    names.known["h.example"] = ["127.0.0.1"]
    server, proxy = nasty.answering(OK, OK), nasty.tunnelling()
    sender = make_sender(LOOPBACK, proxy=via(proxy))

    answers = [sender.send(get(f"http://h.example:{server.port}/a")).body for _ in range(2)]

    assert answers == [b"ok", b"ok"]
    place = f"127.0.0.1:{server.port}".encode()
    assert [request.split(b"\r\n")[:2] for request in proxy.requests] == [
        [b"CONNECT " + place + b" HTTP/1.1", b"Host: " + place]
    ]
    assert server.requests[0].startswith(f"GET /a HTTP/1.1\r\nHost: h.example:{server.port}\r\n".encode())


def test_tls_is_spoken_with_the_service_by_its_name(make_sender, nasty, certificate: Path) -> None:
    told: list[str | None] = []
    server, proxy = nasty.answering(OK, wrap=server_side(certificate, told)), nasty.tunnelling()
    sender = make_sender(LOOPBACK, proxy=via(proxy), ca_file=str(certificate))

    answer = sender.send(get(f"https://localhost:{server.port}/"))

    assert (answer.body, told) == (b"ok", ["localhost"])
    assert len(proxy.requests) == 1


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://127.0.0.1:1/", "http://169.254.169.254/", "http://11.0.0.1:25/", "http://a@b/"]
)
def test_what_is_refused_never_reaches_the_proxy(make_sender, nasty, url: str) -> None:
    proxy = nasty.tunnelling()

    with pytest.raises(RequestRefused):
        make_sender(proxy=via(proxy)).send(get(url))

    assert proxy.connections == 0


def test_only_the_proxy_gets_its_password(make_sender, nasty) -> None:
    server, proxy = nasty.answering(OK), nasty.tunnelling()
    sender = make_sender(LOOPBACK, proxy=f"http://ann:p%40ss%3A@127.0.0.1:{proxy.port}/")

    sender.send(get(server.url))

    credentials = base64.b64encode(b"ann:p@ss:")
    assert b"\r\nProxy-Authorization: Basic " + credentials + b"\r\n" in proxy.requests[0]
    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (b"HTTP/1.1 403 Forbidden\r\n\r\n", RequestRefused, "refuses to connect there: it answered 403"),
        (b"HTTP/1.1 407 Denied\r\nX-Smokescreen-Error: no\r\n\r\n", RequestRefused, "it answered 407"),
        (b"HTTP/1.1 407 Who?\r\nProxy-Authenticate: Basic\r\n\r\n", ConnectFailed, "wants a user name"),
        (b"HTTP/1.1 429 Slow down\r\n\r\n", ConnectFailed, "it answered 429"),
        (b"HTTP/1.1 502 Bad Gateway\r\n\r\n", ConnectFailed, "it answered 502"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/\r\n\r\n", ConnectFailed, "it answered 302"),
        (b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n", ConnectFailed, "didn't open the connection"),
        (b"SSH-2.0-OpenSSH_9\r\n\r\n", ConnectFailed, "didn't open the connection"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, ConnectFailed, "didn't open the connection"),
        (b"", ConnectFailed, "didn't open the connection"),
    ],
)
def test_a_proxy_that_does_not_connect(make_sender, nasty, answer: bytes, error: type, reason: str) -> None:
    server, proxy = nasty.answering(OK), nasty.answering(answer)

    with pytest.raises(error, match=reason) as failure:
        make_sender(LOOPBACK, proxy=via(proxy)).send(get(server.url))

    assert not failure.value.sent
    assert server.connections == 0


def test_a_proxy_that_is_away(make_sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectFailed, match="proxy can't be reached"):
        make_sender(LOOPBACK, proxy=f"http://localhost:{port}").send(get("http://127.0.0.1:4010/"))


def test_a_proxy_that_says_nothing_ends_at_the_deadline(make_sender, nasty) -> None:
    proxy = nasty.silent()

    with pytest.raises(ConnectFailed, match="proxy didn't open the connection"):
        make_sender(LOOPBACK, proxy=via(proxy)).send(get("http://127.0.0.1:4010/"), timeout=0.3)


def test_an_answer_that_never_comes_through_the_proxy_ends_at_the_deadline(make_sender, nasty) -> None:
    server, proxy = nasty.silent(), nasty.tunnelling()

    with pytest.raises(DeadlinePassed):
        make_sender(LOOPBACK, proxy=via(proxy)).send(get(server.url), timeout=0.5)


def test_another_address_is_tried_where_the_proxy_refuses_one(names, make_sender, nasty) -> None:
    names.known["h.example"] = ["127.9.9.9", "127.0.0.1"]
    server, proxy = nasty.answering(OK), nasty.tunnelling()
    sender = make_sender(LOOPBACK, proxy=via(proxy))

    answer = sender.send(get(f"http://h.example:{server.port}/"))

    assert answer.body == b"ok"
    assert proxy.connections == 2


@pytest.mark.parametrize(
    "url",
    [
        "proxy.example:3128",
        "https://p.example:3128",
        "socks5://p.example:1080",
        "http://p.example",
        "http://p.example:0",
        "http://p.example:3128/path",
        "http://p.example:3128#x",
        "http://2130706433:3128",
        "http://:3128",
        "http://p e:1",
    ],
)
def test_a_proxy_that_cannot_be_one_stops_the_start(url: str) -> None:
    with pytest.raises(SetupError, match="RELAY_OUTBOUND_PROXY") as refused:
        Sender(proxy=url)

    assert url not in str(refused.value)
