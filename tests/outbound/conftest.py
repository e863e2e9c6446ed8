"""Provides a server on a bare socket, for malformed answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from relay.outbound import Sender

LOOPBACK = ("127.0.0.0/8", "::1/128")

# What happens on one connection.
Behaviour = Callable[["NastyServer", socket.socket], None]


class NastyServer:
    """Each connection has a thread; `requests` has every request as received, head and body."""

    def __init__(self, behaviour: Behaviour, wrap: Callable[..., socket.socket] | None) -> None:
        self._behaviour = behaviour
        self._wrap = wrap
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.over = threading.Event()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.requests: list[bytes] = []
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def read(self, sock: socket.socket) -> bytes:
        """One request off `sock`; empty at the end of the connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return b""
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line[:15] == b"Content-Length:"), 0)
        while len(body) < length:
            body += sock.recv(65536)
        self.requests.append(head + b"\r\n\r\n" + body)
        return self.requests[-1]

    def close(self) -> None:
        self.over.set()
        self._listener.close()
        for sock in self._open:
            sock.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                self.connections += 1
                self._open.append(sock)
                threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        sock = plain
        with contextlib.suppress(OSError):
            sock = self._wrap(plain, server_side=True) if self._wrap else plain
            self._behaviour(self, sock)
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()


def carry(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := one.recv(65536):
            other.sendall(piece)
        other.shutdown(socket.SHUT_WR)


class Nasty:
    """Makes servers from their behavior."""

    def __init__(self) -> None:
        self.servers: list[NastyServer] = []

    def behaving(self, behaviour: Behaviour, wrap: Callable[..., socket.socket] | None = None) -> NastyServer:
        self.servers.append(NastyServer(behaviour, wrap))
        return self.servers[-1]

    def answering(self, *answers: bytes, wrap: Callable[..., socket.socket] | None = None) -> NastyServer:
        """On each connection: a request, an answer, and again; closed after the last."""

        def behave(server: NastyServer, sock: socket.socket) -> None:
            for answer in answers:
                if not server.read(sock):
                    return
                sock.sendall(answer)

        return self.behaving(behave, wrap)

    def dripping(self, start: bytes, drop: bytes, *, every: float = 0.05) -> NastyServer:
        """Sends `start`, and then `drop` at an interval until the other side closes."""

        def behave(server: NastyServer, sock: socket.socket) -> None:
            server.read(sock)
            sock.sendall(start)
            while not server.over.wait(every):
                sock.sendall(drop)

        return self.behaving(behave)

    def flooding(self, start: bytes, piece: bytes) -> NastyServer:
        """`start`, and then `piece` as fast as the other side takes it."""
        return self.dripping(start, piece, every=0)

    def tunnelling(self) -> NastyServer:
        """A proxy: takes CONNECT, connects, and carries bytes both ways until one side has ended."""

        def behave(server: NastyServer, sock: socket.socket) -> None:
            host, _, port = server.read(sock).split()[1].decode().rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port))) as there:
                sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=carry, args=(there, sock), daemon=True)
                back.start()
                carry(sock, there)
                back.join(5)

        return self.behaving(behave)

    def silent(self) -> NastyServer:
        """Takes the connection and says nothing."""
        return self.behaving(lambda server, _: bool(server.over.wait()) or None)


@pytest.fixture
def nasty() -> Iterator[Nasty]:
    nasty = Nasty()
    yield nasty
    for server in nasty.servers:
        server.close()


@pytest.fixture
def make_sender() -> Iterator[Callable[..., Sender]]:
    """Sender, each closed in the end."""
    with contextlib.ExitStack() as stack:

        def make(*args: object, **kwargs: object) -> Sender:
            sender = Sender(*args, **kwargs)
            stack.callback(sender.close)
            return sender

        yield make


@pytest.fixture
def sender(make_sender: Callable[..., Sender]) -> Sender:
    """Opens loopback and keeps 1,024 bytes of an answer."""
    return make_sender(LOOPBACK, timeout=5, keep=1024)


class Names:
    """Names that getaddrinfo knows; all others are unknown, and DNS is not used."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.asked: list[str] = []
        self.before: Callable[[], object] = lambda: None
        self._of_the_system = socket.getaddrinfo

    def look_up(self, host: str, port: int | None, *args: int, **options: int) -> list[tuple[object, ...]]:
        if host.replace(".", "").isdigit():  # an address that is connected to
            return list(self._of_the_system(host, port, *args, **options))
        self.asked.append(host)
        self.before()
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")
        return [(0, socket.SOCK_STREAM, 6, "", (text, port or 0)) for text in self.known[host]]


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    names = Names()
    monkeypatch.setattr("relay.outbound.resolver.socket.getaddrinfo", names.look_up)
    return names


class Dialled:
    """Records every address to which a connection was tried, and makes none."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    def connect(self, address: tuple[str, int], **_: object) -> socket.socket:
        self.addresses.append(address[0])
        raise ConnectionRefusedError


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> Dialled:
    dialled = Dialled()
    monkeypatch.setattr("relay.outbound.connections.socket.create_connection", dialled.connect)
    return dialled
