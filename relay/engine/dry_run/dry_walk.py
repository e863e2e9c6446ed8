"""Walks a flow for an event and shows the exact requests, but sends and stores nothing.

It has masks in place of secrets, so its result reveals nothing about them, even if a person writes guesses into a
flow or an event.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

import msgspec

from relay import ids, masking
from relay.bodies import numerals
from relay.bodies.key_digest import key_digest
from relay.connectors import masked_request
from relay.connectors.definition import Action
from relay.engine.dry_run import assumed_answers
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.flow_control.limiter import Limiter
from relay.engine.intake import splitting
from relay.engine.intake.event_data import EventData
from relay.engine.walk import step_request, trails
from relay.engine.walk.action_inputs import check_shown, only_shown
from relay.engine.walk.exceptions import Ended, Filtered
from relay.engine.walk.runner import finish
from relay.engine.walk.state_requests import differs
from relay.engine.walk.steps import HANDLERS
from relay.engine.walk.steps.stateful import gather
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.variables import Variables
from relay.engine.walk.walk import Walk
from relay.engine.walk.work_item import Outcome, WorkItem
from relay.errors import RelayError
from relay.flows.compiled_steps import ActionStep, ChangedStep, DigestStep, OnceStep, PlanStep
from relay.flows.compiler import compile_plan
from relay.flows.document import Document
from relay.flows.references import find_references
from relay.models import Event
from relay.outbound import Answer, Request
from relay.templating import Budget

STATES = {"partly_failed": "succeeded", "queued": "waiting", "held": "waiting"}


def dry_run(document: Document | dict[str, Any], event: EventData, context: DryRunContext) -> dict[str, Any]:
    """Dry-run a valid document: `{"state", "reason", "steps", "response"}`, with the steps in the order of the walk.

    A step has `{"id", "kind", "state"}` and, if present, `outputs`, `request`, `inputs` and `error`.
    """
    plan = compile_plan(document)
    work_item = WorkItem(
        run_id=ids.new(),
        fence=0,
        tries=0,
        trail=[],
        event=event,
        plan=plan,
        workspace_id=0,
        flow_id=0,
        flow_name=context.flow_name,
        connections=context.connections,
        part=None if plan.split is None else context.part,
        variables=_placeholders(document) if context.is_bare else context.variables,
        zone=plan.timezone or context.zone,
    )
    walk = _DryWalk(work_item, context)
    outcome = finish(walk)
    text = masking.masked_json(
        {
            "state": STATES.get(outcome.state, outcome.state),
            "reason": outcome.reason,
            "steps": outcome.trail,
            "response": outcome.response,
        },
        (),
    )
    result: dict[str, Any] = numerals.decode(text)
    return {**result, "steps": [trails.shown_entry(entry) for entry in result["steps"]]}


def _placeholders(document: Document | dict[str, Any]) -> Variables:
    """The variables that a document uses, each with its own template as value."""
    named = {use.name for use in find_references(msgspec.to_builtins(document), "vars") if use.name}
    return Variables({name: f"{{{{ vars.{name} }}}}" for name in named}, {})


def dry_run_events(document: Document, events: Iterable[Event], context: DryRunContext) -> list[dict[str, Any]]:
    """Dry-run a document with stored events; each result also has the event's reference."""
    return [{"event": event.ref, **dry_run(document, EventData.from_model(event), context)} for event in events]


class _NoSender:
    """The sender of a dry run, which refuses to send."""

    def send(self, request: Request, timeout: float | None = None) -> Answer:
        raise AssertionError(f"A dry run was about to send {request.method}")


class _DryWalk(Walk):
    """A walk in which actions only record what they would send."""

    def __init__(self, work_item: WorkItem, context: DryRunContext) -> None:
        super().__init__(work_item, Outcome(work_item), _NoSender(), Limiter(1), _HANDLERS)
        self.dry_run_context = context
        self.sent_steps: set[str] = set()  # actions that were walked
        self.remembered: dict[tuple[str, str], Any] = {}  # by step and key

    def fail(self, step: PlanStep, reason: str, outputs: dict[str, Any] | None = None, **more: Any) -> NoReturn:
        super().fail(
            step, reason + assumed_answers.advice(self.dry_run_context, reason, self.sent_steps), outputs, **more
        )

    def run(self) -> None:
        """Walk as one run of the event does; an event that is split by an empty list would have none."""
        split = self.work_item.plan.split
        if split is not None:
            with Budget():
                if splitting.count_runs(split, self.work_item.event) == 0:
                    raise Filtered("The list that the event is split by is empty")
        super().run()


