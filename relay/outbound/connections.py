"""Opens connections to judged addresses, and keeps idle ones for later requests."""

from __future__ import annotations

import errno
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from urllib3.util.wait import wait_for_read

from relay.errors import ConnectFailed, DeliveryError, RequestRefused, SenderBusy, SetupError
from relay.outbound.addresses import OWN
from relay.outbound.proxy import Proxy
from relay.outbound.tls import client_context
from relay.outbound.urls import Target

IDLE_SECONDS = 30.0
MAX_IDLE = 256
MAX_IDLE_PER_WORKSPACE = MAX_IDLE // 4
MAX_TRIED_ADDRESSES = 3
# Errors for resources that Relay's own process or machine has run out of.
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN})

# Workspace, scheme, address, port, host. A socket is never shared between workspaces, because one of them may have made
# a server leave data on it, nor between names at the same address.
_Key = tuple[int, str, str, int, str]


@dataclass(frozen=True, slots=True)
class Link:
    """An open connection, and the key under which it is kept."""

    sock: socket.socket
    key: _Key


class Connections:
    """Keeps idle connections by workspace, judged address and name, the last used first. Thread-safe.

    `is_own(address)`: whether an address is this machine's and not allowed.
    """

    def __init__(self, ca_file: str | None, proxy: Proxy | None, is_own: Callable[[str], bool]) -> None:
        self._is_own = is_own
        self._lock = threading.Lock()
        self._idle: dict[_Key, list[tuple[Link, float]]] = {}
        self._counts: Counter[int] = Counter()  # by workspace
        self._sweep_at = 0.0
        self._ca_file = ca_file
        if ca_file:
            _check_certificates(ca_file)
        self._proxy = proxy
        self._tls: ssl.SSLContext | None = None

    def take(self, target: Target, addresses: Sequence[str], owner: int = 0) -> Link | None:
        """A kept connection of `owner`, a workspace, to one of `addresses` that the server hasn't closed."""
        for address in addresses:
            link = self._take(_key(target, address, owner))
            if link is not None:
                return link
        return None

    def give(self, link: Link) -> None:
        """Keeps `link` for a later request. Everything on it must have been read."""
        now = monotonic()
        owner = link.key[0]
        with self._lock:
            if now > self._sweep_at or self._counts.total() >= MAX_IDLE:
                self._sweep(now)
            if self._counts[owner] < min(MAX_IDLE_PER_WORKSPACE, MAX_IDLE - self._counts.total()):
                self._idle.setdefault(link.key, []).append((link, now))
                self._counts[owner] += 1
                return
        link.sock.close()

    def open(
        self, target: Target, addresses: Sequence[str], deadline: float, owner: int = 0, *, may_be_own: bool = False
    ) -> Link:
        """Opens a connection. Raises ConnectFailed, SenderBusy or RequestRefused. Sends no part of a request.

        `may_be_own`: allow this machine itself.
        """
        tried = addresses[:MAX_TRIED_ADDRESSES]
        failure: DeliveryError = ConnectFailed(f"{target.host} has no address.")
        for remaining, address in zip(range(len(tried), 0, -1), tried, strict=True):
            try:
                sock = self._connect(target, address, (deadline - monotonic()) / remaining, may_be_own=may_be_own)
                return Link(sock, _key(target, address, owner))
            except ssl.SSLError as error:
                raise ConnectFailed(_tls_failure(target, error)) from None
            except TimeoutError:
                failure = ConnectFailed(f"{target.host} didn't take the connection in time.")
            except OSError as error:
                failure = _failure(target, error)
            except RequestRefused:
                raise
            except DeliveryError as error:
                failure = error
        raise failure

    def close(self) -> None:
        """Closes the idle connections."""
        with self._lock:
            for kept in self._idle.values():
                for link, _ in kept:
                    link.sock.close()
            self._idle.clear()
            self._counts.clear()

    def _take(self, key: _Key) -> Link | None:
        while True:
            with self._lock:
                kept = self._idle.get(key)
                if not kept:
                    return None
                link, since = kept.pop()
                self._counts[key[0]] -= 1
            # Readable while idle: closed by the server, or unexpected bytes.
            if monotonic() - since < IDLE_SECONDS and not wait_for_read(link.sock, 0):
                return link
            link.sock.close()

    def _sweep(self, now: float) -> None:
        """Closes connections that were idle for too long, and removes keys without connections."""
        for key, kept in list(self._idle.items()):
            fresh = [entry for entry in kept if now - entry[1] < IDLE_SECONDS]
            for link, _ in kept[: len(kept) - len(fresh)]:
                link.sock.close()
            self._counts[key[0]] -= len(kept) - len(fresh)
            if fresh:
                self._idle[key] = fresh
            else:
                del self._idle[key]
        self._counts = +self._counts
        self._sweep_at = now + IDLE_SECONDS

    def _connect(self, target: Target, address: str, seconds: float, *, may_be_own: bool) -> socket.socket:
        if seconds <= 0:
            raise TimeoutError
        until = monotonic() + seconds
        if self._proxy is None:
            sock = socket.create_connection((address, target.port), timeout=seconds)
        else:
            sock = self._proxy.connect(address, target.port, seconds)
        try:
            if self._proxy is None and not may_be_own:
                self._check_elsewhere(sock, target, address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if target.scheme == "http":
                return sock
            sock.settimeout(max(until - monotonic(), 0.001))
            return self._context().wrap_socket(sock, server_hostname=target.host)
        except BaseException:
            sock.close()
            raise

    def _check_elsewhere(self, sock: socket.socket, target: Target, address: str) -> None:
        """Refuses a connection whose ends have the same address: the machine got it after it was judged."""
        if sock.getsockname()[0] == sock.getpeername()[0] and self._is_own(address):
            raise RequestRefused(f"{target.host} {OWN}.")

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:  # Two threads may both make one, which does no harm.
            context = client_context(self._ca_file)
            context.set_alpn_protocols(["http/1.1"])
            self._tls = context
        return self._tls


def _check_certificates(file: str) -> None:
    """Raises SetupError if a file is not a PEM bundle of certificates."""
    hint = "RELAY_CA_FILE must be a file of certificates in PEM, each from BEGIN CERTIFICATE to END CERTIFICATE"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(file)
    except ssl.SSLError:
        raise SetupError(f"{hint}; there is none in {file}, or one is damaged.") from None
    except OSError as error:
        raise SetupError(f"{hint}; {file} can't be read: {error.strerror}.") from None
    if not context.cert_store_stats()["x509"]:
        raise SetupError(f"{hint}; there is none in {file}.")


def _key(target: Target, address: str, owner: int) -> _Key:
    return (owner, target.scheme, address, target.port, target.host)


def _tls_failure(target: Target, error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"The certificate of {target.host} isn't valid: {error.verify_message}."
    return f"{target.host} doesn't speak TLS as https needs it."


def _failure(target: Target, error: OSError) -> DeliveryError:
    if isinstance(error, ConnectionRefusedError):
        return ConnectFailed(f"{target.host} refused the connection: nothing answers at port {target.port}.")
    if error.errno in _EXHAUSTED:
        return SenderBusy("Relay can't open another connection: the system has none left for it.")
    return ConnectFailed(f"{target.host} can't be reached.")
