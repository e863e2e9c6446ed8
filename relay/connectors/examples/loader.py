"""Reads the examples of a sender from the files of this folder, each time, so that no process keeps them in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec

from relay.bodies import numerals
from relay.connectors import registry
from relay.errors import RelayError

_FOLDER = Path(__file__).parent
_FORM = "application/x-www-form-urlencoded"


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event as its sender sends it, without its signature. `event`: its type. `body`: of a form, its fields."""

    name: str
    event: str
    headers: dict[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The body as it is sent."""
        if self.headers["content-type"] == _FORM:
            return urlencode(self.body, doseq=True)
        return numerals.encode(self.body).decode()

    def as_event(self) -> dict[str, Any]:
        """The event in the form of samples: `{"method", "headers", "body"}`."""
        return {"method": "POST", "headers": dict(self.headers), "body": self.text}


def list_examples(preset: str) -> tuple[Example, ...]:
    """The examples of a preset; () if it has none, or there is no such preset."""
    path = _FOLDER / f"{preset}.json"
    if preset not in registry.presets() or not path.is_file():
        return ()
    return msgspec.json.decode(path.read_bytes(), type=tuple[Example, ...])


def find(preset: str, number: str) -> Example:
    """The example of a preset with a number, from 0. Raises RelayError if there is none."""
    found = list_examples(preset)
    if number.isascii() and number.isdigit() and int(number[:4]) < len(found):
        return found[int(number[:4])]
    raise RelayError("There is no such example. Reload the page.")
