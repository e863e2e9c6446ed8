"""Checks a request before its body is read: method, encoding, loops, address and rate. Each raises with a reason."""

from __future__ import annotations

import math

from relay.bodies import content_encoding
from relay.engine.intake.event_data import MAX_HOPS
from relay.engine.intake.trigger_cache import CachedTrigger
from relay.flows import cors
from relay.ingest.http_errors import EarlyAnswer, RequestRejected
from relay.ingest.inbound_request import InboundRequest
from relay.ingest.responses import encoded
from relay.models import Why
from relay.token_bucket import Rate

_CORS = frozenset(
    (
        "vary",
        *(
            f"access-control-{name}"
            for name in (
                "allow-origin",
                "allow-methods",
                "allow-headers",
                "allow-credentials",
                "max-age",
                "allow-private-network",
            )
        ),
    )
)


def head(request: InboundRequest, trigger: CachedTrigger) -> None:
    """Refuse a request for its method, its sender's address or a header."""
    headers = request.headers
    if not may_be_handshake(request.method, trigger):
        check_method(request.method, trigger)
    if trigger.allowed is not None and request.remote not in trigger.allowed:
        raise RequestRejected(
            403, Why.ADDRESS, f"It came from {request.remote or 'no address'}, which the trigger does not allow"
        )
    if "content-encoding" in headers:
        _encoding(headers["content-encoding"].lower())
    if "transfer-encoding" in headers:
        _transfer(headers["transfer-encoding"].lower())
    if "relay-hops" in headers:
        _hops(headers["relay-hops"])
    if "relay-budget" in headers:
        _budget(headers["relay-budget"])


def host(request: InboundRequest) -> None:
    """Refuse an HTTP/1.1 request without exactly one Host header: a proxy may have read another one than Relay."""
    name = request.headers.get("host", "")  # Granian passes an empty one if there is none.
    if request.is_http_1_1 and (not name or "," in name):
        raise EarlyAnswer(400, "Send one Host header")


def check_starts_by_url(trigger: CachedTrigger) -> None:
    if trigger.settings.kind != "webhook":
        raise EarlyAnswer(404, "This flow does not start by its URL")


def stores_nothing(method: str, trigger: CachedTrigger) -> bool:
    """Return whether such a request is answered without storing an event."""
    return trigger.settings.kind != "webhook" or is_probe(method, trigger)


def may_be_handshake(method: str, trigger: CachedTrigger) -> bool:
    """Return whether senders use this method for a handshake, which is no event."""
    return trigger.verifier is not None and method in trigger.verifier.methods


def check_method(method: str, trigger: CachedTrigger) -> None:
    """Refuse an event with a method that the trigger doesn't allow."""
    if method not in trigger.settings.methods:
        taken = ", ".join(trigger.settings.methods)
        reason = f"It came as {method[:20]}; this URL takes {taken}"
        raise RequestRejected(405, Why.METHOD, reason, message=f"This URL takes {taken}", headers=[allow(trigger)])


def is_probe(method: str, trigger: CachedTrigger) -> bool:
    """Return whether a request only asks which methods and headers the URL allows."""
    return (
        method in ("OPTIONS", "HEAD")
        and method not in trigger.settings.methods
        and not may_be_handshake(method, trigger)
    )


def allow(trigger: CachedTrigger) -> tuple[bytes, bytes]:
    return b"allow", ", ".join([*trigger.settings.methods, "HEAD", "OPTIONS"]).encode()


def probe_headers(method: str, origin: str, trigger: CachedTrigger) -> list[tuple[bytes, bytes]]:
    """Return the headers that answer a probe; for OPTIONS also the CORS headers for `origin`, the page's."""
    headers = [allow(trigger)]
    allowed = cors.headers_for(trigger.cors, origin) if method == "OPTIONS" else {}
    if not allowed:
        return headers
    cors_headers = {"access-control-allow-methods": ", ".join(trigger.settings.methods), **allowed}
    return [*headers, *encoded({name: value for name, value in cors_headers.items() if name in _CORS}).items()]


def _encoding(encoding: str) -> None:
    if not content_encoding.is_known(encoding):
        reason = f"The body came with Content-Encoding: {encoding[:40]}; Relay unpacks gzip, deflate and br"
        raise RequestRejected(
            415, Why.ENCODING, reason, message="Send the body with gzip, deflate or br, or not packed"
        )


def _transfer(encoding: str) -> None:
    """Refuse Transfer-Encodings such as `gzip, chunked`: Granian accepts them, and doesn't decompress the body."""
    if encoding != "chunked":
        reason = f"The body came with Transfer-Encoding: {encoding[:40]}, and bodies are not unpacked"
        raise RequestRejected(
            400, Why.ENCODING, reason, message="Send the body without any Transfer-Encoding but chunked"
        )


def _hops(text: str) -> None:
    hops = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else MAX_HOPS + 1
    if hops > MAX_HOPS:
        reason = f"It went from flow to flow {text[:10]} times; flows that call each other in circles end here"
        # Not 508: the sending flow would retry that.
        raise RequestRejected(400, Why.LOOP, reason, message=f"Relay-Hops is over {MAX_HOPS}")


def _budget(text: str) -> None:
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text)):
        reason = "Flows that call each other have led to as many runs as one event may; what goes in circles ends here"
        raise RequestRejected(400, Why.LOOP, reason, message="Relay-Budget is used up")


def rate(wait: float, limit: Rate) -> None:
    """Refuse a request if the trigger's rate demands a wait of `wait` seconds."""
    if wait:
        raise RequestRejected(
            429, Why.RATE, f"More came than {limit.text}, which this URL takes", headers=[_retry_after(wait)]
        )


def address_rate(wait: float, limit: Rate, remote: str) -> None:
    """Refuse a request if the rate of its sender's address demands a wait of `wait` seconds."""
    if wait:
        reason = f"More came from {remote} than {limit.text}, which each address may send"
        raise RequestRejected(429, Why.RATE, reason, headers=[_retry_after(wait)])


def too_many_requests(wait: float) -> EarlyAnswer:
    """Return the response for an address that was refused too often."""
    return EarlyAnswer(429, "Too Many Requests", [_retry_after(wait)])


def _retry_after(wait: float) -> tuple[bytes, bytes]:
    return b"retry-after", str(max(1, math.ceil(wait))).encode()
