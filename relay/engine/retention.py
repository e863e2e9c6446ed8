"""Retention: what is older than its flow keeps it is removed, a few rows a transaction, so that ingest never waits.

SQLite's file does not shrink by it: the pages of removed rows are used again for new ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import transaction

from relay import ids
from relay.engine import audit, indexing, rejections, sql
from relay.engine.emptying import Emptier
from relay.engine.pace import MOST, Pace, light
from relay.errors import RelayError
from relay.flows import moments
from relay.flows.keeping import LEAST, Keeping, keeping
from relay.models import Flow, Sample, Workspace

MOST_DAYS = 3650
LOOK_EVERY = 60.0  # seconds between two looks at what is too old
ASIDE_EVERY = 3600.0  # seconds between two looks at what has to be read whole: messages and keys
A_ROUND = 0.3  # seconds of work in a round of upkeep, which comes once a second
QUIET = 30 * 86_400.0  # seconds for which an issue is remembered of which nothing is left
REST = 0.02  # seconds between two transactions, in which others can write

_FINAL = "due_at IS NULL AND state IN ('succeeded', 'filtered', 'partly_failed', 'failed', 'cancelled')"
_NO_RUN_OF_ISSUE = "NOT EXISTS (SELECT 1 FROM relay_run WHERE relay_run.issue_id = relay_issue.id)"
_NO_RUN = "NOT EXISTS (SELECT 1 FROM relay_run WHERE relay_run.event_id = relay_event.id)"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a flow keeps. `oldest`: microseconds since 1970; None keeps all."""

    flow_id: int
    oldest: int | None
    bodies: bool


class Pruner:
    """Removes what is too old, in rounds; between two rounds it remembers how far it is."""

    def __init__(self) -> None:
        self._pace = Pace()
        self._emptier = Emptier(self._pace)
        self._work: Iterator[int] = iter(())
        self._look_at = self._aside_at = 0.0

    def round(self, seconds: float = A_ROUND) -> int:
        """Work for about so many seconds, unless nothing is left; the number of rows changed."""
        end, changed = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            step = next(self._work, None)
            if step is None and not self._look():
                break
            changed += step or 0
            if step:
                time.sleep(REST)
        return changed

    def _look(self) -> bool:
        now = time.monotonic()
        if self._look_at > now:
            return False
        self._look_at = now + LOOK_EVERY
        self._work = self.everything(sql.now(), aside=self._aside_at <= now)
        if self._aside_at <= now:
            self._aside_at = now + ASIDE_EVERY
        return True

    def everything(self, now: int, *, aside: bool) -> Iterator[int]:
        """Every step is one transaction at most, and yields the number of rows that it changed."""
        limits = list(_limits(now))
        for limit in limits:
            if not limit.bodies:
                yield from self._emptier.empty(limit.flow_id)
            if limit.oldest is not None:
                before = ids.first_at(limit.oldest)
                yield from self._runs(limit.flow_id, before)
                yield from self._events(limit.flow_id, before)
        if aside:
            yield from self._messages(now)
            yield from rejections.forget_old(now, MOST)
            yield Sample.objects.forget_removed()
            yield from self._gathered()
            yield from self._issues(now)
            yield from self._step_states({limit.flow_id: limit.oldest for limit in limits}, now)
            yield from self._keys({limit.flow_id: limit.oldest for limit in limits}, now)

    def _runs(self, flow_id: int, before: int) -> Iterator[int]:
        """Final runs with their attempts; a run that is not final stays, however old."""
        after = 0
        while runs := _numbers(
            f"SELECT id FROM relay_run WHERE flow_id = %s AND id > %s AND id < %s AND {_FINAL} ORDER BY id LIMIT %s",
            (flow_id, after, before, self._pace.rows),
        ):
            after = runs[-1]
            yield from self._attempts(runs)
            yield self._pace.timed(_remove_runs, runs)

    def _attempts(self, runs: list[int]) -> Iterator[int]:
        while True:
            rows = self._pace.rows
            statement = (
                "DELETE FROM relay_attempt WHERE id IN"
                f" (SELECT id FROM relay_attempt WHERE run_id IN ({sql.marks(len(runs))}) LIMIT %s)"
            )
            removed = self._pace.timed(sql.execute, statement, (*runs, rows))
            yield removed
            if removed < rows:
                return

    def _events(self, flow_id: int, before: int) -> Iterator[int]:
        """Events that no run needs any more; a replay may be younger than its event."""
        after = 0
        while found := sql.fetch(
            "SELECT id, length(body) FROM relay_event WHERE flow_id = %s AND id > %s AND id < %s"
            f" AND {_NO_RUN} ORDER BY id LIMIT %s",
            (flow_id, after, before, self._pace.rows),
        ):
            events = light(found)
            after = events[-1]
            yield self._pace.timed(_remove, "relay_event", events, _NO_RUN)

    def _messages(self, now: int) -> Iterator[int]:
        """Messages of the inbox go with their runs."""
        after, before = 0, ids.first_at(now - int(LEAST * 1e6))
        while found := sql.fetch(
            "SELECT m.id, r.id FROM (SELECT id, run_id FROM relay_inboxmessage WHERE id > %s AND id < %s"
            " ORDER BY id LIMIT %s) m LEFT JOIN relay_run r ON r.id = m.run_id ORDER BY m.id",
            (after, before, MOST),
        ):
            after = found[-1][0]
            gone = [message for message, run in found if run is None]
            yield self._gone("relay_inboxmessage", gone)

    def _gathered(self) -> Iterator[int]:
        """What was gathered goes with the run that went on with it."""
        after = 0
        while found := sql.fetch(
            "SELECT g.id, r.id FROM (SELECT id, into_id FROM relay_gathered WHERE id > %s ORDER BY id LIMIT %s) g"
            " LEFT JOIN relay_run r ON r.id = g.into_id ORDER BY g.id",
            (after, MOST),
        ):
            after = found[-1][0]
            yield self._gone("relay_gathered", [item for item, run in found if run is None])

    def _issues(self, now: int) -> Iterator[int]:
        """Issues go when none of their runs is left and nothing has come for long."""
        after, before = 0, now - int(QUIET * 1e6)
        condition = f"last_at < {before} AND {_NO_RUN_OF_ISSUE}"
        while gone := _numbers(
            f"SELECT id FROM relay_issue WHERE id > %s AND {condition} ORDER BY id LIMIT %s", (after, MOST)
        ):
            after = gone[-1]
            yield self._pace.timed(_remove, "relay_issue", gone, condition)

    def _step_states(self, oldest: dict[int, int | None], now: int) -> Iterator[int]:
        """What steps remember of a window goes with its events; what has none stays as long as the flow does."""
        after = 0
        while found := sql.fetch(
            "SELECT id, flow_id, touched_at, until FROM relay_stepstate WHERE id > %s ORDER BY id LIMIT %s",
            (after, MOST),
        ):
            after = found[-1][0]
            gone = [
                number
                for number, flow_id, touched, until in found
                if flow_id not in oldest or (until is not None and until < now and touched < (oldest[flow_id] or 0))
            ]
            yield self._gone("relay_stepstate", gone)

    def _keys(self, oldest: dict[int, int | None], now: int) -> Iterator[int]:
        """Keys whose window is over go when their events do: until then a page says how often they came again."""
        last = (0, 0)
        while found := sql.fetch(
            "SELECT id, flow_id, until FROM relay_seen WHERE until < %s AND (until > %s OR (until = %s AND id > %s))"
            " ORDER BY until, id LIMIT %s",
            (now, last[0], *last, MOST),
        ):
            last = (found[-1][2], found[-1][0])
            gone = [key for key, flow_id, until in found if until < (oldest.get(flow_id, now) or 0)]
            yield self._gone("relay_seen", gone)

    def _gone(self, table: str, rows: list[int]) -> int:
        return self._pace.timed(_remove, table, rows, "TRUE") if rows else 0


