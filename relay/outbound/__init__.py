"""Sends a request with judged addresses, a pinned connection, one deadline and a bounded answer."""

from relay.outbound.adapter import GuardedAdapter
from relay.outbound.messages import METHODS, Answer, FilePart, Mail, Request, Security, Takes, check_headers
from relay.outbound.sender import Sender
from relay.outbound.tls import client_context
from relay.outbound.urls import check_url, exact, host_of, origin_of

__all__ = [
    "METHODS",
    "Answer",
    "FilePart",
    "GuardedAdapter",
    "Mail",
    "Request",
    "Security",
    "Sender",
    "Takes",
    "check_headers",
    "check_url",
    "client_context",
    "exact",
    "host_of",
    "origin_of",
]