def _act(walk: _DryWalk, step: ActionStep) -> None:
    """Record an action with the requests that it would send, and continue as if they had been answered."""
    inputs: Any = None
    try:
        inputs = only_shown(walk, step)
        if step.action.target == "http":
            check_shown(walk, step, inputs)
        calls, is_known = _make_calls(walk, step, inputs)
        record = functools.partial(_record, walk, step, inputs)
        request = step_request.shown_or_written(step.action, "", calls, record, is_known=is_known)
    except RelayError as error:
        walk.fail(step, str(error), inputs=inputs)
    walk.sent_steps.add(step.id)
    try:
        verdict = assumed_answers.verdict(walk.dry_run_context, step, walk.loop_suffix, walk.context, inputs, calls)
    except RelayError as error:
        walk.fail(step, str(error), inputs=inputs, request=request)
    if verdict.kind != "succeeded":
        walk.fail(step, verdict.message, verdict.outputs, inputs=inputs, request=request)
    walk.enter(step, "succeeded", verdict.outputs, inputs=inputs, request=request)


def _make_calls(walk: _DryWalk, step: ActionStep, inputs: Any) -> tuple[dict[str, Any], bool]:
    """Record the calls of an action; their answers, and whether all that are needed are known."""
    if not step.action.before:
        return {}, True
    sealed = walk.work_item.connections.get(step.connection or "")
    public = masked_request.shown_connection(step.connector, None if sealed is None else sealed.unseal())
    shown, calls, is_known = step_request.shown_calls(
        step.action,
        inputs,
        public,
        functools.partial(_record, walk, step, inputs),
        lambda call: assumed_answers.call_verdict(walk.dry_run_context, step, call, walk.loop_suffix),
    )
    for one in shown:
        state = "failed" if one.error else "succeeded" if one.request else "skipped"
        entry_id = f"{step.id}{walk.loop_suffix}.{one.call.key}"
        walk.enter_call(
            TrailEntry(id=entry_id, kind="call", state=state, request=one.request, outputs=one.answer, error=one.error)
        )
        if one.error:
            walk.fail(step, one.error, inputs=inputs)
    return calls, is_known


def _record(
    walk: _DryWalk, step: ActionStep, inputs: Any, action: Action, call: str, calls: Mapping[str, Any]
) -> dict[str, Any]:
    """The record of a request of a step: its own, or that of a call of its action."""
    sealed = walk.work_item.connections.get(step.connection or "")
    entry_id = f"{step.id}{walk.loop_suffix}" + (f".{call}" if call else "")
    return step_request.shown_record(
        step.connector,
        action,
        inputs,
        step.inputs.value,
        None if sealed is None else sealed.unseal(),
        key=f"{ids.text(walk.work_item.run_id)}-{entry_id}",
        is_connected=sealed is not None or step.connection is None,
        calls=calls,
    )


def _remember(walk: _DryWalk, step: ChangedStep | OnceStep) -> None:
    """Pass a value as new, unless this run had it before, for another element of a loop."""
    try:
        state_key = (step.id, key_digest(step.key.render(walk.context)))
        text = masking.masked_json(step.value.render(walk.context), ()) if isinstance(step, ChangedStep) else "null"
    except RelayError as error:
        walk.fail(step, str(error))
    value, deadband = msgspec.json.decode(text), step.deadband if isinstance(step, ChangedStep) else None
    if state_key in walk.remembered and not differs(walk.remembered[state_key], value, deadband):
        walk.enter(step, "filtered")
        raise Filtered("This came before")
    walk.remembered[state_key] = value
    walk.enter(step, "passed")


def _gather(walk: _DryWalk, step: DigestStep) -> None:
    """Wait as the first run of a window; continue at once if one event fills the window."""
    with contextlib.suppress(Ended):
        gather(walk, step)
    if step.limit == 1:
        body = walk.context["event"]["body"]
        walk.enter(step, "gathered", {"count": 1, "items": [body]})
        walk.outcome.end("succeeded")
        return
    request = walk.outcome.state_request
    assert request is not None
    walk.enter(step, "waiting")
    walk.outcome.wait(request.until, f"Gathers at “{step.name}” until {request.until_text}")
    raise Ended


_HANDLERS = HANDLERS._replace(
    leaves={**HANDLERS.leaves, "action": _act, "changed": _remember, "once": _remember, "digest": _gather}
)
