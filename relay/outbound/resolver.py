"""Looks up the addresses of a host once, judges all of them, and keeps them for seconds."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from itertools import zip_longest
from time import monotonic
from typing import Protocol

from relay.errors import ConnectFailed, DeliveryError, RequestRefused, SenderBusy
from relay.outbound.urls import Target

KEPT_SECONDS = 10.0
UNKNOWN_SECONDS = 1.0
MAX_KEPT = 1024
MAX_LOOKUPS = 64
# Of those, the lookups of one workspace. It gets fewer if fewer are free, so that there is always room for another
# workspace.
MAX_LOOKUPS_PER_WORKSPACE = MAX_LOOKUPS // 4
# How long a send waits for room to look up a name; longer than a name server usually takes.
MAX_WAIT_SECONDS = 2.0


@dataclass(slots=True)
class DnsLookup:
    """A lookup. `addresses` or `error` is set once `done` is.

    `owner`: the workspace for which it counts until it ends, even if its send has given up. `is_own`: whether an
    address is this machine's.
    """

    host: str
    owner: int = 0
    is_own: bool = False
    addresses: tuple[str, ...] = ()
    error: type[DeliveryError] | None = ConnectFailed
    reason: str = "is unknown, or DNS doesn't answer"
    until: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)

    def result(self) -> tuple[str, ...]:
        """The allowed addresses. Raises RequestRefused if one is not allowed, ConnectFailed for an unknown name."""
        if self.error is not None:
            raise self.error(f"{self.host} {self.reason}.")
        return self.addresses


class AddressJudge(Protocol):
    """See AddressGuard."""

    def is_shut_name(self, host: str) -> bool: ...
    def objection(self, text: str) -> str | None: ...
    def is_own(self, text: str) -> bool: ...


class Resolver:
    """Caches judged addresses by host, with one lookup per host at a time. Thread-safe."""

    def __init__(self, guard: AddressJudge) -> None:
        self._guard = guard
        self._lock = threading.Condition()
        self._kept: dict[str, DnsLookup] = {}
        self._running: dict[str, DnsLookup] = {}

    def look_up(self, target: Target, deadline: float, owner: int = 0) -> DnsLookup:
        """The lookup of `target`. Raises ConnectFailed if it takes longer than `deadline` (monotonic seconds), and
        SenderBusy if it can't start, because too many lookups of all workspaces or of the same `owner` are running."""
        lookup = self._kept.get(target.host)
        if lookup is None or lookup.until < monotonic():
            lookup = self._begun(target, deadline, owner)
            if not lookup.done.wait(max(deadline - monotonic(), 0)):
                raise ConnectFailed(f"Looking up the address of {target.host} took too long.")
        return lookup

    def _begun(self, target: Target, deadline: float, owner: int) -> DnsLookup:
        if target.literal or self._guard.is_shut_name(target.host):
            lookup = DnsLookup(target.host)
            self._judge(lookup, (target.host,))
            self._finish(lookup)
            return lookup
        with self._lock:
            wait_seconds = min(MAX_WAIT_SECONDS, deadline - monotonic())
            if not self._lock.wait_for(lambda: target.host in self._running or self._has_room(owner), wait_seconds):
                raise SenderBusy("Too many names are being looked up: the DNS server is slow.")
            running = self._running.get(target.host)
            if running is not None:
                return running
            lookup = self._running[target.host] = DnsLookup(target.host, owner)
        self._start(lookup)
        return lookup

    def _has_room(self, owner: int) -> bool:
        mine = sum(lookup.owner == owner for lookup in self._running.values())
        return mine < min(MAX_LOOKUPS_PER_WORKSPACE, MAX_LOOKUPS - len(self._running))

    def _start(self, lookup: DnsLookup) -> None:
        """Starts a thread for the lookup, because getaddrinfo has no deadline."""
        thread = threading.Thread(target=self._run, args=(lookup,), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            lookup.error, lookup.reason = SenderBusy, "can't be looked up: Relay has no thread left"
            self._finish(lookup)

    def _run(self, lookup: DnsLookup) -> None:
        try:
            self._judge(lookup, _answers(lookup.host))
        except (OSError, UnicodeError):
            pass  # That is the initial state of a lookup.
        finally:
            self._finish(lookup)

    def _judge(self, lookup: DnsLookup, answers: tuple[str, ...]) -> None:
        objections = [self._guard.objection(answer) for answer in answers]
        reasons = sorted(filter(None, objections))
        lookup.addresses = answers
        lookup.is_own = any(self._guard.is_own(answer) for answer in answers)
        lookup.error = RequestRefused if reasons else None
        lookup.reason = reasons[0] if reasons else ""

    def _finish(self, lookup: DnsLookup) -> None:
        unknown = lookup.error in (ConnectFailed, SenderBusy)
        lookup.until = monotonic() + (UNKNOWN_SECONDS if unknown else KEPT_SECONDS)
        with self._lock:
            self._kept.pop(lookup.host, None)
            while len(self._kept) >= MAX_KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[lookup.host] = lookup
            self._running.pop(lookup.host, None)
            self._lock.notify_all()
        lookup.done.set()


def _answers(host: str) -> tuple[str, ...]:
    entries = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return _alternate(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))


def _alternate(addresses: list[str]) -> tuple[str, ...]:
    """Alternates IPv6 and IPv4, with the first one first, so that a service is reached if one kind has no route."""
    first = [address for address in addresses if (":" in address) == (":" in addresses[0])]
    other = [address for address in addresses if address not in first]
    pairs = zip_longest(first, other)
    return tuple(address for pair in pairs for address in pair if address is not None)
