"""Isolates runs whose workers ended before the run was settled: they are walked alone, and finally held.

Each such end gives a run points: many if its own worker ended, few if all of Relay did, since that says little about
one run. Settling a run clears its points. Runs that the same worker held get points too; so a run with many points is
walked alone before it is held, and an innocent one is settled then.

An expired lease counts as the end of its worker, because the worker that claims the run next can't tell whether the
former one has ended, is stopped, or is too slow to renew the lease.
"""

from __future__ import annotations

from relay.engine.walk.unknown_outcomes import UNKNOWN
from relay.engine.walk.work_item import Outcome, WorkItem
from relay.models import HeldBy

WORKER_ENDED = 4
ALL_ENDED = 1
ALONE = 2 * WORKER_ENDED  # from this many points, a run is walked alone
TOO_OFTEN = 3 * WORKER_ENDED  # from this many points, it is held

REASON = (
    "Three times in a row the worker that had this run ended before the run was through, "
    "as it does when the system kills it for its memory. Release it to try it again."
)
TOO_LARGE = (
    "This run needs more memory than a worker may take (RELAY_WORKER_MEMORY). "
    "Process less at once: smaller bodies, shorter lists, fewer elements in a loop."
)


def hold(outcome: Outcome) -> None:
    """Hold a run that has ended its worker too often; with an unknown outcome if it was marked."""
    step, tries = outcome.work_item.marked_step, outcome.work_item.tries
    if step:
        outcome.keep_mark()
        outcome.hold(HeldBy.UNKNOWN, f"{REASON} {UNKNOWN}", step=step, tries=tries)
    else:
        outcome.hold(HeldBy.WORKER, REASON, step="", tries=tries)


def out_of_memory(outcome: Outcome) -> None:
    """End a walk that ran out of memory: fail the run if it was walked alone, else have it walked again, alone.

    Other walks of the same process may have taken the memory.
    """
    outcome.withdraw()
    if outcome.work_item.suspicion >= ALONE:
        outcome.fail(TOO_LARGE)
        return
    outcome.put_back(tries=outcome.tries)
    outcome.suspicion = ALONE
    # Whether the marked action was sent is unknown to the next claim.
    outcome.keep_mark()


def is_alone(work_item: WorkItem) -> bool:
    return ALONE <= work_item.suspicion < TOO_OFTEN


__all__ = ["ALL_ENDED", "ALONE", "TOO_OFTEN", "WORKER_ENDED", "hold", "is_alone", "out_of_memory"]
