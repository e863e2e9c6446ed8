"""Computes the progress of bulk replays for pages."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from relay.engine.runs import bulk_replay, run_actions
from relay.models import Batch, BatchState, ReplayMode, Workspace
from relay.web.ui import times

_MODE_LABELS = {
    ReplayMode.FAILED_STEPS: "Only the failed steps",
    ReplayMode.FROM_START: "From the start, with the current version",
    ReplayMode.AS_IT_WAS: "From the start, with the original version",
}
_MAX_RUNNING = 5  # on the page of runs


@dataclass(frozen=True, slots=True)
class Progress:
    """A bulk replay: `made` of `total` runs have been made. `states`: the states of those runs."""

    batch: Batch
    states: Counter[str]

    @property
    def total(self) -> int:
        # Runs that ended after the count are replayed too.
        return max(self.batch.total - self.batch.skipped, self.batch.made)

    @property
    def made(self) -> int:
        return self.batch.made

    @property
    def left(self) -> int:
        return self.total - self.made

    @property
    def is_running(self) -> bool:
        return self.batch.state == BatchState.RUNNING

    @property
    def under_way(self) -> int:
        return sum(self.states[state] for state in run_actions.OPEN)

    @property
    def is_live(self) -> bool:
        """Whether the page must be polled."""
        return self.is_running or self.under_way > self.states["held"]

    @property
    def became(self) -> list[tuple[str, int]]:
        return self.states.most_common()

    @property
    def did(self) -> str:
        return _MODE_LABELS[ReplayMode(self.batch.mode)]

    @property
    def pace(self) -> str:
        return f"{self.batch.per_minute:,} a minute" if self.batch.per_minute else "as fast as possible"

    @property
    def takes(self) -> str:
        """An estimate of how long the rest takes."""
        seconds = max(1, self.left * 60 // (self.batch.per_minute or bulk_replay.MAX_PER_MINUTE))
        return f"{seconds} s" if seconds < 60 else times.duration(seconds)

    @property
    def mark(self) -> str:
        """A text that changes with everything that the page shows."""
        became = "-".join(f"{state}{count}" for state, count in sorted(self.states.items()))
        return f"{self.batch.state}-{self.made}-{self.batch.skipped}-{became}"


def progress_of(batch: Batch) -> Progress:
    """Return the progress of a bulk replay, with the states of its runs."""
    return Progress(batch, bulk_replay.count_replays(batch))


def running(workspace: Workspace) -> list[Progress]:
    """Return the running bulk replays of a workspace, oldest first, without the states of their runs."""
    batches = workspace.batches.filter(state=BatchState.RUNNING).order_by("pk")[:_MAX_RUNNING]
    return [Progress(batch, Counter()) for batch in batches]
