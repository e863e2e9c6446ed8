"""Order: runs of a flow that asks for it go one after the other, in the order of arrival, per key."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from relay import queues
from relay.engine import sql
from relay.engine.arrived import Arrived, event_context
from relay.errors import RelayError
from relay.templating import Leaf, compile_leaf

# The key of flows whose runs all keep one order.
WHOLE_FLOW = "-"
WAITS = "Waits for its turn: an earlier run of the same key is not through yet"


@dataclass(frozen=True, slots=True)
class Keeper:
    """The compiled order key of a flow; none: all its runs are in one order."""

    key: Leaf | None

    def digest(self, event: Arrived) -> str:
        """What runs have in common that keep an order: SHA-256 of the key, or one for all where it has none."""
        if self.key is None:
            return WHOLE_FLOW
        try:
            value = self.key.render({"event": event_context(event)})
            text = value if isinstance(value, str) else msgspec.json.encode(value, order="sorted").decode()
        except (RelayError, ValueError, TypeError, RecursionError):
            return WHOLE_FLOW
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text.strip() else WHOLE_FLOW


def keeper(document: dict[str, Any]) -> Keeper | None:
    """What orders a flow's runs; None where its document doesn't ask for it."""
    settings = document.get("settings")
    if not isinstance(settings, dict) or settings.get("ordered") is not True:
        return None
    source = settings.get("order_key")
    try:
        return Keeper(compile_leaf(source) if isinstance(source, str) and source else None)
    except RelayError:
        return Keeper(None)


def send_back(claimed: Iterable[tuple[int, int, str | None]]) -> set[int]:
    """Of claimed runs (id, flow, order key) those whose turn it isn't: they wait, due at no time, for `advance`.

    Belongs into the transaction of the claim.
    """
    early = set()
    first: dict[tuple[int, str], int] = {}
    for run_id, flow_id, key in claimed:
        if key is None:
            continue
        if (flow_id, key) not in first:
            first[flow_id, key] = _first(flow_id, key)
        if run_id != first[flow_id, key]:
            early.add(run_id)
    if early:
        sql.execute(
            "UPDATE relay_run SET state = 'queued', due_at = NULL, reason = %s"
            f" WHERE id IN ({sql.marks(len(early))}) AND state = 'running'",
            (WAITS, *early),
        )
    return early


def _first(flow_id: int, key: str) -> int:
    statement = "SELECT min(id) FROM relay_run WHERE flow_id = %s AND order_key = %s AND finished_at IS NULL"
    return int(sql.fetch(statement, (flow_id, key))[0][0] or 0)


def advance(ended: Iterable[tuple[int, str | None]]) -> None:
    """Make the next run of each (flow, order key) due, now that one of them has ended."""
    for flow_id, key in {(flow_id, key) for flow_id, key in ended if key is not None}:
        _make_due(_first(flow_id, key or ""))


def _make_due(run_id: int) -> bool:
    statement = "UPDATE relay_run SET due_at = %s, reason = '' WHERE id = %s AND state = 'queued' AND due_at IS NULL"
    return bool(sql.execute(statement, (sql.now(), run_id)))


def go_on() -> None:
    """One round of upkeep: nobody waits whose turn it is, even where a worker died before it said so."""
    firsts = sql.fetch(
        "SELECT min(id) FROM relay_run WHERE order_key IS NOT NULL AND finished_at IS NULL GROUP BY flow_id, order_key"
    )
    made_due = sum(_make_due(run_id) for (run_id,) in firsts)
    if made_due:
        queues.ring()
