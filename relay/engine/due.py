"""Due: which runs are claimed next. The oldest; and while some flows are crowded, those of all flows by turns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, islice, zip_longest

from relay.engine import sql

MOST_VISITED = 64  # flows that one choice looks at
PLENTY = 4  # so many times what is wanted is enough to choose from


def oldest(limit: int) -> list[int]:
    """The ids of up to `limit` due runs."""
    # Read first: an UPDATE would take SQLite's write lock even where nothing is due.
    statement = "SELECT id FROM relay_run WHERE due_at <= %s ORDER BY due_at LIMIT %s"
    return [row[0] for row in sql.fetch(statement, (sql.now(), limit))]


class Fair:
    """Chooses while some flows are crowded. However many of their runs are due, no more are looked at than have room.

    `exhausted`: crowded flows of which fewer were due than they have room for, at the last choice.
    """

    def __init__(self) -> None:
        self.exhausted: set[int] = set()
        self._after = -1  # the flow behind which the next choice begins

    def choose(self, limit: int, rooms: Mapping[int, int]) -> list[int]:
        """The ids of up to `limit` due runs, one of each flow after the other; of crowded ones as `rooms` says."""
        now = sql.now()
        self.exhausted = set()
        found = []
        for flow, room in rooms.items():
            wanted = min(room, limit)
            found.append(_of(flow, now, wanted) if wanted > 0 else [])
            if len(found[-1]) < wanted:
                self.exhausted.add(flow)
        for flow in self._others(rooms):
            found.append(_of(flow, now, limit))
            if sum(map(len, found)) >= PLENTY * limit:
                break
        dealt = chain.from_iterable(zip_longest(*found))
        return list(islice((number for number in dealt if number is not None), limit))

    def _others(self, rooms: Mapping[int, int]) -> Iterator[int]:
        """Flows that are not crowded and of which runs wait for a time, each choice beginning with another one."""
        begin = flow = self._after
        is_round = begin < 0
        for _ in range(MOST_VISITED):
            following = _next(flow)
            if following is None or (is_round and following > begin >= 0):
                if is_round:
                    return
                flow, is_round = -1, True
            else:
                flow = following
                if flow not in rooms:
                    self._after = flow if self._after == begin else self._after
                    yield flow


def _next(flow: int) -> int | None:
    statement = "SELECT flow_id FROM relay_run WHERE due_at IS NOT NULL AND flow_id > %s ORDER BY flow_id LIMIT 1"
    rows = sql.fetch(statement, (flow,))
    return rows[0][0] if rows else None


def _of(flow: int, now: int, limit: int) -> list[int]:
    statement = "SELECT id FROM relay_run WHERE flow_id = %s AND due_at <= %s ORDER BY due_at LIMIT %s"
    return [row[0] for row in sql.fetch(statement, (flow, now, limit))]
