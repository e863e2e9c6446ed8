"""Chooses which due runs are claimed next: the oldest, or those of all flows in turn if some flows are crowded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest

from relay.engine.database import statements

MAX_FLOWS = 64  # that one choice looks at
ENOUGH = 4  # multiples of the limit that are enough to choose from


def oldest(limit: int) -> list[int]:
    """The ids of up to `limit` due runs."""
    # Read first: an UPDATE would take SQLite's write lock even if nothing is due.
    statement = "SELECT id FROM relay_run WHERE due_at <= %s ORDER BY due_at LIMIT %s"
    return [run_id for (run_id,) in statements.fetch(statement, (statements.now(), limit))]


class FairScheduler:
    """Chooses runs of all flows in turn; of a crowded flow it reads no more runs than there is room for.

    `exhausted`: crowded flows that had fewer due runs than room at the last choice.
    """

    def __init__(self) -> None:
        self.exhausted: set[int] = set()
        self._after = -1  # the flow after which the next choice starts

    def choose(self, limit: int, rooms: Mapping[int, int]) -> list[int]:
        """The ids of up to `limit` due runs, one workspace after the other, and within each one flow after the other.

        `rooms`: flow id -> how many of its runs may be taken, for crowded flows.
        """
        now = statements.now()
        self.exhausted = set()
        due = []
        for flow, room in rooms.items():
            wanted = min(room, limit)
            due.append(_due_runs(flow, now, wanted) if wanted > 0 else [])
            if len(due[-1]) < wanted:
                self.exhausted.add(flow)
        for flow in self._others(rooms):
            due.append(_due_runs(flow, now, limit))
            if sum(map(len, due)) >= ENOUGH * limit:
                break
        return _dealt(due)[:limit]

    def _others(self, rooms: Mapping[int, int]) -> Iterator[int]:
        """Flows outside `rooms` that have runs with a due time; each choice starts with another flow.

        If all flows that one choice visits are in `rooms`, the next choice starts after them.
        """
        begin = flow = self._after
        is_round, has_found = begin < 0, False
        for _ in range(MAX_FLOWS):
            following = _next(flow)
            if following is None or (is_round and following > begin >= 0):
                if is_round:
                    return
                flow, is_round = -1, True
            else:
                flow = following
                if flow not in rooms:
                    self._after = self._after if has_found else flow
                    has_found = True
                    yield flow
                elif not has_found:
                    self._after = flow


def _next(flow: int) -> int | None:
    statement = "SELECT flow_id FROM relay_run WHERE due_at IS NOT NULL AND flow_id > %s ORDER BY flow_id LIMIT 1"
    following: int | None = statements.fetch_value(statement, (flow,))
    return following


def _due_runs(flow: int, now: int, limit: int) -> list[tuple[int, int]]:
    """Due runs of a flow, as (id, workspace id)."""
    statement = "SELECT id, workspace_id FROM relay_run WHERE flow_id = %s AND due_at <= %s ORDER BY due_at LIMIT %s"
    rows: list[tuple[int, int]] = statements.fetch(statement, (flow, now, limit))
    return rows


def _dealt(flows: Sequence[Sequence[tuple[int, int]]]) -> list[int]:
    """The runs in the order in which they are claimed: workspaces in turn, and within each its flows in turn."""
    workspaces: dict[int, list[list[int]]] = {}
    for runs in filter(None, flows):
        workspaces.setdefault(runs[0][1], []).append([run_id for run_id, _ in runs])
    return _interleaved([_interleaved(of_flows) for of_flows in workspaces.values()])


def _interleaved(lists: Sequence[Sequence[int]]) -> list[int]:
    return [run_id for run_id in chain.from_iterable(zip_longest(*lists)) if run_id is not None]
