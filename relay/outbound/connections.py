"""Opens connections to judged addresses, and keeps idle ones for the next request."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util.wait import wait_for_read

from relay.errors import ConnectFailed, DeliveryError
from relay.outbound.proxy import Proxy
from relay.outbound.urls import Target

IDLE_FOR = 30.0
MAX_IDLE = 256
MAX_TRIED = 3

# Scheme, address, port, host: a socket is never shared between names, even at one address.
_Key = tuple[str, str, int, str]


@dataclass(frozen=True, slots=True)
class Link:
    """One open connection and the key it is kept under."""

    sock: socket.socket
    key: _Key


class Connections:
    """Idle connections by judged address and name, the last used first; thread-safe."""

    def __init__(self, ca_file: str | None, proxy: Proxy | None) -> None:
        self._lock = threading.Lock()
        self._idle: dict[_Key, list[tuple[Link, float]]] = {}
        self._count = 0
        self._sweep_at = 0.0
        self._ca_file = ca_file or DEFAULT_CA_BUNDLE_PATH
        self._proxy = proxy
        self._tls: ssl.SSLContext | None = None

    def take(self, target: Target, addresses: Sequence[str]) -> Link | None:
        """A kept connection to one of `addresses` that the server hasn't closed."""
        for address in addresses:
            link = self._take(_key(target, address))
            if link is not None:
                return link
        return None

    def give(self, link: Link) -> None:
        """Keeps `link` for the next request; nothing may be left unread on it."""
        now = monotonic()
        with self._lock:
            if now > self._sweep_at or self._count >= MAX_IDLE:
                self._sweep(now)
            if self._count < MAX_IDLE:
                self._idle.setdefault(link.key, []).append((link, now))
                self._count += 1
                return
        link.sock.close()

    def open(self, target: Target, addresses: Sequence[str], deadline: float) -> Link:
        """A new connection; raises ConnectFailed, or RequestRefused by a proxy. Nothing of a request is sent."""
        tried = addresses[:MAX_TRIED]
        failure: DeliveryError = ConnectFailed(f"{target.host} has no address.")
        for waiting, address in zip(range(len(tried), 0, -1), tried, strict=True):
            try:
                sock = self._connect(target, address, (deadline - monotonic()) / waiting)
                return Link(sock, _key(target, address))
            except ssl.SSLError as error:
                raise ConnectFailed(_tls_failure(target, error)) from None
            except TimeoutError:
                failure = ConnectFailed(f"{target.host} didn't take the connection in time.")
            except OSError as error:
                failure = ConnectFailed(_refusal(target, error))
            except DeliveryError as error:
                failure = error
        raise failure

    def close(self) -> None:
        """Closes what is idle."""
        with self._lock:
            for kept in self._idle.values():
                for link, _ in kept:
                    link.sock.close()
            self._idle.clear()
            self._count = 0

    def _take(self, key: _Key) -> Link | None:
        while True:
            with self._lock:
                kept = self._idle.get(key)
                if not kept:
                    return None
                link, since = kept.pop()
                self._count -= 1
            # Readable while idle means closed by the server, or bytes that nobody asked for.
            if monotonic() - since < IDLE_FOR and not wait_for_read(link.sock, 0):
                return link
            link.sock.close()

    def _sweep(self, now: float) -> None:
        """Closes what has been idle for too long, and forgets names without connections."""
        for key, kept in list(self._idle.items()):
            fresh = [entry for entry in kept if now - entry[1] < IDLE_FOR]
            for link, _ in kept[: len(kept) - len(fresh)]:
                link.sock.close()
            self._count -= len(kept) - len(fresh)
            if fresh:
                self._idle[key] = fresh
            else:
                del self._idle[key]
        self._sweep_at = now + IDLE_FOR

    def _connect(self, target: Target, address: str, seconds: float) -> socket.socket:
        if seconds <= 0:
            raise TimeoutError
        until = monotonic() + seconds
        if self._proxy is None:
            sock = socket.create_connection((address, target.port), timeout=seconds)
        else:
            sock = self._proxy.connect(address, target.port, seconds)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "http":
                return sock
            sock.settimeout(max(until - monotonic(), 0.001))
            return self._context().wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:  # Two threads may both make it: one is lost, neither is wrong.
            context = ssl.create_default_context(cafile=self._ca_file)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.set_alpn_protocols(["http/1.1"])
            self._tls = context
        return self._tls


def _key(target: Target, address: str) -> _Key:
    return (target.scheme, address, target.port, target.host)


def _tls_failure(target: Target, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {target.host} isn't valid: {error.verify_message}."
    return f"{target.host} doesn't speak TLS as https needs it."


def _refusal(target: Target, error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return f"{target.host} refused the connection: nothing answers at port {target.port}."
    return f"{target.host} can't be reached."
