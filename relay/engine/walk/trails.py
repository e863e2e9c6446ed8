"""Reduces trail entries to what is stored in a run; each settle writes the whole trail again."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import Outcome
from relay.flows.compiler import Plan

# Keys that only a later walk needs.
_INTERNAL = frozenset({"taken", "items", "since", "kept", "files", "spent"})


def shown_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """A stored entry as dry runs and the API show it."""
    return {key: value for key, value in entry.items() if key not in _INTERNAL}


def stored_trail(outcome: Outcome) -> list[TrailEntry]:
    """The trail to store; a succeeded run drops the outputs of its actions, because its attempts hold the answers."""
    trail = outcome.trail
    if outcome.work_item.plan.has_loops or outcome.work_item.plan.gathers:
        trail = [stored_entry(entry, outcome.work_item.plan) for entry in trail]
    if outcome.state != "succeeded":
        return trail
    return [without_outputs(entry) if entry.kind == "action" else entry for entry in trail]


def stored_entry(entry: TrailEntry, plan: Plan) -> TrailEntry:
    """An entry as it is stored while the run may continue."""
    if plan.gathers and entry.kind == "digest":
        return _without(entry, "items")
    return _of_loops(entry, plan.named) if plan.has_loops else entry


def without_outputs(entry: TrailEntry) -> TrailEntry:
    return replace(entry, outputs=None)


def _of_loops(entry: TrailEntry, named: frozenset[str]) -> TrailEntry:
    """An entry without outputs that are stored elsewhere or never used: each settle writes all entries of a loop."""
    if entry.kind == "loop":
        return _without(entry, "outputs")
    step, _, suffix = entry.id.partition("[")
    if suffix and entry.kind == "action" and entry.state == "succeeded" and step not in named:
        return without_outputs(entry)
    return entry


def _without(entry: TrailEntry, output: str) -> TrailEntry:
    """An entry without one of its outputs."""
    outputs = entry.outputs or {}
    if output not in outputs:
        return entry
    return replace(entry, outputs={key: value for key, value in outputs.items() if key != output})
