"""Implements the guarded exchange as a transport adapter of requests, for sessions or direct use by Sender."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any

from msgspec import structs
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from relay.bodies import content_encoding
from relay.errors import ConnectFailed, ConnectionLost, PayloadError, RequestRefused, SetupError, ValueRefused
from relay.outbound.addresses import OWN, AddressGuard
from relay.outbound.connections import Connections, Link
from relay.outbound.mail import MAIL_PORTS
from relay.outbound.messages import Request, encode
from relay.outbound.ports import Ports
from relay.outbound.proxy import Proxy
from relay.outbound.resolver import DnsLookup, Resolver
from relay.outbound.urls import Target, parse
from relay.outbound.wire import Wire, WireResponse, read_reply

_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "accept-encoding"})


class Received(Response):
    """An answer, decompressed, up to the adapter's `keep` bytes; `truncated` and `fault` as in Answer."""

    truncated = False
    fault = ""


class GuardedAdapter(BaseAdapter):
    """Sends requests to judged addresses only, from any number of threads. See Sender for the arguments.

    `send` is for sessions of requests; Sender calls `exchange`, which creates no objects of requests.

    requests' own HTTPAdapter takes 212 microseconds of CPU for a send, restarts its timeout at each read, and has no
    place for the guard; this adapter takes 35.
    """

    def __init__(
        self,
        allowed_networks: Sequence[str],
        origins: Mapping[str, str],
        timeout: float,
        keep: int,
        ca_file: str | None,
        ports: Sequence[str] = (),
        proxy: str = "",
        own: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self._own = frozenset(_own_origins(own))
        self._instead = {_origin(old).origin: _origin(new) for old, new in origins.items()}
        self._ports = Ports(ports)
        guard = AddressGuard(allowed_networks)
        self._resolver = Resolver(guard)
        self._connections = Connections(ca_file, Proxy(proxy) if proxy else None, guard.is_own)
        self._timeout = timeout
        self._keep = keep

    def send(
        self,
        request: PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> Received:
        """Sends a request of a session; like `exchange`."""
        started = monotonic()
        reply = self.exchange(_request(request), timeout)
        return _received(reply, request, monotonic() - started)

    def exchange(self, request: Request, timeout: float | None = None) -> WireResponse:
        """Sends a request and returns the answer, whatever its status, within `timeout` seconds in all.

        Raises RequestRefused, ConnectFailed, SenderBusy, DeadlinePassed or ConnectionLost.
        """
        deadline = monotonic() + (self._timeout if timeout is None else float(timeout))
        target = self._for_its_origins(request.url, request.only)
        data = encode(request, target)
        addresses = self._judged(target, deadline, request.owner).result()
        reply = None
        if request.replayable and (link := self._connections.take(target, addresses, request.owner)):
            reply = self._over_kept(link, deadline, request, data)
        if reply is None:
            may_be_own = target.origin in self._own
            link = self._connections.open(target, addresses, deadline, request.owner, may_be_own=may_be_own)
            reply = self._exchange(link, Wire(link.sock, deadline), request, data)
        return _unpacked(reply, self._keep)

    def close(self) -> None:
        """Closes the idle connections."""
        self._connections.close()

    def target(self, url: str) -> Target:
        """The target of `url`, after `origins`."""
        target = parse(url)
        if not self._instead:
            return target
        instead = self._instead.get(target.origin)
        return target if instead is None else replace(instead, path=target.path)

    def look_up(self, url: str, timeout: float) -> DnsLookup:
        """The judged addresses that a send to `url` would call; raises RequestRefused and ConnectFailed like a send."""
        return self._judged(self.target(url), monotonic() + timeout)

    def open_for_mail(self, host: str, port: int, deadline: float, owner: int = 0) -> socket.socket:
        """A connection to a mail server, without TLS. Raises as `exchange` does before anything is sent."""
        target = parse(f"http://{f'[{host}]' if ':' in host else host}:{port}")
        if target.path != "/":
            raise ValueRefused("The host of a mail server is a name or an address.")
        lookup = self._elsewhere(target, self._resolver.look_up(target, deadline, owner))
        addresses = lookup.result()
        if port not in MAIL_PORTS and port not in self._ports:
            raise self._ports.refusal(port)
        return self._connections.open(target, addresses, deadline, owner).sock

    def _judged(self, target: Target, deadline: float, owner: int = 0) -> DnsLookup:
        """Judges addresses before ports, so that all ports of a refused address get the same error."""
        if target.port in self._ports:
            return self._elsewhere(target, self._resolver.look_up(target, deadline, owner))
        with suppress(ConnectFailed):
            lookup = self._elsewhere(target, self._resolver.look_up(target, deadline, owner))
            if lookup.error is RequestRefused:
                return lookup
        raise self._ports.refusal(target.port)

    def _elsewhere(self, target: Target, lookup: DnsLookup) -> DnsLookup:
        """The lookup, refused if it leads to this machine itself but not to Relay's own URL."""
        if lookup.is_own and lookup.error is None and target.origin not in self._own:
            return replace(lookup, error=RequestRefused, reason=OWN)
        return lookup

    def _for_its_origins(self, url: str, only: tuple[str, ...]) -> Target:
        """The target of `url`. Raises RequestRefused if the request's secrets are not for its origin."""
        if only and (origin := parse(url).origin) not in only:
            raise RequestRefused(f"The credentials of the request are for {', '.join(only)}, not for {origin}.")
        return self.target(url)

    def _over_kept(self, link: Link, deadline: float, request: Request, data: bytes) -> WireResponse | None:
        """The reply over a kept connection; None if it was closed before a byte of the answer."""
        wire = Wire(link.sock, deadline)
        try:
            return self._exchange(link, wire, request, data)
        except ConnectionLost:
            if wire.received:
                raise
            return None

    def _exchange(self, link: Link, wire: Wire, request: Request, data: bytes) -> WireResponse:
        reusable = False
        try:
            wire.send(data)
            if request.parts:
                _send_parts(wire, request)
            reply = read_reply(wire, request.method, self._keep, request.receive)
            reusable = reply.reusable
        finally:
            if reusable:
                self._connections.give(link)
            else:
                link.sock.close()
        return reply


def _send_parts(wire: Wire, request: Request) -> None:
    """Sends a body in parts. Nothing more is sent once the server has closed its side: it may have answered."""
    for part in request.parts:
        for piece in (part,) if isinstance(part, bytes) else part.open():
            if not wire.send(piece):
                return


def _unpacked(reply: WireResponse, keep: int) -> WireResponse:
    """The answer with its body decompressed. Requests don't ask for compression, but some servers compress."""
    coding = reply.headers.get("content-encoding", "")
    if not coding or not content_encoding.is_compressed(coding) or not content_encoding.is_known(coding):
        return structs.replace(reply, fault=_cut_at(keep)) if reply.truncated else reply
    try:
        body, is_cut = content_encoding.decompress(reply.body, coding, keep, is_whole=not reply.truncated)
    except PayloadError as error:
        return structs.replace(reply, body=b"", fault=f"{str(error)[:1].lower()}{str(error)[1:]}")
    is_cut = is_cut or reply.truncated
    return structs.replace(reply, body=body, truncated=is_cut, fault=_cut_at(keep) if is_cut else "")


def _cut_at(keep: int) -> str:
    size = f"{keep >> 10:,} KiB" if keep >= 1024 else f"{keep} bytes"
    return f"the answer was cut at {size}"


def _request(prepared: PreparedRequest) -> Request:
    """A session's request without the headers that frame a message, which are written here."""
    headers = {name: str(value) for name, value in prepared.headers.items() if name.lower() not in _FRAMING}
    body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
    return Request(prepared.method or "", prepared.url or "", headers, body)


def _received(reply: WireResponse, request: PreparedRequest, seconds: float) -> Received:
    received = Received()
    received.status_code = reply.status
    received.headers.update(reply.headers)
    received._content = reply.body
    received._content_consumed = True  # type: ignore[attr-defined]
    received.truncated = reply.truncated
    received.fault = reply.fault
    received.request = request
    received.url = request.url or ""
    received.elapsed = timedelta(seconds=seconds)
    return received


def _own_origins(urls: Sequence[str]) -> Iterator[str]:
    for url in urls:
        with suppress(RequestRefused):  # No flow can call it.
            yield parse(url).origin


def _origin(text: str) -> Target:
    """Parses an entry of `origins`, which consists of scheme, host and port."""
    try:
        target = parse(text)
    except RequestRefused as error:
        raise SetupError(f"RELAY_CONNECTOR_URLS has an entry that can't be read: {error}") from None
    if target.path != "/":
        raise SetupError(f"RELAY_CONNECTOR_URLS has an entry with a path: write {target.origin} without it.")
    return target
