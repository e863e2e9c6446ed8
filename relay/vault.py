"""Seals values at rest and opens them again."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from relay.errors import KeyLost, VaultError

_VERSION = b"\x01"
_KEY_BYTES = 32
_KEY_ID_BYTES = 8
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + _KEY_ID_BYTES + _NONCE_BYTES


class Vault:
    """Seals with the first of `keys` and opens with any; put a new key first to rotate.

    `keys`: url-safe base64 of 32 bytes each, as `new_key` makes them. A sealed value is a version,
    the key's id, a nonce and AES-GCM's output, bound to its owner: it doesn't open for another one.
    Raises VaultError if a key is missing or malformed.
    """

    def __init__(self, keys: Sequence[bytes | str]) -> None:
        if not keys:
            raise VaultError("There is no key for secrets: set RELAY_VAULT_KEYS or the key file.")
        raw = [_decode(key) for key in keys]
        self._ciphers = {_key_id(key): AESGCM(key) for key in reversed(raw)}
        self._first = _key_id(raw[0])

    def seal(self, owner: str, value: dict[str, Any]) -> bytes:
        """Seal `value` (a JSON object) for `owner`, a permanent name of the row."""
        head = _VERSION + self._first
        nonce = os.urandom(_NONCE_BYTES)
        plain = json.dumps(value, separators=(",", ":")).encode()
        return head + nonce + self._ciphers[self._first].encrypt(nonce, plain, _associated_data(head, owner))

    def open(self, owner: str, sealed: bytes, *, what: str = "a stored secret", remedy: str = "") -> dict[str, Any]:
        """Open a sealed value; raises KeyLost, or VaultError if it belongs to another owner or is damaged.

        The error names `what` is lost and the `remedy`, another way out.
        """
        sealed = bytes(sealed)
        head, nonce = sealed[:_HEADER_BYTES][:-_NONCE_BYTES], sealed[:_HEADER_BYTES][-_NONCE_BYTES:]
        remedy = remedy or "enter it again"
        if len(sealed) < _HEADER_BYTES or not head.startswith(_VERSION):
            raise VaultError(f"{_capital(what)} can't be opened, since what is stored of it is damaged: {remedy}.")
        cipher = self._ciphers.get(head[len(_VERSION) :])
        if cipher is None:
            raise KeyLost(
                f"{_capital(what)} can't be opened: it was sealed with the key {key_of(sealed)}, which Relay doesn't "
                f"have. Put that key back into RELAY_VAULT_KEYS or the key file; or {remedy}."
            )
        try:
            plain = cipher.decrypt(nonce, sealed[_HEADER_BYTES:], _associated_data(head, owner))
        except InvalidTag:
            raise VaultError(
                f"{_capital(what)} can't be opened, since what is stored of it is damaged or belongs to something "
                f"else: {remedy}."
            ) from None
        value: dict[str, Any] = json.loads(plain)
        return value

    def is_stale(self, sealed: bytes) -> bool:
        """Return whether another key than the first sealed `sealed`, so that rotation is incomplete."""
        return bytes(sealed[len(_VERSION) : len(_VERSION) + _KEY_ID_BYTES]) != self._first

    def reseal(self, owner: str, sealed: bytes) -> bytes:
        """Seal the same value with the first key; raises VaultError as `open` does."""
        return self.seal(owner, self.open(owner, sealed))


def new_key() -> str:
    """Return a new key for `Vault`."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def name_of(key: bytes | str) -> str:
    """Return the name of a key, which reveals nothing of the key."""
    return _key_id(_decode(key)).hex()


def key_of(sealed: bytes) -> str:
    """Return the name of the key that sealed `sealed`."""
    return bytes(sealed[len(_VERSION) : len(_VERSION) + _KEY_ID_BYTES]).hex()


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _decode(key: bytes | str) -> bytes:
    try:
        text = key.decode("ascii") if isinstance(key, bytes) else key
        raw = base64.b64decode(text.strip().encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeError, binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise VaultError(
            "A key in RELAY_VAULT_KEYS or the key file isn't url-safe base64 of 32 bytes: "
            "restore it from your backup, or make a new one if nothing is sealed yet."
        )
    return raw


def _key_id(key: bytes) -> bytes:
    """Return the id of a key, which doesn't reveal it."""
    return hashlib.sha256(b"relay vault key id" + key).digest()[:_KEY_ID_BYTES]


def _associated_data(head: bytes, owner: str) -> bytes:
    return head + owner.encode()
