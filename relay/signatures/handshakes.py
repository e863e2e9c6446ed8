"""Handshakes: what senders ask to see that a URL is ours, answered as data says."""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import msgspec

from relay.signatures.encodings import encoded
from relay.signatures.keys import Secret, key_of, part
from relay.signatures.request import Request, reader
from relay.signatures.scheme import ECHO, Encoding, Handshake
from relay.signatures.verdict import Refused

_place = re.compile(r"\{([^{}]+)\}")
_TEXT = {"Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff"}
_JSON = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handshake is answered. `store`: the secret that it brought. `call`: an address to call before.

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

    def before(self, request: Request, secrets: Sequence[Secret], *, has_secret: bool) -> Answer | None:
        """The answer to a handshake that no signature comes with; None where `request` is none.

        `has_secret`: whether one was ever stored, in force or not: handshakes that bring one are over then.
        """
        return _first(self._unsigned, request, secrets, has_secret=has_secret)

    def after(self, request: Request, secrets: Sequence[Secret]) -> Answer | None:
        """The answer to a handshake that came verified; None where `request` is none."""
        return _first(self._signed, request, secrets, has_secret=True)


class _Compiled:
    def __init__(self, handshake: Handshake) -> None:
        self.about = handshake
        when = handshake.when
        self._present = [reader(source) for source in when.present]
        self._equals = [(reader(source), text.encode()) for source, text in when.equals.items()]
        self._proof = reader(handshake.proof) if handshake.proof else None

    def is_meant(self, request: Request) -> bool:
        when = self.about.when
        try:
            return (
                (not when.method or when.method == request.method)
                and all(find(request, None) for find in self._present)
                and all(find(request, None) == text for find, text in self._equals)
            )
        except Refused:  # no form, no JSON: no handshake
            return False

    def answer(self, request: Request, secrets: Sequence[Secret]) -> Answer:
        about = self.about
        if self._proof is not None and not _is_proof(self._proof(request, None), secrets, about.proof_part):
            return Answer(about.denied, reason="The verify token is another one, or none is stored")
        try:
            return self._filled(request, secrets)
        except Refused as refused:
            return Answer(401, reason=str(refused))

    def _filled(self, request: Request, secrets: Sequence[Secret]) -> Answer:
        respond = self.about.respond

        def fill(template: str) -> str:
            return _place.sub(lambda match: self._value(match[1], request, secrets), template)

        headers = {name: fill(value) for name, value in respond.headers.items()}
        store, call = (fill(f"{{{source}}}") if source else "" for source in (self.about.store, self.about.call))
        if respond.json is not None:
            body = msgspec.json.encode(_filled(respond.json, fill))
            return Answer(respond.status, {**_JSON, **headers}, body, store, call)
        text = fill(respond.body).encode()
        return Answer(respond.status, {**(_TEXT if text else {}), **headers}, text, store, call)

    def _value(self, name: str, request: Request, secrets: Sequence[Secret]) -> str:
        if name.startswith("key:"):
            return _first_part(secrets, name[4:])
        if name.startswith("hmac/"):
            _, algorithm, encoding, source = name.split("/", 3)
            message = self._echo(source, request).encode()
            signature = hmac.digest(_first_key(secrets, self.about), message, algorithm)
            return encoded(signature, cast("Encoding", encoding)).decode()
        return self._echo(name, request)

    def _echo(self, source: str, request: Request) -> str:
        """A piece of the request, if it has the shape that it must have: what comes here goes back to anyone."""
        value = reader(source)(request, None) or b""
        text = value.decode("utf-8", "replace")
        if not re.fullmatch(self.about.shapes.get(source, ECHO), text):
            raise Refused(f"What was to be echoed ({source}) has not the shape that it must have")
        return text


def _first(
    compiled: list[_Compiled], request: Request, secrets: Sequence[Secret], *, has_secret: bool
) -> Answer | None:
    for one in compiled:
        if one.about.auth == "setup_only" and has_secret:
            continue
        if one.is_meant(request):
            return one.answer(request, secrets)
    return None


def _is_proof(given: bytes | None, secrets: Sequence[Secret], name: str) -> bool:
    wanted = [part(secret, name).encode() for secret in secrets]
    return given is not None and any([hmac.compare_digest(given, one) for one in wanted if one])  # noqa: C419 - all


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
        return {key: _filled(one, fill) for key, one in value.items()}
    return fill(value) if isinstance(value, str) else value
