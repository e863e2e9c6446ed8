"""Reads the entries of a run's stored trail by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from relay.flows import nesting


class StoredEntry(msgspec.Struct, frozen=True):
    """An entry of a stored trail. `fields`: its JSON, which `relay.engine.walk.trail_entry.TrailEntry` describes."""

    fields: Mapping[str, Any]

    @property
    def id(self) -> str:
        return str(self.fields["id"])

    @property
    def kind(self) -> str:
        return str(self.fields["kind"])

    @property
    def state(self) -> str:
        return str(self.fields["state"])

    @property
    def error(self) -> str:
        return str(self.fields.get("error", ""))

    @property
    def outputs(self) -> dict[str, Any] | None:
        """None if the step gives none, or if they are not stored."""
        found: dict[str, Any] | None = self.fields.get("outputs")
        return found

    @property
    def walked_by(self) -> str:
        """The run that walked the step, in a replay; "" for the run itself."""
        return str(self.fields.get("from", ""))

    @property
    def is_repeatable(self) -> bool:
        return bool(self.fields.get("repeatable", True))

    @property
    def has_files(self) -> bool:
        return "files" in self.fields

    @property
    def cut(self) -> Mapping[str, int]:
        """The full lengths of the outputs that an excerpt of the trail has cut."""
        found: Mapping[str, int] = self.fields.get("cut", {})
        return found

    @property
    def is_call(self) -> bool:
        return self.kind == "call"

    @property
    def action_id(self) -> str:
        """The id of the action's entry, of a call."""
        return nesting.action_entry(self.id)


def read(trail: Iterable[Mapping[str, Any]] | None) -> list[StoredEntry]:
    """The entries of a trail as its column has it."""
    return [StoredEntry(entry) for entry in trail or ()]
