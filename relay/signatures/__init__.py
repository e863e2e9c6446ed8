"""Verification of senders and their handshakes: an interpreter of data that knows no sender by name."""

from relay.signatures.fetching import Fetch, Wanted
from relay.signatures.handshakes import Answer, Handshaker
from relay.signatures.keys import Secret
from relay.signatures.request import Request
from relay.signatures.scheme import (
    BodyHash,
    Handshake,
    Key,
    Named,
    Respond,
    Scheme,
    Signature,
    Timestamp,
    When,
)
from relay.signatures.verdict import Verdict
from relay.signatures.verifiers import Verifier, verifier

__all__ = [
    "Answer",
    "BodyHash",
    "Fetch",
    "Handshake",
    "Handshaker",
    "Key",
    "Named",
    "Request",
    "Respond",
    "Scheme",
    "Secret",
    "Signature",
    "Timestamp",
    "Verdict",
    "Verifier",
    "Wanted",
    "When",
    "verifier",
]
