"""Sends one request: address guard, pinned address, one deadline, bounded answer."""

from relay.outbound.adapter import GuardedAdapter
from relay.outbound.messages import METHODS, Answer, Request, check_headers
from relay.outbound.sender import Sender
from relay.outbound.urls import check_url, exact, origin_of

__all__ = [
    "METHODS",
    "Answer",
    "GuardedAdapter",
    "Request",
    "Sender",
    "check_headers",
    "check_url",
    "exact",
    "origin_of",
]
