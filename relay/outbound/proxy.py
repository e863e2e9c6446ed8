"""Connects through the configured outbound proxy with CONNECT, to an address that is judged here."""

from __future__ import annotations

import base64
import socket
from contextlib import suppress
from time import monotonic
from urllib.parse import unquote

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from relay.errors import ConnectFailed, ConnectionLost, DeadlinePassed, DeliveryError, RequestRefused, SetupError
from relay.outbound.messages import AGENT
from relay.outbound.resolver import Resolver
from relay.outbound.urls import Target, parse
from relay.outbound.wire import Wire, parse_head

# Statuses about the proxy itself, not the target.
_TEMPORARY = frozenset({408, 425, 429})


class _Trusted:
    """Allows every address, because the administrator has named the proxy."""

    def is_shut_name(self, host: str) -> bool:
        return False

    def objection(self, text: str) -> None:
        return None

    def is_own(self, text: str) -> bool:
        return False


class Proxy:
    """An HTTP proxy by its URL, http://[user:password@]host:port. Raises SetupError for an invalid URL.

    The proxy gets addresses and never names, for http as well: it would look up again a name that was judged here.
    """

    def __init__(self, url: str) -> None:
        parts, self._target = _parsed(url)
        self._resolver = Resolver(_Trusted())
        lines = [f"User-Agent: {AGENT}"]
        if parts.auth:
            credentials = base64.b64encode(unquote(parts.auth).encode()).decode()
            lines.append(f"Proxy-Authorization: Basic {credentials}")
        self._headers = "\r\n".join([*lines, "", ""])

    def connect(self, address: str, port: int, seconds: float) -> socket.socket:
        """Opens a connection through the proxy. Raises ConnectFailed, or RequestRefused if the proxy refuses it."""
        until = monotonic() + seconds
        sock = self._reach(until)
        try:
            self._ask(Wire(sock, until), f"[{address}]:{port}" if ":" in address else f"{address}:{port}")
        except (DeadlinePassed, ConnectionLost):
            sock.close()
            raise ConnectFailed("The outbound proxy didn't open the connection.") from None
        except BaseException:
            sock.close()
            raise
        return sock

    def _reach(self, until: float) -> socket.socket:
        for address in self._resolver.look_up(self._target, until).result():
            left = until - monotonic()
            with suppress(OSError):
                return socket.create_connection((address, self._target.port), timeout=max(left, 0.001))
        raise ConnectFailed("The outbound proxy can't be reached.")

    def _ask(self, wire: Wire, authority: str) -> None:
        wire.send(f"CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{self._headers}".encode())
        _, status, headers = parse_head(wire.head())
        if not 200 <= status < 300:
            raise _refusal(status, headers)
        if not wire.is_empty:
            raise ConnectionLost("The proxy said something on its own.")


def _refusal(status: int, headers: dict[str, str]) -> DeliveryError:
    """The error for a status. Smokescreen refuses an address with 407, but without Proxy-Authenticate."""
    if status == 407 and "proxy-authenticate" in headers:
        return ConnectFailed("The outbound proxy wants a user name and password: RELAY_OUTBOUND_PROXY may hold them.")
    if 400 <= status < 500 and status not in _TEMPORARY:
        return RequestRefused(f"The outbound proxy refuses to connect there: it answered {status}.")
    return ConnectFailed(f"The outbound proxy didn't connect: it answered {status}.")


def _parsed(url: str) -> tuple[Url, Target]:
    try:
        parts = parse_url(url)
        target = parse(f"{parts.scheme}://{parts.netloc}")
    except (LocationParseError, RequestRefused):
        raise _unreadable() from None
    if target.scheme != "http" or not parts.port or parts.request_uri != "/" or parts.fragment:
        raise _unreadable()
    return parts, target


def _unreadable() -> SetupError:
    # The URL may hold a password, so it isn't shown.
    return SetupError("RELAY_OUTBOUND_PROXY must be http://host:port or http://user:password@host:port.")
