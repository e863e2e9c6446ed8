"""Answers handshakes, by which senders check that a URL is ours, as data says."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from relay.signatures.encodings import encoded
from relay.signatures.keys import Secret, key_of, part
from relay.signatures.oracles import PLACE, is_shaped
from relay.signatures.request import SenderRequest, reader
from relay.signatures.scheme import ECHO, Encoding, Handshake
from relay.signatures.verdict import Refused

_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
_JSON = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class HandshakeAnswer:
    """The answer to a handshake. `store`: the secret that it contained. `call`: an address to call first.

    `reason`: why it was denied.
    """

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    store: str = ""
    call: str = ""
    reason: str = ""


class Handshaker:
    """The handshakes of one preset, compiled."""

    def __init__(self, handshakes: Sequence[Handshake]) -> None:
        self._unsigned = [_Compiled(one) for one in handshakes if one.auth != "signed"]
        self._signed = [_Compiled(one) for one in handshakes if one.auth == "signed"]
        self.methods = frozenset(one.when.method for one in handshakes if one.when.method)

    def before(self, request: SenderRequest, secrets: Sequence[Secret], *, has_secret: bool) -> HandshakeAnswer | None:
        """The answer to an unsigned handshake; None if `request` is not one.

        `has_secret`: whether a secret was ever stored, in force or not. Then handshakes can no longer set one.
        """
        return _first(self._unsigned, request, secrets, has_secret=has_secret)

    def after(self, request: SenderRequest, secrets: Sequence[Secret]) -> HandshakeAnswer | None:
        """The answer to a verified handshake; None if `request` is not one."""
        return _first(self._signed, request, secrets, has_secret=True)


class _Compiled:
    def __init__(self, handshake: Handshake) -> None:
        self.about = handshake
        when = handshake.when
        self._present = [reader(source) for source in when.present]
        self._equals = [(reader(source), text.encode()) for source, text in when.equals.items()]
        self._proof = reader(handshake.proof) if handshake.proof else None

    def is_meant(self, request: SenderRequest) -> bool:
        when = self.about.when
        try:
            return (
                (not when.method or when.method == request.method)
                and all(find(request, None) for find in self._present)
                and all(find(request, None) == text for find, text in self._equals)
            )
        except Refused:  # neither a form nor JSON, so not a handshake
            return False

    def answer(self, request: SenderRequest, secrets: Sequence[Secret]) -> HandshakeAnswer:
        about = self.about
        if self._proof is not None and not _is_proof(self._proof(request, None), secrets, about.proof_part):
            return HandshakeAnswer(about.denied, reason="The verify token is another one, or none is stored")
        try:
            return self._filled(request, secrets)
        except Refused as refused:
            return HandshakeAnswer(401, reason=str(refused))

    def _filled(self, request: SenderRequest, secrets: Sequence[Secret]) -> HandshakeAnswer:
        respond = self.about.respond

        def fill(template: str) -> str:
            return PLACE.sub(lambda match: self._value(match[1], request, secrets), template)

        headers = {name: fill(value) for name, value in respond.headers.items()}
        store, call = (fill(f"{{{source}}}") if source else "" for source in (self.about.store, self.about.call))
        if respond.json is not None:
            body = msgspec.json.encode(_filled(respond.json, fill))
            return HandshakeAnswer(respond.status, {**_JSON, **headers}, body, store, call)
        text = fill(respond.body).encode()
        return HandshakeAnswer(respond.status, {**(_TEXT if text else {}), **headers}, text, store, call)

    def _value(self, name: str, request: SenderRequest, secrets: Sequence[Secret]) -> str:
        if name.startswith("key:"):
            return _first_part(secrets, name[4:])
        if name.startswith("hmac/"):
            _, algorithm, encoding, source = name.split("/", 3)
            message = self._echo(source, request).encode()
            signature = hmac.digest(_first_key(secrets, self.about), message, algorithm)
            return encoded(signature, cast("Encoding", encoding)).decode()
        return self._echo(name, request)

    def _echo(self, source: str, request: SenderRequest) -> str:
        """A part of the request that has the required shape, because anyone gets it back."""
        value = reader(source)(request, None) or b""
        text = value.decode("utf-8", "replace")
        if not is_shaped(text, self.about.shapes.get(source, ECHO)):
            raise Refused(f"What was to be echoed ({source}) has not the shape that it must have")
        return text


def _first(
    compiled: list[_Compiled], request: SenderRequest, secrets: Sequence[Secret], *, has_secret: bool
) -> HandshakeAnswer | None:
    for handshake in compiled:
        if handshake.about.auth == "setup_only" and has_secret:
            continue
        if handshake.is_meant(request):
            return handshake.answer(request, secrets)
    return None


def _is_proof(given: bytes | None, secrets: Sequence[Secret], name: str) -> bool:
    expected = [part(secret, name).encode() for secret in secrets]
    return given is not None and any([hmac.compare_digest(given, value) for value in expected if value])  # noqa: C419 - all


def _first_part(secrets: Sequence[Secret], name: str) -> str:
    value = part(secrets[0], name) if secrets else ""
    if not value:
        raise Refused("No secret is stored that the answer could be made with")
    return value


def _first_key(secrets: Sequence[Secret], about: Handshake) -> bytes:
    key = key_of(secrets[0], about.secret) if secrets else None
    if key is None:
        raise Refused("No secret is stored that the answer could be made with")
    return key


def _filled(value: Any, fill: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, fill) for key, item in value.items()}
    return fill(value) if isinstance(value, str) else value
