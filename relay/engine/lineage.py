"""Lineage: what a replay takes over from the run that it is made of, and why some can't be made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models.functions import Length

from relay import ids
from relay.connectors import registry, verdicts
from relay.connectors.definition import Action
from relay.engine import order, sql
from relay.engine.eventshape import arrived
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import Attempt, AttemptState, Event, Flow, HeldBy, ReplayMode, Run, RunState, Version

ENDED = (RunState.SUCCEEDED, RunState.FILTERED, RunState.PARTLY_FAILED, RunState.FAILED, RunState.CANCELLED)
# Something of these is left to do.
UNDONE = (RunState.PARTLY_FAILED, RunState.FAILED, RunState.CANCELLED)
# Where an event came from that no request brought.
_OURS = frozenset({"sample", "edited", "schedule", "hand", "alert"})


class Ground:
    """What copies of some runs stand on: flows, versions and events, read in a few queries for all of them."""

    def __init__(self, runs: Sequence[Run]) -> None:
        flows = Flow.objects.filter(pk__in={run.flow_id for run in runs}).select_related("live_version")
        self._flows = {flow.pk: flow for flow in flows.only("paused", "live_version__document")}
        self._versions = set(
            Version.objects.filter(pk__in={run.version_id for run in runs}).values_list("pk", flat=True)
        )
        self._events = _events({run.event_id for run in runs})
        self._answers = _answers(run for run in runs if _lacks_outputs(run))

    def copy(self, run: Run, mode: ReplayMode) -> Run:
        """The run's replay, not saved; RelayError says why there can't be one."""
        flow = self._flow(run)
        self._check_event(run)
        copy = Run(
            id=ids.new(),
            workspace_id=run.workspace_id,
            flow_id=run.flow_id,
            version_id=self._version(run, flow, mode),
            event_id=run.event_id,
            replay_of_id=run.pk,
            title=run.title,
            part=run.part,
            order_key=self._order_key(run) if mode == ReplayMode.FROM_START else run.order_key,
            state=RunState.QUEUED,
            due_at=sql.now(),
        )
        if mode == ReplayMode.FAILED_STEPS:
            copy.trail = self._what_went_well(run)
        return _held(copy) if flow.paused else copy

    def order_key(self, event: Event) -> str | None:
        """What keeps the order of an event's run on the version that is live today."""
        version = self._flows[event.flow_id].live_version
        keeper = order.keeper(version.document) if version is not None else None
        return None if keeper is None else keeper.digest(arrived(event))

    def _order_key(self, run: Run) -> str | None:
        version = self._flows[run.flow_id].live_version
        if version is None or order.keeper(version.document) is None:
            return None
        return self.order_key(Event.objects.get(pk=run.event_id))

    def _flow(self, run: Run) -> Flow:
        if run.state == RunState.HELD:
            raise RelayError("This run is held; release it, or cancel it before you replay it")
        if run.state not in ENDED:
            raise RelayError("This run still goes on; replay it when it has ended, or cancel it first")
        try:
            return self._flows[run.flow_id]
        except KeyError:
            raise RelayError("The flow of this run was removed, so it can't be replayed") from None

    def _check_event(self, run: Run) -> None:
        if run.event_id not in self._events:
            raise RelayError("The event of this run is past the time that events are kept, so it can't be replayed")
        if not self._events[run.event_id]:
            raise RelayError("This flow keeps no bodies of what succeeded, so it can't be replayed")

    def _version(self, run: Run, flow: Flow, mode: ReplayMode) -> int:
        if mode == ReplayMode.FROM_START:
            if flow.live_version_id is None:
                raise RelayError("This flow is a draft: publish it, then replay")
            return flow.live_version_id
        if run.version_id not in self._versions:
            raise RelayError("The version of then is gone; replay on today's version")
        return run.version_id

    def _what_went_well(self, run: Run) -> list[dict[str, Any]]:
        if not _is_undone(run):
            raise RelayError("Nothing failed in this run; replay it from the start")
        return [self._entry(run, entry) for entry in run.steps if not _is_left(entry)]

    def _entry(self, run: Run, entry: dict[str, Any]) -> dict[str, Any]:
        """An entry of the trail as the copy has it: with its outputs, and `from`, the run that really did it."""
        kept = {"from": run.ref, **entry}
        if _is_action(entry) and "outputs" not in entry:
            kept["outputs"] = self._outputs(run, entry["id"])
        return kept

    def _outputs(self, run: Run, step: str) -> dict[str, Any]:
        answer = self._answers.get((run.pk, step))
        if answer is None:
            return {}
        if answer.get("truncated"):
            raise RelayError(f"The answer to “{step}” was too long to be kept whole; replay from the start")
        return verdicts.outputs_of_record(answer, _action(run, step))


def _events(numbers: set[int]) -> dict[int, bool]:
    """The events that are there, and whether each is whole: a flow may ask that bodies are not kept."""
    rows = Event.objects.filter(pk__in=numbers).annotate(size=Length("body")).values_list("pk", "size")
    found = {pk: size > 0 for pk, size in rows}
    empty = [pk for pk, is_whole in found.items() if not is_whole]
    for event in Event.objects.filter(pk__in=empty).only("headers", "content_type", "remote") if empty else ():
        found[event.pk] = not _came_with_body(event)
    return found


def _came_with_body(event: Event) -> bool:
    headers = {name.lower(): value for name, value in event.headers.items()}
    length = str(headers.get("content-length", "")) or ("1" if "transfer-encoding" in headers else "0")
    # Of what Relay made itself no header says how long it was.
    is_ours = event.remote in _OURS and bool(event.content_type)
    return is_ours or length.strip() != "0"


def _held(copy: Run) -> Run:
    copy.state, copy.held_by, copy.reason, copy.due_at = RunState.HELD, HeldBy.PAUSE, "The flow is paused", None
    return copy


def _action(run: Run, step: str) -> Action | None:
    document = Version.objects.values_list("document", flat=True).get(pk=run.version_id)
    try:
        found = next(one for one, _ in nesting.every(document["steps"]) if one["id"] == nesting.base(step))
        return registry.find(found["action"])[1]
    except RelayError:
        return None  # the connector has lost it; what every answer gives is there all the same


def _is_undone(run: Run) -> bool:
    """Whether something is left to do; of a run that succeeded, what error steps took over from."""
    return run.state in UNDONE or run.has_failures


def _is_left(entry: dict[str, Any]) -> bool:
    """Whether a replay does a step itself. What was gathered is taken over: nothing of it goes on elsewhere."""
    return bool(entry["state"] == "failed" or (entry["state"] == "waiting" and entry["kind"] != "digest"))


def _is_action(entry: dict[str, Any]) -> bool:
    return bool(entry["kind"] == "action" and entry["state"] == "succeeded")


def _lacks_outputs(run: Run) -> bool:
    return _is_undone(run) and any(_is_action(entry) and "outputs" not in entry for entry in run.steps)


def _answers(runs: Iterable[Run]) -> dict[tuple[int, str], dict[str, Any]]:
    """The last good answer by run and step, of runs whose trail doesn't hold what was answered."""
    numbers = [run.pk for run in runs]
    if not numbers:
        return {}
    good = Attempt.objects.filter(run__in=numbers, state=AttemptState.SUCCEEDED, answer__isnull=False)
    rows = good.order_by("id").values_list("run", "step", "answer")
    return {(run, step): answer or {} for run, step, answer in rows}
