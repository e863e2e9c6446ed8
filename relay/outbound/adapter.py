"""The guard as a transport adapter of requests: mount it on a session, or call it directly as Sender does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from relay.errors import ConnectFailed, ConnectionLost, RequestRefused, SetupError
from relay.outbound.addresses import Guard
from relay.outbound.connections import Connections, Link
from relay.outbound.messages import Request, encode
from relay.outbound.ports import Ports
from relay.outbound.proxy import Proxy
from relay.outbound.resolver import Lookup, Resolver
from relay.outbound.urls import Target, parse
from relay.outbound.wire import Reply, Wire, read_reply


class Prepared(PreparedRequest):
    """A request that is whole already: `PreparedRequest.prepare` would take longer than sending it."""

    replayable = True
    only: tuple[str, ...] = ()

    @classmethod
    def of(cls, request: Request) -> Prepared:
        prepared = cls()
        prepared.method = request.method
        prepared.url = request.url
        prepared.headers = request.headers  # type: ignore[assignment] # any mapping of names serves
        prepared.body = request.body
        prepared.replayable = request.replayable
        prepared.only = request.only
        return prepared


def _unframed(request: PreparedRequest) -> PreparedRequest:
    """A session's request without the headers that frame a message: those are written here."""
    if isinstance(request, Prepared):
        return request
    copy = request.copy()
    for name in ("Connection", "Content-Length", "Transfer-Encoding", "Accept-Encoding"):
        copy.headers.pop(name, None)
    return copy


class Received(Response):
    """An answer, read whole or up to the adapter's `keep` bytes; `truncated`: there was more."""

    truncated = False


class GuardedAdapter(BaseAdapter):
    """Carries requests to judged addresses only; any number of threads at once. See Sender for the arguments.

    requests' own HTTPAdapter over urllib3 takes 212 microseconds of CPU a send on the machine of the design's
    table, a timeout that starts anew at each read, and has no place for the guard; this takes 35.
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
    ) -> None:
        super().__init__()
        self._instead = {_origin(old).origin: _origin(new) for old, new in origins.items()}
        self._ports = Ports(ports)
        self._resolver = Resolver(Guard(allowed_networks))
        self._connections = Connections(ca_file, Proxy(proxy) if proxy else None)
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
        """The answer, whatever its status, within `timeout` seconds in all.

        Raises RequestRefused, ConnectFailed, DeadlinePassed or ConnectionLost.
        """
        started = monotonic()
        deadline = started + (self._timeout if timeout is None else float(timeout))
        target = self._for_its_origins(request.url or "", getattr(request, "only", ()))
        data = encode(_unframed(request), target)
        addresses = self._judged(target, deadline).result()
        reply = None
        if getattr(request, "replayable", True) and (link := self._connections.take(target, addresses)):
            reply = self._over_kept(link, deadline, request.method or "", data)
        if reply is None:
            link = self._connections.open(target, addresses, deadline)
            reply = self._exchange(link, Wire(link.sock, deadline), request.method or "", data)
        return _received(reply, request, monotonic() - started)

    def close(self) -> None:
        """Closes the idle connections."""
        self._connections.close()

    def target(self, url: str) -> Target:
        """Where `url` really leads, after `origins`."""
        target = parse(url)
        if not self._instead:
            return target
        instead = self._instead.get(target.origin)
        return target if instead is None else replace(instead, path=target.path)

    def look_up(self, url: str, timeout: float) -> Lookup:
        """The judged addresses that a send to `url` would call; raises RequestRefused and ConnectFailed as it does."""
        return self._judged(self.target(url), monotonic() + timeout)

    def _judged(self, target: Target, deadline: float) -> Lookup:
        """Addresses before ports: at an address that is refused, all ports get the same answer."""
        if target.port in self._ports:
            return self._resolver.look_up(target, deadline)
        with suppress(ConnectFailed):
            lookup = self._resolver.look_up(target, deadline)
            if lookup.error is RequestRefused:
                return lookup
        raise self._ports.refusal(target.port)

    def _for_its_origins(self, url: str, only: tuple[str, ...]) -> Target:
        """Where `url` really leads; RequestRefused where the secrets of its request are not for its origin."""
        if only and (origin := parse(url).origin) not in only:
            raise RequestRefused(f"The credentials of the request are for {', '.join(only)}, not for {origin}.")
        return self.target(url)

    def _over_kept(self, link: Link, deadline: float, method: str, data: bytes) -> Reply | None:
        """The reply over a kept connection; None: it was closed, and nothing came back."""
        wire = Wire(link.sock, deadline)
        try:
            return self._exchange(link, wire, method, data)
        except ConnectionLost:
            if wire.received:
                raise
            return None

    def _exchange(self, link: Link, wire: Wire, method: str, data: bytes) -> Reply:
        reusable = False
        try:
            wire.send(data)
            reply = read_reply(wire, method, self._keep)
            reusable = reply.reusable
        finally:
            if reusable:
                self._connections.give(link)
            else:
                link.sock.close()
        return reply


def _received(reply: Reply, request: PreparedRequest, seconds: float) -> Received:
    received = Received()
    received.status_code = reply.status
    received.headers.update(reply.headers)
    received._content = reply.body
    received._content_consumed = True  # type: ignore[attr-defined]
    received.truncated = reply.truncated
    received.request = request
    received.url = request.url or ""
    received.elapsed = timedelta(seconds=seconds)
    return received


def _origin(text: str) -> Target:
    """An entry of `origins`, which is scheme, host and port alone."""
    try:
        target = parse(text)
    except RequestRefused as error:
        raise SetupError(f"RELAY_CONNECTOR_URLS has an entry that can't be read: {error}") from None
    if target.path != "/":
        raise SetupError(f"RELAY_CONNECTOR_URLS has an entry with a path: write {target.origin} without it.")
    return target