def _limits(now: int) -> Iterator[Limit]:
    columns = ("pk", "workspace__retention_days", "live_version__document", "draft")
    for flow_id, days, live, draft in Flow.objects.order_by("pk").values_list(*columns).iterator(200):
        kept: Keeping = keeping(live if live is not None else draft, workspace_days=days)
        oldest = None if kept.seconds is None else now - int(kept.seconds * 1e6)
        yield Limit(flow_id, oldest, kept.bodies)


def _numbers(statement: str, parameters: tuple[int, ...]) -> list[int]:
    return [row[0] for row in sql.fetch(statement, parameters)]


def _remove_runs(runs: list[int]) -> int:
    with transaction.atomic():
        indexing.forget(runs)
        # A replay outlives its original, and then is a run of its own.
        sql.execute(f"UPDATE relay_run SET replay_of_id = NULL WHERE replay_of_id IN ({sql.marks(len(runs))})", runs)
        return _remove("relay_run", runs, _FINAL)


def _remove(table: str, rows: list[int], condition: str) -> int:
    return sql.execute(f"DELETE FROM {table} WHERE id IN ({sql.marks(len(rows))}) AND {condition}", rows)


def keep(workspace: Workspace, *, days: int) -> None:
    """Set how long a workspace keeps things; 0 is for ever."""
    if not 0 <= days <= MOST_DAYS:
        raise RelayError(f"Write a number of days up to {MOST_DAYS}, or 0 for ever")
    former, workspace.retention_days = workspace.retention_days, days
    workspace.save(update_fields=["retention_days"])
    if former != days:
        audit.note(workspace, "workspace.retention", workspace, change=f"{former} days are now {days}; 0 is for ever")


def tell_time(workspace: Workspace, *, zone: str) -> None:
    """Set the time zone of dates and times that name none; RelayError where there is none of that name."""
    moments.zone(zone)
    workspace.timezone = zone
    workspace.save(update_fields=["timezone"])


_pruner = Pruner()
go_on: Callable[[], int] = _pruner.round


def prune() -> int:
    """Remove all that is too old now, and empty what is to be emptied; the number of rows changed."""
    return sum(Pruner().everything(sql.now(), aside=True))
