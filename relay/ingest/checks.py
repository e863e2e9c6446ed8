"""Checks that need no body: method, encoding, circles, address and rate. Each refuses with its reason."""

from __future__ import annotations

import math

from relay.buckets import Rate
from relay.engine.doors import Door
from relay.ingest.answers import Answer, Refused, Scope
from relay.models import Why

# Flows that call each other's URLs hand on how often that was so; more often is a circle.
MOST_HOPS = 10


def head(method: str, headers: dict[str, str], remote: str, door: Door) -> None:
    """Refuse what need not be read to be refused."""
    if not may_shake(method, door):
        taken_as(method, door)
    if door.allowed is not None and remote not in door.allowed:
        raise Refused(403, Why.ADDRESS, f"It came from {remote or 'no address'}, which the trigger does not allow")
    if "content-encoding" in headers:
        _encoding(headers["content-encoding"].lower())
    if "transfer-encoding" in headers:
        _transfer(headers["transfer-encoding"].lower())
    if "relay-hops" in headers:
        _hops(headers["relay-hops"])


def host(scope: Scope, headers: dict[str, str]) -> None:
    """Refuse what is addressed to no host or to several, as HTTP/1.1 wants it: a proxy may have read another one."""
    name = headers.get("host", "")  # The server gives an empty one where there is none.
    if scope.get("http_version") == "1.1" and (not name or "," in name):
        raise Answer(400, "Send one Host header")


def may_shake(method: str, door: Door) -> bool:
    """Whether senders ask in this way for what is no event."""
    return door.guard is not None and method in door.guard.methods


def taken_as(method: str, door: Door) -> None:
    """Refuse an event that comes by another method than the trigger's."""
    if method not in door.settings.methods:
        taken = ", ".join(door.settings.methods)
        reason = f"It came as {method[:20]}; this URL takes {taken}"
        raise Refused(405, Why.METHOD, reason, message=f"This URL takes {taken}", headers=[allow(door)])


def is_probe(method: str, door: Door) -> bool:
    """Whether a request only asks what there is."""
    return method in ("OPTIONS", "HEAD") and method not in door.settings.methods and not may_shake(method, door)


def allow(door: Door) -> tuple[bytes, bytes]:
    return b"allow", ", ".join([*door.settings.methods, "HEAD", "OPTIONS"]).encode()


def _encoding(encoding: str) -> None:
    if encoding not in ("", "identity"):
        reason = f"The body came with Content-Encoding: {encoding[:40]}, and bodies are not unpacked"
        raise Refused(415, Why.ENCODING, reason, message="Send the body without Content-Encoding")


def _transfer(encoding: str) -> None:
    """The server in front takes `gzip, chunked` too, and hands over what is still packed."""
    if encoding != "chunked":
        reason = f"The body came with Transfer-Encoding: {encoding[:40]}, and bodies are not unpacked"
        raise Refused(400, Why.ENCODING, reason, message="Send the body without any Transfer-Encoding but chunked")


def _hops(text: str) -> None:
    hops = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else MOST_HOPS + 1
    if hops > MOST_HOPS:
        reason = f"It went from flow to flow {text[:10]} times; flows that call each other in circles end here"
        # Not 508: that would be tried again.
        raise Refused(400, Why.LOOP, reason, message=f"Relay-Hops is over {MOST_HOPS}")


def rate(wait: float, of: Rate) -> None:
    """Refuse where the trigger's rate leaves `wait` seconds to wait."""
    if wait:
        raise Refused(429, Why.RATE, f"More came than {of.text}, which this URL takes", headers=[_retry_after(wait)])


def address_rate(wait: float, of: Rate, remote: str) -> None:
    """Refuse where the rate of one address leaves `wait` seconds to wait."""
    if wait:
        reason = f"More came from {remote} than {of.text}, which each address may send"
        raise Refused(429, Why.RATE, reason, headers=[_retry_after(wait)])


def too_many(wait: float) -> Answer:
    """What an address is told that was refused too often."""
    return Answer(429, "Too Many Requests", [_retry_after(wait)])


def _retry_after(wait: float) -> tuple[bytes, bytes]:
    return b"retry-after", str(max(1, math.ceil(wait))).encode()
