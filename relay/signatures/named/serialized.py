"""Verifies RSA over the sorted fields of a form, serialized as in PHP (used by Paddle Classic)."""

from __future__ import annotations

from relay.signatures import publickeys
from relay.signatures.keys import key_of
from relay.signatures.named.verifier_input import VerifierInput, mismatch, readable
from relay.signatures.request import only
from relay.signatures.scheme import Key
from relay.signatures.verdict import Refused


def check(inputs: VerifierInput) -> None:
    """The secret is the public key, in PEM. `options`: `field`, the one with the signature."""
    key = key_of(inputs.secret, Key(encoding="der", part="public_key"))
    if key is None:
        raise Refused("No public key is stored that can be used; without one everything is refused")
    name = str(inputs.options["field"]).encode()
    form = inputs.request.form
    signature = readable(only(form, name) or b"")
    fields = [(field, only(form, field) or b"") for field, _ in form if field != name]
    if not publickeys.verify_rsa(key, signature, _serialized(sorted(fields)), "sha1"):
        raise mismatch()


def _serialized(fields: list[tuple[bytes, bytes]]) -> bytes:
    inner = b"".join(_text(name) + _text(value) for name, value in fields)
    return b"a:%d:{%s}" % (len(fields), inner)


def _text(value: bytes) -> bytes:
    return b's:%d:"%s";' % (len(value), value)
