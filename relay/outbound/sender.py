"""The one way out: sends a request to a judged address and reads a bounded answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from relay.errors import DeliveryError
from relay.outbound.adapter import GuardedAdapter, Prepared
from relay.outbound.messages import Answer, Request
from relay.outbound.urls import parse


@dataclass(frozen=True, slots=True)
class Finding:
    """What a send to `url` would find before anything is sent. `reason` where it isn't allowed; `addresses` judged."""

    url: str
    allowed: bool
    reason: str
    addresses: tuple[str, ...]


class Sender:
    """Sends requests, any number of threads at once; one a process, made after any fork.

    `allowed_networks`: networks opened beyond the public addresses. `origins`: origins called in
    place of others, {"https://api.trello.com": "http://127.0.0.1:4010"}, judged like any other.
    `timeout`: seconds for all of a send. `keep`: bytes of an answer's body. `ports`: the only ones
    called, as 443 and 8000-8999; none: all but those of other protocols. `proxy`: URL of a proxy that
    all connections go through, judged like any other before. `ca_file`: certificates trusted in place
    of the usual ones. Raises SetupError where one of them can't be read.
    """

    def __init__(
        self,
        allowed_networks: Sequence[str] = (),
        origins: Mapping[str, str] | None = None,
        timeout: float = 15.0,
        keep: int = 256 * 1024,
        *,
        ports: Sequence[str] = (),
        proxy: str = "",
        ca_file: str | None = None,
    ) -> None:
        self._adapter = GuardedAdapter(allowed_networks, origins or {}, timeout, keep, ca_file, ports, proxy)

    def send(self, request: Request, timeout: float | None = None) -> Answer:
        """The answer to `request`, whatever its status: redirects are answers, never followed.

        All of it takes at most `timeout` seconds. Raises RequestRefused, ConnectFailed,
        DeadlinePassed or ConnectionLost. Where a kept connection breaks before a byte has come
        back, a replayable request is sent once more on a new one: rarely, it arrives twice.
        """
        received = self._adapter.send(Prepared.of(request), timeout=timeout)
        headers = dict(received.headers.lower_items())
        seconds = received.elapsed.total_seconds()
        return Answer(received.status_code, headers, received.content, received.truncated, seconds)

    def check(self, url: str, timeout: float) -> Finding:
        """Whether `url` may be called, sending nothing; its name is looked up for at most `timeout` seconds."""
        addresses: tuple[str, ...] = ()
        try:
            lookup = self._adapter.look_up(url, timeout)
            addresses = lookup.addresses
            lookup.result()
        except DeliveryError as error:
            return Finding(url, allowed=False, reason=str(error), addresses=addresses)
        return Finding(url, allowed=True, reason="", addresses=addresses)

    def origin(self, url: str) -> str:
        """Scheme, host and port of `url` as written, the usual port left out: for grouping."""
        return parse(url).origin

    def route(self, url: str) -> str:
        """The URL that is really called for `url`."""
        target = self._adapter.target(url)
        return target.origin + target.path

    def close(self) -> None:
        """Closes the idle connections."""
        self._adapter.close()
