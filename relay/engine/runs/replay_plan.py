"""Decides what a replay takes over from its original run, and why some runs can't be replayed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models.functions import Length

from relay import ids
from relay.connectors import chains, registry, response_rules
from relay.connectors.definition import Action
from relay.engine.database import statements
from relay.engine.intake.arrival_keys import derive, keys_without_rendering
from relay.engine.intake.event_data import EventData
from relay.engine.intake.trigger_rules import NO_RULES, TriggerRules, rules
from relay.errors import RelayError
from relay.flows import nesting
from relay.flows.document import trigger_settings
from relay.models import Attempt, AttemptState, Event, Flow, HeldBy, ReplayMode, Run, RunState, Version
from relay.models.stored_trail import StoredEntry

ENDED = (RunState.SUCCEEDED, RunState.FILTERED, RunState.PARTLY_FAILED, RunState.FAILED, RunState.CANCELLED)
# Runs that have failed or cancelled steps to repeat.
UNDONE = (RunState.PARTLY_FAILED, RunState.FAILED, RunState.CANCELLED)
# Values of `Event.remote` for events that no request delivered.
_INTERNAL_SOURCES = frozenset({"sample", "edited", "schedule", "hand", "alert"})


class ReplayPlan:
    """Builds replays of some runs from their flows, versions and events, which it loads in a few queries for all."""

    def __init__(self, runs: Sequence[Run]) -> None:
        flows = Flow.objects.filter(pk__in={run.flow_id for run in runs}).select_related("live_version")
        self._flows = {flow.pk: flow for flow in flows.only("paused", "live_version__document")}
        self._versions = set(
            Version.objects.filter(pk__in={run.version_id for run in runs}).values_list("pk", flat=True)
        )
        self._events = _events({run.event_id for run in runs})
        self._answers = _answers(run for run in runs if _lacks_outputs(run))

    def copy(self, run: Run, mode: ReplayMode) -> Run:
        """Build the unsaved replay of a run; RelayError says why it can't be replayed."""
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
            due_at=statements.now(),
        )
        if mode == ReplayMode.FAILED_STEPS:
            copy.trail = self._succeeded_entries(run)
        return hold(copy) if flow.paused else copy

    def order_key(self, event: Event) -> str | None:
        """The order key of an event's run on the live version."""
        order_rules = self._order_rules(event.flow_id)
        return (
            derive(order_rules, EventData.from_model(event)).order
            if order_rules.order
            else keys_without_rendering(order_rules).order
        )

    def _order_key(self, run: Run) -> str | None:
        order_rules = self._order_rules(run.flow_id)
        return (
            self.order_key(Event.objects.get(pk=run.event_id))
            if order_rules.order
            else keys_without_rendering(order_rules).order
        )

    def _order_rules(self, flow_id: int) -> TriggerRules:
        version = self._flows[flow_id].live_version
        if version is None:
            return NO_RULES
        order_rules = rules(version.document, trigger_settings(version.document), is_live=True)
        return TriggerRules(ordered=order_rules.ordered, order=order_rules.order)

    def _flow(self, run: Run) -> Flow:
        if run.state == RunState.HELD:
            raise RelayError("This run is held; release it, or cancel it before you replay it")
        if run.state not in ENDED:
            raise RelayError("This run has not ended yet; replay it afterwards, or cancel it first")
        try:
            return self._flows[run.flow_id]
        except KeyError:
            raise RelayError("The flow of this run was removed, so it can't be replayed") from None

    def _check_event(self, run: Run) -> None:
        if run.event_id not in self._events:
            raise RelayError("The event of this run was removed after its retention period, so it can't be replayed")
        if not self._events[run.event_id]:
            raise RelayError("This flow doesn't keep the bodies of successful events, so this run can't be replayed")

    def _version(self, run: Run, flow: Flow, mode: ReplayMode) -> int:
        if mode == ReplayMode.FROM_START:
            if flow.live_version_id is None:
                raise RelayError("This flow is a draft: publish it, then replay")
            return flow.live_version_id
        if run.version_id not in self._versions:
            raise RelayError("The original version no longer exists. Replay with the current one.")
        return run.version_id

    def _succeeded_entries(self, run: Run) -> list[dict[str, Any]]:
        if not _is_undone(run):
            raise RelayError("Nothing failed in this run; replay it from the start")
        kept = [entry for entry in run.entries if not _is_repeated(entry)]
        walked = {entry.id for entry in kept}
        open_calls = _calls_taken_over(kept, walked)
        return [
            self._entry(run, entry, is_needed=not entry.is_call or entry.id in open_calls)
            for entry in kept
            if not entry.is_call or entry.action_id in walked or entry.id in open_calls
        ]

    def _entry(self, run: Run, entry: StoredEntry, *, is_needed: bool) -> dict[str, Any]:
        """A trail entry for the copy: with its outputs, and with `from`, the run that walked the step.

        `is_needed`: whether a request may use the outputs; those of the calls of a done action are not used any more.
        """
        kept = {"from": run.ref, **entry.fields}
        kept.pop("spent", None)
        if is_needed and _lacks_answer(entry):
            kept["outputs"] = self._outputs(run, entry.id)
        return kept

    def _outputs(self, run: Run, step: str) -> dict[str, Any]:
        answer = self._answer(run, step)
        if answer is None:
            return {}
        if nesting.call_key(step):
            return chains.kept_answer(response_rules.outputs_of_record(answer))
        action = _action(run, step)
        calls = {call.key: self._answer(run, f"{step}.{call.key}") for call in action.before} if action else {}
        known = {key: response_rules.outputs_of_record(record) for key, record in calls.items() if record}
        return response_rules.outputs_of_record(answer, action, known)

    def _answer(self, run: Run, step: str) -> dict[str, Any] | None:
        answer = self._answers.get((run.pk, step))
        if answer is not None and answer.get("truncated"):
            raise RelayError(f"The answer to “{step}” was too long to be stored completely; replay from the start")
        return answer


