import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from relay.errors import ConnectFailed, RequestRefused, SetupError
from relay.outbound import Request, Sender

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def get(url: str) -> Request:
    return Request("GET", url)


def test_sends_a_request_and_reads_the_answer(sender: Sender, httpserver: HTTPServer) -> None:
    httpserver.expect_oneshot_request(
        "/hook", method="POST", query_string="a=b", data=b'{"a":1}', headers={"X-Key": "k"}
    ).respond_with_data(b"done", status=201, headers={"X-Id": "7"})

    answer = sender.send(Request("POST", httpserver.url_for("/hook?a=b"), {"X-Key": "k"}, b'{"a":1}'))

    assert (answer.status, answer.body, answer.truncated) == (201, b"done", False)
    assert answer.headers["x-id"] == "7"
    assert 0 < answer.seconds < 5


def test_a_name_is_called_by_its_name(sender: Sender, nasty) -> None:
    server = nasty.answering(OK)

    sender.send(get(f"http://localhost:{server.port}/"))

    assert f"\r\nHost: localhost:{server.port}\r\n".encode() in server.requests[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer(sender: Sender, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/").respond_with_data(status=status, headers={"Location": httpserver.url_for("/inside")})

    answer = sender.send(get(httpserver.url_for("/")))

    assert answer.status == status
    assert [entry[0].path for entry in httpserver.log] == ["/"]


def test_a_refused_connection_was_never_sent(sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(ConnectFailed, match="refused the connection") as failure:
        sender.send(get(f"http://127.0.0.1:{port}/"))

    assert not failure.value.sent


def test_threads_send_at_once(sender: Sender, nasty) -> None:
    all_there = threading.Barrier(8, timeout=5)

    def behave(server, sock: socket.socket) -> None:
        while request := server.read(sock):
            all_there.wait()
            path = request.split()[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path))

    server = nasty.behaving(behave)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: sender.send(get(f"{server.url}{n}")).body, range(64)))

    assert answers == [f"/{n}".encode() for n in range(64)]
    assert server.connections == 8


def test_the_environment_changes_nothing(
    sender: Sender, nasty, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    server = nasty.answering(OK)
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")

    sender.send(get(server.url))

    assert b"authorization" not in server.requests[0].lower()


def test_a_private_address_is_refused_alike_at_open_and_closed_ports(nasty) -> None:
    server = nasty.answering(OK)
    sender = Sender()

    said = set()
    for port in (server.port, 1):
        with pytest.raises(RequestRefused) as refusal:
            sender.send(get(f"http://localhost:{port}/"))
        said.add(str(refusal.value))

    assert said == {
        ("localhost leads to a private or reserved address; allow it with RELAY_ALLOWED_NETWORKS if this is meant.")
    }
    assert server.connections == 0


@pytest.mark.parametrize("url", ["https://api.example/x", "https://evil.example/", "https://api.example:444/"])
def test_secrets_go_only_to_their_origins(names, dialled, url: str) -> None:
    only = ("https://api.example.com", "https://api.example.org")

    with pytest.raises(RequestRefused, match=r"are for https://api\.example\.com, https://api\.example\.org, not for"):
        Sender().send(Request("GET", url, only=only))

    assert names.asked == dialled.addresses == []


def test_secrets_go_to_what_is_called_in_place_of_their_origin(make_sender, nasty) -> None:
    server = nasty.answering(OK)
    sender = make_sender(("127.0.0.0/8",), {"https://api.trello.com": f"http://127.0.0.1:{server.port}"})

    answer = sender.send(Request("GET", "https://api.trello.com/", only=("https://api.trello.com",)))

    assert answer.body == b"ok"


def test_an_origin_is_called_in_place_of_another(make_sender, nasty) -> None:
    server = nasty.answering(OK)
    sender = make_sender(("127.0.0.0/8",), {"https://API.trello.com": f"http://127.0.0.1:{server.port}"})

    answer = sender.send(get("https://api.trello.com/1/cards?a=b"))

    assert answer.body == b"ok"
    assert server.requests[0].startswith(b"GET /1/cards?a=b HTTP/1.1\r\nHost: 127.0.0.1:")
    assert sender.origin("https://api.trello.com:443/1") == "https://api.trello.com"
    assert sender.route("https://api.trello.com/1") == f"http://127.0.0.1:{server.port}/1"
    assert sender.route("https://trello.com/1") == "https://trello.com/1"


def test_an_origin_in_place_of_another_is_judged_too() -> None:
    sender = Sender((), {"https://api.trello.com": "http://127.0.0.1:4010"})

    with pytest.raises(RequestRefused, match="private"):
        sender.send(get("https://api.trello.com/"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("api.trello.com", "http://127.0.0.1:4010"),
        ("https://api.trello.com/1", "http://127.0.0.1:4010"),
        ("https://api.trello.com", "http://127.0.0.1:4010/1"),
        ("https://api.trello.com", "localhost:4010"),
        ("https://api.trello.com", ""),
    ],
)
def test_origins_that_cannot_be_read_stop_the_start(old: str, new: str) -> None:
    with pytest.raises(SetupError, match="RELAY_CONNECTOR_URLS"):
        Sender((), {old: new})
