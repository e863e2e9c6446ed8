"""Removes rows that are past the retention period of their flow, a few per transaction, so that ingest never waits.

SQLite's file does not shrink: the pages of removed rows are reused for new rows.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db import transaction

from relay import ids
from relay.engine import audit
from relay.engine.database import statements
from relay.engine.files import file_store
from relay.engine.intake import rejections
from relay.engine.upkeep import search_index
from relay.engine.upkeep.batch_size import MAX_ROWS, BatchSize, within_byte_limit
from relay.engine.upkeep.body_retention import BodyRemover, remove_files
from relay.errors import RelayError
from relay.flows import deadlines
from relay.flows.retention import MIN_SECONDS, retention_of
from relay.models import Flow, Sample, Workspace

MAX_DAYS = 3650
# Seconds:
PRUNE_EVERY = 60.0  # between two passes over events and runs
SCAN_EVERY = 3600.0  # between two passes over the tables that have to be read completely, such as messages and keys
ROUND_SECONDS = 0.3  # of work in a round of upkeep, which there is once a second
ISSUE_SECONDS = 30 * 86_400.0  # for which an issue without runs is kept
PAUSE_SECONDS = 0.02  # between two transactions, in which others can write

_FINAL = "due_at IS NULL AND state IN ('succeeded', 'filtered', 'partly_failed', 'failed', 'cancelled')"
_NO_RUN_OF_ISSUE = "NOT EXISTS (SELECT 1 FROM relay_run WHERE relay_run.issue_id = relay_issue.id)"
_NO_RUN = "NOT EXISTS (SELECT 1 FROM relay_run WHERE relay_run.event_id = relay_event.id)"


@dataclass(frozen=True, slots=True)
class Limit:
    """The retention of a flow. `oldest`: microseconds since 1970; None keeps everything."""

    flow_id: int
    oldest: int | None
    bodies: bool


class _FlowSettings(NamedTuple):
    """Where the retention of a flow is set."""

    pk: int
    workspace__retention_days: int
    live_version__document: dict[str, Any] | None
    draft: dict[str, Any]


class _StepState(NamedTuple):
    """What a step remembers, without the value."""

    id: int
    flow_id: int
    touched_at: int
    until: int | None

    def is_expired(self, oldest: dict[int, int | None], now: int) -> bool:
        """Whether its window is over, with its events, which each flow keeps since `oldest`."""
        if self.flow_id not in oldest:
            return True
        return self.until is not None and self.until < now and self.touched_at < (oldest[self.flow_id] or 0)


class Pruner:
    """Removes expired rows in rounds, and remembers its position between them."""

    def __init__(self) -> None:
        self._batch_size = BatchSize()
        self._body_remover = BodyRemover(self._batch_size)
        self._work: Iterator[int] = iter(())
        self._prune_at = self._scan_at = 0.0

    def round(self, seconds: float = ROUND_SECONDS) -> int:
        """Work for about `seconds`, or until nothing is left; return the number of rows changed."""
        end, changed = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            count = next(self._work, None)
            if count is None and not self._start_pass():
                break
            changed += count or 0
            if count:
                time.sleep(PAUSE_SECONDS)
        return changed

    def _start_pass(self) -> bool:
        now = time.monotonic()
        if self._prune_at > now:
            return False
        self._prune_at = now + PRUNE_EVERY
        self._work = self.prune_all(statements.now(), scan=self._scan_at <= now)
        if self._scan_at <= now:
            self._scan_at = now + SCAN_EVERY
        return True

    def prune_all(self, now: int, *, scan: bool) -> Iterator[int]:
        """Remove everything that has expired; yield the number of rows changed after each transaction."""
        limits = list(_limits(now))
        for limit in limits:
            if not limit.bodies:
                yield from self._body_remover.empty(limit.flow_id)
            if limit.oldest is not None:
                before = ids.first_at(limit.oldest)
                yield from self._runs(limit.flow_id, before)
                yield from self._events(limit.flow_id, before)
        if scan:
            yield from self._messages(now)
            yield from rejections.prune(now, MAX_ROWS)
            yield Sample.objects.forget_removed()
            yield from self._files(now)
            yield from self._gathered()
            yield from self._issues(now)
            yield from self._step_states({limit.flow_id: limit.oldest for limit in limits}, now)
            yield from self._keys({limit.flow_id: limit.oldest for limit in limits}, now)

    def _runs(self, flow_id: int, before: int) -> Iterator[int]:
        """Remove final runs with their attempts. A run that is not final stays, however old it is."""
        after = 0
        while runs := statements.fetch_values(
            f"SELECT id FROM relay_run WHERE flow_id = %s AND id > %s AND id < %s AND {_FINAL} ORDER BY id LIMIT %s",
            (flow_id, after, before, self._batch_size.rows),
        ):
            after = runs[-1]
            yield from self._attempts(runs)
            yield from remove_files((), runs)
            yield self._batch_size.run(_remove_runs, runs)

    def _attempts(self, runs: list[int]) -> Iterator[int]:
        while True:
            rows = self._batch_size.rows
            statement = (
                "DELETE FROM relay_attempt WHERE id IN"
                f" (SELECT id FROM relay_attempt WHERE run_id IN ({statements.marks(len(runs))}) LIMIT %s)"
            )
            removed = self._batch_size.run(statements.execute, statement, (*runs, rows))
            yield removed
            if removed < rows:
                return

    def _events(self, flow_id: int, before: int) -> Iterator[int]:
        """Remove events without runs; a replay may be younger than its event."""
        after = 0
        while rows := statements.fetch(
            "SELECT id, length(body) FROM relay_event WHERE flow_id = %s AND id > %s AND id < %s"
            f" AND {_NO_RUN} ORDER BY id LIMIT %s",
            (flow_id, after, before, self._batch_size.rows),
        ):
            events = within_byte_limit(rows)
            after = events[-1]
            yield self._batch_size.run(_remove, "relay_event", events, _NO_RUN)
            yield from remove_files(events, ())

    def _messages(self, now: int) -> Iterator[int]:
        """Remove inbox messages whose runs were removed."""
        after, before = 0, ids.first_at(now - int(MIN_SECONDS * 1e6))
        while rows := statements.fetch(
            "SELECT m.id, r.id FROM (SELECT id, run_id FROM relay_inboxmessage WHERE id > %s AND id < %s"
            " ORDER BY id LIMIT %s) m LEFT JOIN relay_run r ON r.id = m.run_id ORDER BY m.id",
            (after, before, MAX_ROWS),
        ):
            after, _ = rows[-1]
            expired = [message for message, run in rows if run is None]
            yield self._remove_rows("relay_inboxmessage", expired)

    def _files(self, now: int) -> Iterator[int]:
        """Remove files whose event or run was removed, or whose event was never stored."""
        after = 0
        while True:
            after, expired = file_store.expired(after, MAX_ROWS, now)
            for file_id in expired:
                yield file_store.remove([file_id])
            if not after:
                return

    def _gathered(self) -> Iterator[int]:
        """Remove gathered events whose run was removed."""
        after = 0
        while rows := statements.fetch(
            "SELECT g.id, r.id FROM (SELECT id, into_id FROM relay_gathered WHERE id > %s ORDER BY id LIMIT %s) g"
            " LEFT JOIN relay_run r ON r.id = g.into_id ORDER BY g.id",
            (after, MAX_ROWS),
        ):
            after, _ = rows[-1]
            yield self._remove_rows("relay_gathered", [item for item, run in rows if run is None])

    def _issues(self, now: int) -> Iterator[int]:
        """Remove issues without runs that had no failure for ISSUE_SECONDS."""
        after, before = 0, now - int(ISSUE_SECONDS * 1e6)
        condition = f"last_at < {before} AND {_NO_RUN_OF_ISSUE}"
        while expired := statements.fetch_values(
            f"SELECT id FROM relay_issue WHERE id > %s AND {condition} ORDER BY id LIMIT %s", (after, MAX_ROWS)
        ):
            after = expired[-1]
            yield self._batch_size.run(_remove, "relay_issue", expired, condition)

    def _step_states(self, oldest: dict[int, int | None], now: int) -> Iterator[int]:
        """Remove the state of steps whose window is over, with its events. Other state stays with its flow."""
        after = 0
        columns = ", ".join(_StepState._fields)
        statement = f"SELECT {columns} FROM relay_stepstate WHERE id > %s ORDER BY id LIMIT %s"
        while states := statements.fetch_records(_StepState, statement, (after, MAX_ROWS)):
            after = states[-1].id
            yield self._remove_rows("relay_stepstate", [state.id for state in states if state.is_expired(oldest, now)])

    def _keys(self, oldest: dict[int, int | None], now: int) -> Iterator[int]:
        """Remove deduplication keys whose window is over, with their events; until then, a page shows their repeats."""
        last = (0, 0)
        while rows := statements.fetch(
            "SELECT id, flow_id, until FROM relay_seen WHERE until < %s AND (until > %s OR (until = %s AND id > %s))"
            " ORDER BY until, id LIMIT %s",
            (now, last[0], *last, MAX_ROWS),
        ):
            last_id, _, last_until = rows[-1]
            last = (last_until, last_id)
            expired = [key for key, flow_id, until in rows if until < (oldest.get(flow_id, now) or 0)]
            yield self._remove_rows("relay_seen", expired)

    def _remove_rows(self, table: str, rows: list[int]) -> int:
        return self._batch_size.run(_remove, table, rows, "TRUE") if rows else 0


def _limits(now: int) -> Iterator[Limit]:
    rows = Flow.objects.order_by("pk").values_list(*_FlowSettings._fields).iterator(200)
    for flow in map(_FlowSettings._make, rows):
        live = flow.live_version__document
        kept = retention_of(flow.draft if live is None else live, workspace_days=flow.workspace__retention_days)
        oldest = None if kept.seconds is None else now - int(kept.seconds * 1e6)
        yield Limit(flow.pk, oldest, kept.bodies)


def _remove_runs(runs: list[int]) -> int:
    with transaction.atomic():
        search_index.forget(runs)
        # A replay outlives its original.
        statements.execute(
            f"UPDATE relay_run SET replay_of_id = NULL WHERE replay_of_id IN ({statements.marks(len(runs))})",
            runs,
        )
        return _remove("relay_run", runs, _FINAL)


def _remove(table: str, rows: list[int], condition: str) -> int:
    return statements.execute(f"DELETE FROM {table} WHERE id IN ({statements.marks(len(rows))}) AND {condition}", rows)


def set_retention(workspace: Workspace, *, days: int) -> None:
    """Set for how many days a workspace keeps events and runs; 0 for no limit."""
    if not 0 <= days <= MAX_DAYS:
        raise RelayError(f"Write a number of days up to {MAX_DAYS}, or 0 for no limit")
    former, workspace.retention_days = workspace.retention_days, days
    workspace.save(update_fields=["retention_days"])
    if former != days:
        audit.note(workspace, "workspace.retention", workspace, change=f"{former} days are now {days}; 0 is no limit")


def set_timezone(workspace: Workspace, *, zone: str) -> None:
    """Set the time zone of dates and times without one; RelayError for an unknown time zone."""
    deadlines.zone(zone)
    workspace.timezone = zone
    workspace.save(update_fields=["timezone"])


_pruner = Pruner()
tick: Callable[[], int] = _pruner.round


def prune() -> int:
    """Remove everything that has expired and empty bodies; return the number of rows changed."""
    return sum(Pruner().prune_all(statements.now(), scan=True))
