"""Turns a host into judged addresses: looked up once, all judged, kept for seconds."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass, field
from itertools import zip_longest
from time import monotonic
from typing import Protocol

from relay.errors import ConnectFailed, DeliveryError, RequestRefused
from relay.outbound.urls import Target

KEPT_FOR = 10.0
UNKNOWN_FOR = 1.0
MAX_KEPT = 1024
MAX_LOOKUPS = 64


@dataclass(slots=True)
class Lookup:
    """One lookup; `addresses` or `error` is there once `done` is set."""

    host: str
    addresses: tuple[str, ...] = ()
    error: type[DeliveryError] | None = ConnectFailed
    reason: str = "is unknown, or DNS doesn't answer"
    until: float = 0.0
    done: threading.Event = field(default_factory=threading.Event)

    def result(self) -> tuple[str, ...]:
        """Addresses that may all be called. Raises RequestRefused if any may not, ConnectFailed for an unknown name."""
        if self.error is not None:
            raise self.error(f"{self.host} {self.reason}.")
        return self.addresses


class Judge(Protocol):
    """See Guard."""

    def is_shut_name(self, host: str) -> bool: ...
    def objection(self, text: str) -> str | None: ...


class Resolver:
    """Judged addresses by host, one lookup of a host at a time; thread-safe."""

    def __init__(self, guard: Judge) -> None:
        self._guard = guard
        self._lock = threading.Lock()
        self._kept: dict[str, Lookup] = {}
        self._running: dict[str, Lookup] = {}

    def look_up(self, target: Target, deadline: float) -> Lookup:
        """What is known of `target`; ConnectFailed if its lookup isn't over by `deadline` (monotonic seconds)."""
        lookup = self._kept.get(target.host)
        if lookup is None or lookup.until < monotonic():
            lookup = self._begun(target)
            if not lookup.done.wait(max(deadline - monotonic(), 0)):
                raise ConnectFailed(f"Looking up the address of {target.host} took too long.")
        return lookup

    def _begun(self, target: Target) -> Lookup:
        if target.literal or self._guard.is_shut_name(target.host):
            lookup = Lookup(target.host)
            self._judge(lookup, (target.host,))
            self._finish(lookup)
            return lookup
        with self._lock:
            running = self._running.get(target.host)
            if running is not None:
                return running
            if len(self._running) >= MAX_LOOKUPS:
                raise ConnectFailed("Too many names are being looked up: the DNS server is slow.")
            lookup = self._running[target.host] = Lookup(target.host)
        self._start(lookup)
        return lookup

    def _start(self, lookup: Lookup) -> None:
        """In a thread of its own: getaddrinfo has no deadline."""
        thread = threading.Thread(target=self._run, args=(lookup,), daemon=True)
        try:
            thread.start()
        except RuntimeError:
            lookup.reason = "can't be looked up: Relay has no thread left"
            self._finish(lookup)

    def _run(self, lookup: Lookup) -> None:
        try:
            self._judge(lookup, _answers(lookup.host))
        except (OSError, UnicodeError):
            pass  # The lookup says so from the start.
        finally:
            self._finish(lookup)

    def _judge(self, lookup: Lookup, answers: tuple[str, ...]) -> None:
        objections = [self._guard.objection(answer) for answer in answers]
        reasons = sorted(filter(None, objections))
        lookup.addresses = answers
        lookup.error = RequestRefused if reasons else None
        lookup.reason = reasons[0] if reasons else ""

    def _finish(self, lookup: Lookup) -> None:
        unknown = lookup.error is ConnectFailed
        lookup.until = monotonic() + (UNKNOWN_FOR if unknown else KEPT_FOR)
        with self._lock:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[lookup.host] = lookup
            self._running.pop(lookup.host, None)
        lookup.done.set()


def _answers(host: str) -> tuple[str, ...]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return _by_turns(list(dict.fromkeys(str(entry[4][0]) for entry in found)))


def _by_turns(addresses: list[str]) -> tuple[str, ...]:
    """IPv6 and IPv4 in turn, the first stays first: a service with many of a kind that has no way there is reached."""
    first = [one for one in addresses if (":" in one) == (":" in addresses[0])]
    other = [one for one in addresses if one not in first]
    pairs = zip_longest(first, other)
    return tuple(one for pair in pairs for one in pair if one is not None)
