"""What digests have gathered: taken along by the run that goes on, and removed when nobody needs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec

from relay import ids
from relay.engine import sql
from relay.engine.errand import Errand, Outcome
from relay.engine.turns import writing


def with_items(errands: list[Errand]) -> list[Errand]:
    """The errands with what their digests have gathered; from now on nothing is gathered into them."""
    return [_with_items(errand) if errand.plan.gathers and errand.trail else errand for errand in errands]


def _with_items(errand: Errand) -> Errand:
    found: dict[str, list[Any]] = {}
    for entry in errand.trail:
        if entry["kind"] == "digest" and entry["state"] in ("waiting", "gathered"):
            if entry["state"] == "waiting":
                _close(errand.run_id)
            found[entry["id"]] = _items(ids.number(entry["into"]) or errand.run_id)
    return replace(errand, gathered=found) if found else errand


def _close(run_id: int) -> None:
    with writing():
        sql.execute("UPDATE relay_stepstate SET run_id = NULL WHERE run_id = %s", (run_id,))


def _items(run_id: int) -> list[Any]:
    rows = sql.fetch("SELECT item FROM relay_gathered WHERE into_id = %s ORDER BY id", (run_id,))
    return [msgspec.json.decode(row[0]) for row in rows]


def forget(outcomes: list[Outcome]) -> None:
    """Remove what runs have gathered that went well; what failed keeps it, so that it can be replayed."""
    done = [
        ids.number(entry["into"])
        for outcome in outcomes
        if outcome.errand.plan.gathers and outcome.state == "succeeded"
        for entry in outcome.trail
        if entry["kind"] == "digest" and entry["state"] == "gathered"
    ]
    if done:
        sql.execute(f"DELETE FROM relay_gathered WHERE into_id IN ({sql.marks(len(done))})", done)
