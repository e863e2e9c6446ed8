"""Trails: what of a walk is kept in its run, which each settle writes anew."""

from __future__ import annotations

from typing import Any

from relay.engine.errand import Outcome

# What only a walk that goes on needs to know of a step.
_OURS = frozenset({"taken", "items", "since"})


def shown(entry: dict[str, Any]) -> dict[str, Any]:
    """An entry as dry runs and the API tell it."""
    return {key: value for key, value in entry.items() if key not in _OURS}


def stored(outcome: Outcome) -> list[dict[str, Any]]:
    """The trail; a run that succeeded needs no action's answer again, its attempts hold it."""
    trail = outcome.trail
    if outcome.errand.plan.has_loops:
        trail = [_of_loops(entry, outcome.errand.plan.named) for entry in trail]
    if outcome.errand.plan.gathers:
        trail = [_without(entry, "items") if entry["kind"] == "digest" else entry for entry in trail]
    if outcome.state != "succeeded":
        return trail
    return [_without_outputs(entry) if entry["kind"] == "action" else entry for entry in trail]


def _without_outputs(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key != "outputs"}


def _of_loops(entry: dict[str, Any], named: frozenset[str]) -> dict[str, Any]:
    """An entry without what is kept elsewhere or never asked for: each settle writes all of a loop's entries."""
    if entry["kind"] == "loop":
        return _without(entry, "outputs")
    step, _, place = entry["id"].partition("[")
    if place and entry["kind"] == "action" and entry["state"] == "succeeded" and step not in named:
        return _without_outputs(entry)
    return entry


def _without(entry: dict[str, Any], output: str) -> dict[str, Any]:
    """An entry without one of its outputs, which is kept elsewhere."""
    outputs = entry.get("outputs") or {}
    if output not in outputs:
        return entry
    return {**entry, "outputs": {key: value for key, value in outputs.items() if key != output}}
