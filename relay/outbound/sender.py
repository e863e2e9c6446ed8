"""Sends requests to judged addresses only, and reads bounded answers. All outgoing requests use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic

from relay.errors import DeliveryError
from relay.outbound.adapter import GuardedAdapter
from relay.outbound.mail import MailSender
from relay.outbound.messages import Answer, Request
from relay.outbound.tls import client_context
from relay.outbound.urls import parse


@dataclass(frozen=True, slots=True)
class UrlCheck:
    """Whether `url` may be called. `reason`: why not; `addresses`: the judged ones."""

    url: str
    allowed: bool
    reason: str
    addresses: tuple[str, ...]


class Sender:
    """Sends requests from any number of threads. Make one per process, after any fork.

    `allowed_networks`: networks allowed in addition to public addresses. `origins`: origins called in place of others,
    {"https://api.trello.com": "http://127.0.0.1:4010"}, and judged like any other. `timeout`: seconds for a whole send.
    `keep`: bytes of an answer's body. `ports`: the only allowed ones, such as 443 and 8000-8999; none: all but those of
    other protocols. `proxy`: URL of a proxy for all connections, whose targets are judged all the same. `ca_file`:
    certificates trusted in addition to the usual ones. `own`: Relay's own URLs, allowed although they lead to this
    machine. Raises SetupError for an invalid argument.
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
        own: Sequence[str] = (),
    ) -> None:
        self._adapter = GuardedAdapter(allowed_networks, origins or {}, timeout, keep, ca_file, ports, proxy, own)
        self._timeout = timeout
        self._mails = MailSender(self._adapter.open_for_mail, lambda: client_context(ca_file), _name(own))

    def send(self, request: Request, timeout: float | None = None) -> Answer:
        """Sends `request` and returns the answer, whatever its status. Redirects are not followed.

        Takes at most `timeout` seconds in all. Raises RequestRefused, ConnectFailed, SenderBusy, DeadlinePassed or
        ConnectionLost. If a kept connection breaks before the first byte of an answer, a replayable request is sent
        again on a new one, so it may arrive twice in rare cases.
        """
        if request.mail is not None:
            return self._mails.send(request.mail, self._timeout if timeout is None else timeout, request.owner)
        started = monotonic()
        reply = self._adapter.exchange(request, timeout)
        seconds = monotonic() - started
        return Answer(reply.status, reply.headers, reply.body, reply.truncated, seconds, fault=reply.fault)

    def check(self, url: str, timeout: float) -> UrlCheck:
        """Checks whether `url` may be called, without a request; looks its name up for at most `timeout` seconds."""
        addresses: tuple[str, ...] = ()
        try:
            lookup = self._adapter.look_up(url, timeout)
            addresses = lookup.addresses
            lookup.result()
        except DeliveryError as error:
            return UrlCheck(url, allowed=False, reason=str(error), addresses=addresses)
        return UrlCheck(url, allowed=True, reason="", addresses=addresses)

    def origin(self, url: str) -> str:
        """Scheme, host and port of `url` as written, without a default port."""
        return parse(url).origin

    def route(self, url: str) -> str:
        """The URL that is called for `url`, after `origins`."""
        target = self._adapter.target(url)
        return target.origin + target.path

    def close(self) -> None:
        """Closes the idle connections."""
        self._adapter.close()


def _name(own: Sequence[str]) -> str:
    """How Relay calls itself to mail servers: the name of its own URL."""
    for url in own:
        with suppress(DeliveryError):
            target = parse(url)
            if not target.literal:
                return target.host
    return "localhost"
