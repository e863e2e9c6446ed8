"""Walks a run and records in the outcome how the walk ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from relay.engine.flow_control.limiter import Limiter
from relay.engine.walk import crash_suspects, memory_ceiling
from relay.engine.walk.cpu_clock import CpuAllowance
from relay.engine.walk.exceptions import Ended, Exhausted, Failed, Filtered
from relay.engine.walk.steps import HANDLERS
from relay.engine.walk.walk import Walk
from relay.engine.walk.work_item import Outcome, Sends, WorkItem
from relay.errors import RelayError
from relay.templating import READING

MAX_NAMES = 5  # steps that a reason lists by name


def walk(work_item: WorkItem, sender: Sends, limiter: Limiter, allowance: CpuAllowance | None = None) -> Outcome:
    """Walk a run from the end of its trail to its last step, or until it must wait.

    Failures of payloads, templates and destinations are part of the outcome; they are never raised.
    """
    outcome = Outcome(work_item, trail=list(work_item.trail))
    if work_item.suspicion >= crash_suspects.TOO_OFTEN:
        crash_suspects.hold(outcome)
        return outcome
    if work_item.unwalkable:
        outcome.fail(work_item.unwalkable)
        return outcome
    walk = Walk(work_item, outcome, sender, limiter, HANDLERS, allowance)
    READING.read = walk.read_file
    try:
        return finish(walk)
    finally:
        READING.read = None


def finish(walk: Walk) -> Outcome:
    """Run a walk and return its outcome."""
    outcome = walk.outcome
    try:
        walk.run()
    except Ended:
        pass
    except Filtered as stop:
        outcome.end("filtered", stop.reason)
    except (Failed, Exhausted, RelayError) as error:
        outcome.fail(str(error))
    except MemoryError:
        memory_ceiling.reached()
        crash_suspects.out_of_memory(outcome)
    if outcome.state == "succeeded" and walk.failures:
        _report_failures(outcome, walk.failures)
    if not outcome.is_final:
        walk.allowance.note(outcome.trail)
    return outcome


def _report_failures(outcome: Outcome, failures: Mapping[str, bool]) -> None:
    """Record the failures after which a run reached its end; those that error steps handled don't make it failed."""
    passed_over = [name for name, is_handled in failures.items() if not is_handled]
    handled = [name for name, is_handled in failures.items() if is_handled]
    sentences = [f"{_quoted(handled)} failed, and the error steps took over"] if handled else []
    if passed_over:
        sentences.insert(0, f"{_quoted(passed_over)} failed, and the run continued")
    outcome.end("partly_failed" if passed_over else "succeeded", "; ".join(sentences))


def _quoted(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:MAX_NAMES])
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"
