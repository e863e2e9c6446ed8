"""Refuses as events the messages that a handshake signs for anyone with the key that verifies events."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from relay.signatures.scheme import Handshake, Named, Scheme
from relay.signatures.verdict import Refused

PLACE = re.compile(r"\{([^{}]+)\}")


def is_shaped(text: str, shape: str) -> bool:
    """Whether `text` as a whole matches a shape. Handshakes and events both use this function, so that they agree."""
    return re.fullmatch(shape, text, re.ASCII) is not None


class Answerable:
    """The messages that the handshakes of a scheme sign.

    Raises ValueError if events can't be distinguished from them, or if an answer shows the key itself.
    """

    def __init__(self, how: Scheme | Named, handshakes: Sequence[Handshake]) -> None:
        self._shapes = [shape for handshake in handshakes for shape in _signed_shapes(handshake)]
        if self._shapes and isinstance(how, Named):
            raise ValueError("A handshake that is answered with a signature needs a scheme that is data beside it")
        shown = {part for handshake in handshakes for part in _shown_parts(handshake)}
        if shown & _key_parts(how):
            raise ValueError("A handshake must not show the key that verifies events")

    def refuse(self, message: bytes) -> None:
        """Raises Refused if anyone could have got `message` signed by sending it as a challenge."""
        if not self._shapes:
            return
        text = message.decode("utf-8", "replace")
        if any(is_shaped(text, shape) for shape in self._shapes):
            raise Refused("It looks like a challenge of the sender's handshake, which anyone can have signed")


def _signed_shapes(handshake: Handshake) -> Iterator[str]:
    """Yields the shape of each source that an answer signs. Raises ValueError for a source without a shape."""
    for name in _names(handshake):
        if name.startswith("hmac/"):
            source = name.split("/", 3)[3]
            if source not in handshake.shapes:
                raise ValueError(f"The handshake {handshake.key} signs {source}, whose shape it does not say")
            yield handshake.shapes[source]


def _shown_parts(handshake: Handshake) -> Iterator[str]:
    return (name.removeprefix("key:") for name in _names(handshake) if name.startswith("key:"))


def _key_parts(how: Scheme | Named) -> set[str]:
    """The parts of the secret that must stay secret. For code it is unknown which, so none may be shown."""
    if isinstance(how, Named):
        return {"secret", "key", "private_key", "password"}
    return {"username", "password"} if how.kind == "basic" else {how.key.part}


def _names(handshake: Handshake) -> Iterator[str]:
    """Yields the names in the templates of an answer."""
    respond = handshake.respond
    for text in _texts([respond.body, respond.json, respond.headers]):
        yield from PLACE.findall(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(item)
