"""Verifies senders and answers their handshakes, with an interpreter of data that names no sender."""

from relay.signatures.fetching import Fetch, KeyDocument
from relay.signatures.handshakes import HandshakeAnswer, Handshaker
from relay.signatures.keys import Secret
from relay.signatures.request import SenderRequest
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
    "BodyHash",
    "Fetch",
    "Handshake",
    "HandshakeAnswer",
    "Handshaker",
    "Key",
    "KeyDocument",
    "Named",
    "Respond",
    "Scheme",
    "Secret",
    "SenderRequest",
    "Signature",
    "Timestamp",
    "Verdict",
    "Verifier",
    "When",
    "verifier",
]