def _events(event_ids: set[int]) -> dict[int, bool]:
    """The ids of the events that exist, and whether each still has its body, which a flow may have removed."""
    rows = Event.objects.filter(pk__in=event_ids).annotate(size=Length("body")).values_list("pk", "size")
    is_complete = {pk: size > 0 for pk, size in rows}
    empty = [pk for pk, has_body in is_complete.items() if not has_body]
    for event in Event.objects.filter(pk__in=empty).only("headers", "content_type", "remote") if empty else ():
        is_complete[event.pk] = not _had_body(event)
    return is_complete


def _had_body(event: Event) -> bool:
    headers = {name.lower(): value for name, value in event.headers.items()}
    length = str(headers.get("content-length", "")) or ("1" if "transfer-encoding" in headers else "0")
    # Events that Relay made itself have no header with their length.
    is_internal = event.remote in _INTERNAL_SOURCES and bool(event.content_type)
    return is_internal or length.strip() != "0"


def hold(copy: Run) -> Run:
    """Hold a replay whose flow is paused, until the flow is resumed."""
    copy.state, copy.held_by, copy.reason, copy.due_at = RunState.HELD, HeldBy.PAUSE, "The flow is paused", None
    return copy


def _action(run: Run, step: str) -> Action | None:
    document = Version.objects.values_list("document", flat=True).get(pk=run.version_id)
    try:
        source = next(source for source in nesting.all_steps(document) if source["id"] == nesting.base(step))
        return registry.find(source["action"])[1]
    except RelayError:
        return None  # the connector no longer has this action; the outputs that all answers have remain


def _is_undone(run: Run) -> bool:
    """Whether a replay of failed steps has something to do; a run that succeeded by its error steps counts, too."""
    return run.state in UNDONE or run.has_failures


def _is_repeated(entry: StoredEntry) -> bool:
    """Whether a replay repeats a step. Gathered events are taken over, because no other run continues with them."""
    return entry.state == "failed" or (entry.state == "waiting" and entry.kind != "digest")


def _calls_taken_over(entries: Sequence[StoredEntry], walked: set[str]) -> set[str]:
    """The entries of calls whose action is repeated: up to the last call that must not be made again.

    The calls after that one are made again, because their answers may be out of date.
    """
    taken: set[str] = set()
    since: dict[str, list[str]] = {}
    for entry in entries:
        if entry.is_call and entry.action_id not in walked:
            since.setdefault(entry.action_id, []).append(entry.id)
            if not entry.is_repeatable:
                taken.update(since.pop(entry.action_id))
    return taken


def _lacks_answer(entry: StoredEntry) -> bool:
    """Whether only the answer of an entry's attempt has the entry's outputs."""
    return entry.kind in ("action", "call") and entry.state == "succeeded" and entry.outputs is None


def _lacks_outputs(run: Run) -> bool:
    if not _is_undone(run):
        return False
    walked = {entry.id for entry in run.entries if entry.state != "failed"}
    return any(_lacks_answer(entry) for entry in run.entries if not entry.is_call or entry.action_id not in walked)


def _answers(runs: Iterable[Run]) -> dict[tuple[int, str], dict[str, Any]]:
    """The last successful answer by run and step, for runs whose trail has no outputs of it."""
    run_ids = [run.pk for run in runs]
    if not run_ids:
        return {}
    successful = Attempt.objects.filter(run__in=run_ids, state=AttemptState.SUCCEEDED, answer__isnull=False)
    rows = successful.order_by("id").values_list("run", "step", "answer")
    return {(run, step): answer or {} for run, step, answer in rows}
