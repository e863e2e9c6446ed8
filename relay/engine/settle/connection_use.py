"""Stores when connections were last used, and last used with success, without a query for each run.

A worker stores the use of a connection when it settles runs, but at most once a minute, and its success at most once
a minute. So both times may be a minute old, and a run whose connection was used a moment ago costs a look-up in memory.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from django.db.models import F, Value
from django.db.models.functions import Coalesce, Greatest

from relay.engine.database.write_lock import write_transaction
from relay.engine.walk.work_item import Outcome
from relay.models import AttemptState, Connection

STORE_SECONDS = 60.0
MAX_NOTED = 10_000


class _Use(NamedTuple):
    """A connection by its name, and whether a request with it succeeded."""

    workspace_id: int
    connection: str
    succeeded: bool


class UseNotes:
    """What one process has to store: the microseconds since 1970 of each use."""

    def __init__(self) -> None:
        self._due: dict[_Use, int] = {}
        self._again_at: dict[_Use, float] = {}  # monotonic time from which a use is noted again

    def note(self, outcomes: Iterable[Outcome]) -> None:
        """Note the attempts of settled runs, except of connections that were noted less than a minute ago."""
        for outcome in outcomes:
            for attempt in outcome.attempts:
                if attempt.connection:
                    succeeded = attempt.state == AttemptState.SUCCEEDED
                    self._note(_Use(outcome.work_item.workspace_id, attempt.connection, succeeded), attempt.started_at)

    def _note(self, use: _Use, moment: int) -> None:
        now = time.monotonic()
        if self._again_at.get(use, 0.0) > now:
            return
        if len(self._again_at) >= MAX_NOTED:
            self._again_at.clear()
        self._again_at[use] = now + STORE_SECONDS
        self._due[use] = moment

    def store(self) -> None:
        """Store what was noted; no query if nothing was."""
        if not self._due:
            return
        with write_transaction():
            for use, moment in self._due.items():
                _update(use, datetime.fromtimestamp(moment / 1e6, UTC))
        self._due = {}


def _update(use: _Use, moment: datetime) -> None:
    columns = ("used_at", "succeeded_at") if use.succeeded else ("used_at",)
    rows = Connection.objects.filter(workspace_id=use.workspace_id, name=use.connection)
    rows.update(**{column: _later(column, moment) for column in columns})


def _later(column: str, moment: datetime) -> Greatest:
    """The later time: of two workers, the one that stores last may have used the connection first."""
    return Greatest(Coalesce(F(column), Value(moment)), Value(moment))


_notes = UseNotes()
note, store = _notes.note, _notes.store
