"""Dry walk: the walk of a flow for an event, with the exact requests, and nothing sent, nothing written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, NoReturn

import msgspec

from relay import ids, redaction
from relay.connectors import calls
from relay.engine import assumed, splitting, trails
from relay.engine.arrived import Arrived
from relay.engine.asks import differs, digest
from relay.engine.endings import Ended, Filtered
from relay.engine.errand import Errand, Outcome
from relay.engine.eventshape import arrived
from relay.engine.gates import Gates
from relay.engine.ground import Ground
from relay.engine.inputs import rendered
from relay.engine.steps import LEAVES
from relay.engine.steps.asking import gather
from relay.engine.variables import Variables
from relay.engine.walk import Walk, finish
from relay.errors import RelayError
from relay.flows.document import Document
from relay.flows.plan import compile_plan
from relay.flows.planned import ActionStep, ChangedStep, DigestStep, OnceStep, PlanStep
from relay.flows.uses import uses
from relay.models import Event
from relay.outbound import Answer, Request, check_headers, check_url
from relay.templating import Budget

STATES = {"partly_failed": "succeeded", "queued": "waiting", "held": "waiting"}


def dry_run(document: Document | dict[str, Any], event: Arrived, ground: Ground) -> dict[str, Any]:
    """`{"state", "reason", "steps", "response"}` of a valid document: each step in the order walked, as in a run.

    Of a step `{"id", "kind", "state"}`, and where there are some `outputs`, `request`, `inputs` and `error`.
    """
    plan = compile_plan(document)
    errand = Errand(
        run_id=ids.new(),
        fence=0,
        tries=0,
        trail=[],
        event=event,
        plan=plan,
        workspace_id=0,
        flow_id=0,
        flow_name=ground.flow_name,
        connections=ground.connections,
        part=None if plan.split is None else ground.part,
        variables=_blanks(document) if ground.is_bare else ground.variables,
        zone=plan.timezone or ground.zone,
    )
    walk = _DryWalk(errand, ground)
    outcome = finish(walk)
    text = redaction.masked_json(
        {
            "state": STATES.get(outcome.state, outcome.state),
            "reason": outcome.reason,
            "steps": [trails.shown(entry) for entry in outcome.trail],
            "response": outcome.response,
        },
        outcome.secrets,
    )
    result: dict[str, Any] = msgspec.json.decode(text)
    return result


def _blanks(document: Document | dict[str, Any]) -> Variables:
    """The variables that a document uses, each as its own place."""
    named = {use.name for use in uses(msgspec.to_builtins(document), "vars") if use.name}
    return Variables({name: f"{{{{ vars.{name} }}}}" for name in named}, {})


def check_all(document: Document, events: Iterable[Event], ground: Ground) -> list[dict[str, Any]]:
    """A dry run for each stored event, with the event's reference."""
    return [{"event": event.ref, **dry_run(document, arrived(event), ground)} for event in events]


class _Nobody:
    """Whom a dry run sends by: nobody may be asked."""

    def send(self, request: Request, timeout: float | None = None) -> Answer:
        raise AssertionError(f"A dry run was about to send {request.method}")


class _DryWalk(Walk):
    """A walk in which actions only say what they would send."""

    def __init__(self, errand: Errand, ground: Ground) -> None:
        super().__init__(errand, Outcome(errand), _Nobody(), Gates(1))
        self.ground = ground
        self.asked: set[str] = set()  # steps of actions that were walked
        self.remembered: dict[tuple[str, str], Any] = {}  # by step and key

    def failed(self, step: PlanStep, reason: str, outputs: dict[str, Any] | None = None, **more: Any) -> NoReturn:
        super().failed(step, reason + assumed.advice(self.ground, reason, self.asked), outputs, **more)

    def go(self) -> None:
        """Walk as one run of the event does; where a list is empty there would be none."""
        split = self.errand.plan.split
        if split is not None:
            with Budget():
                if splitting.count(split, self.errand.event) == 0:
                    raise Filtered("The list that the event is split by is empty")
        super().go()


def _act(walk: _DryWalk, step: ActionStep) -> None:
    """Enter an action with the request that it would send, and go on as if it had been answered."""
    inputs: Any = None
    try:
        inputs = rendered(walk, step)
        request = _request(walk, step, inputs)
    except RelayError as error:
        walk.failed(step, redaction.mask(str(error), walk.outcome.secrets), inputs=inputs)
    walk.asked.add(step.id)
    try:
        verdict = assumed.verdict(walk.ground, step, walk.place, walk.context)
    except RelayError as error:
        walk.failed(step, str(error), inputs=inputs, request=request)
    if verdict.kind != "succeeded":
        walk.failed(step, verdict.message, verdict.outputs, inputs=inputs, request=request)
    walk.enter(step, "succeeded", verdict.outputs, inputs=inputs, request=request)


def _request(walk: _DryWalk, step: ActionStep, inputs: Any) -> dict[str, Any]:
    if step.action.target == "inbox":
        calls.inbox_message(step.action, inputs)
        return {"method": "POST", "url": "inbox", "headers": {}, "body": redaction.masked_json(inputs, ())}
    key = f"{ids.text(walk.errand.run_id)}-{step.id}{walk.place}"
    sealed = walk.errand.connections.get(step.connection or "")
    if sealed is None and step.connection is not None:
        return _sketched(step, inputs, key)
    values = sealed.unseal() if sealed is not None else None
    walk.outcome.secrets.update(calls.secrets_of(step.connector, values))
    secrets = tuple(walk.outcome.secrets)
    request = calls.build(step.connector, step.action, inputs, values, key=key)
    check_url(request.url)
    check_headers(request.headers)
    return redaction.request_record(request, secrets)


def _sketched(step: ActionStep, inputs: Any, key: str) -> dict[str, Any]:
    """As it is stored of a run, but with the blanks of the missing connection readable."""
    request = calls.sketch(step.connector, step.action, inputs, key=key)
    record = redaction.request_record(request, ())
    blanks = {name: value for name, value in request.headers.items() if "{{ connection." in value}
    return {**record, "url": request.url, "headers": {**record["headers"], **blanks}}


def _remember(walk: _DryWalk, step: ChangedStep | OnceStep) -> None:
    """A step that remembers takes what comes as new, unless it came in this very run: in a loop, for an element."""
    try:
        place = (step.id, digest(step.key.render(walk.context)))
        text = redaction.masked_json(step.value.render(walk.context), ()) if isinstance(step, ChangedStep) else "null"
    except RelayError as error:
        walk.failed(step, str(error))
    value, deadband = msgspec.json.decode(text), step.deadband if isinstance(step, ChangedStep) else None
    if place in walk.remembered and not differs(walk.remembered[place], value, deadband):
        walk.enter(step, "filtered")
        raise Filtered("This came before")
    walk.remembered[place] = value
    walk.enter(step, "passed")


def _gather(walk: _DryWalk, step: DigestStep) -> None:
    """The first run of a window waits; one that is enough goes on."""
    with contextlib.suppress(Ended):
        gather(walk, step)
    if step.limit == 1:
        body = walk.context["event"]["body"]
        walk.enter(step, "gathered", {"count": 1, "items": [body]})
        walk.outcome.state, walk.outcome.due_at = "succeeded", None
        return
    assert walk.outcome.ask is not None
    walk.enter(step, "waiting")
    walk.outcome.state = "waiting"
    walk.outcome.reason = f"Gathers at “{step.name}” until {walk.outcome.ask.until_told}"
    raise Ended


_DryWalk.leaves = {**LEAVES, "action": _act, "changed": _remember, "once": _remember, "digest": _gather}
