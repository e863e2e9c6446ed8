"""How far replays of many are, in words and numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from relay.engine import batches, runs
from relay.models import Batch, BatchState, ReplayMode, Workspace
from relay.web import times

_DID = {
    ReplayMode.FAILED_STEPS: "Only the failed steps",
    ReplayMode.FROM_START: "From the start, on today's version",
    ReplayMode.AS_IT_WAS: "From the start, on the version of then",
}
_SHOWN = 5  # batches on the page of runs


@dataclass(frozen=True, slots=True)
class Progress:
    """A batch at a glance: `made` of `total` that can be replayed; `states`: what became of those made."""

    batch: Batch
    states: Counter[str]

    @property
    def total(self) -> int:
        # A run that ended after the count is replayed too.
        return max(self.batch.total - self.batch.skipped, self.batch.made)

    @property
    def made(self) -> int:
        return self.batch.made

    @property
    def left(self) -> int:
        return self.total - self.made

    @property
    def goes_on(self) -> bool:
        return self.batch.state == BatchState.GOING

    @property
    def under_way(self) -> int:
        return sum(self.states[state] for state in runs.OPEN)

    @property
    def is_live(self) -> bool:
        """Whether looking again will show something else."""
        return self.goes_on or self.under_way > self.states["held"]

    @property
    def became(self) -> list[tuple[str, int]]:
        return self.states.most_common()

    @property
    def did(self) -> str:
        return _DID[ReplayMode(self.batch.mode)]

    @property
    def pace(self) -> str:
        return f"{self.batch.per_minute:,} a minute" if self.batch.per_minute else "as fast as they go"

    @property
    def takes(self) -> str:
        """About how long the rest takes."""
        seconds = max(1, self.left * 60 // (self.batch.per_minute or batches.FASTEST))
        return f"{seconds} s" if seconds < 60 else times.duration(seconds)

    @property
    def mark(self) -> str:
        """Changes with anything that the page shows."""
        became = "-".join(f"{state}{count}" for state, count in sorted(self.states.items()))
        return f"{self.batch.state}-{self.made}-{self.batch.skipped}-{became}"


def of(batch: Batch) -> Progress:
    return Progress(batch, batches.made_by(batch))


def going(workspace: Workspace) -> list[Progress]:
    """The batches of a workspace that go on, oldest first, without what became of their runs."""
    found = workspace.batches.filter(state=BatchState.GOING).order_by("pk")[:_SHOWN]
    return [Progress(batch, Counter()) for batch in found]
