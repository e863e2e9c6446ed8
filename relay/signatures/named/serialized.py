"""RSA over the fields of a form, sorted and serialized as PHP does it (Paddle Classic signs so)."""

from __future__ import annotations

from relay.signatures import publickeys
from relay.signatures.keys import key_of
from relay.signatures.named.asked import Asked, mismatch, readable
from relay.signatures.request import only
from relay.signatures.scheme import Key
from relay.signatures.verdict import Refused


def check(asked: Asked) -> None:
    """The secret is the public key, in PEM. `options`: `field`, which holds the signature."""
    key = key_of(asked.secret, Key(encoding="der", part="public_key"))
    if key is None:
        raise Refused("No public key is stored that can be used; without one everything is refused")
    name = str(asked.options["field"]).encode()
    form = asked.request.form
    signature = readable(only(form, name) or b"")
    fields = [(field, only(form, field) or b"") for field, _ in form if field != name]
    if not publickeys.verify_rsa(key, signature, _serialized(sorted(fields)), "sha1"):
        raise mismatch()


def _serialized(fields: list[tuple[bytes, bytes]]) -> bytes:
    inner = b"".join(_text(name) + _text(value) for name, value in fields)
    return b"a:%d:{%s}" % (len(fields), inner)


def _text(value: bytes) -> bytes:
    return b's:%d:"%s";' % (len(value), value)
