"""Doubts: an action that must not be done twice, and of which nobody knows whether it was done.

The run is held for a person. Meanwhile the service is asked where it can tell: such a run is due although it is held,
and its mark says how often it was asked, as the fence -1 - times, under which nothing is ever sent.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec
from django.conf import settings

from relay import redaction
from relay.connectors import calls, inquiries, verdicts
from relay.engine.gates import Pass, Shut
from relay.engine.inputs import rendered
from relay.errors import DeliveryError, RelayError
from relay.models import HeldBy
from relay.outbound import Answer, Request

if TYPE_CHECKING:
    from relay.engine.deliver import Delivery

UNKNOWN = (
    "It was sent, or about to be, and no answer came: nobody knows whether it was done. "
    "Look at the service, then choose “Send again” or “It was done”."
)
# A service is asked so often; the first time not before what broke off must be over there too, then ever later.
MOST_ASKED = 3
SOONEST = 5.0  # seconds
LONGER = 4


def hold(delivery: Delivery, reason: str, *, asked: int = 0, seconds: float | None = None) -> NoReturn:
    """Hold the run for a person; the service is asked after so many seconds, where it can tell, and often enough."""
    outcome = delivery.outcome
    if delivery.step.action.inquiry is not None and asked < MOST_ASKED:
        usual = max(SOONEST, 2 * (delivery.step.timeout or settings.HTTP_TIMEOUT)) * LONGER**asked
        outcome.marked_step, outcome.marked_fence = delivery.id, -1 - asked
        outcome.due_at = time.time_ns() // 1000 + int((usual if seconds is None else seconds) * 1e6)
    delivery.hold(HeldBy.UNKNOWN, reason)


def resolve(delivery: Delivery) -> None:
    """Ask the service whether an action was done: it is done then, or begun anew; else the doubt goes on."""
    fence = delivery.errand.marked_fence
    if fence is None or fence >= 0:
        delivery.tried("unknown", error=UNKNOWN)
        hold(delivery, UNKNOWN)
    asked = -fence
    try:
        verdict, record = _ask(delivery, asked)
    except RelayError as error:
        verdict, record = verdicts.Verdict("retry", str(error)), {}
    said = redaction.mask(verdict.message, delivery.outcome.secrets).rstrip(".")
    if verdict.kind == "succeeded":
        delivery.tried("succeeded", **record)
        delivery.done(verdict.outputs)
        return
    label = delivery.step.connector.label
    if verdict.kind == "failed":
        delivery.tried("retry", error=f"{label} says that it was not done, so it is sent now", **record)
        delivery.mark()
    delivery.tried("unknown", error=f"{label} was asked: {said}", **record)
    hold(delivery, f"{label} was asked whether it was done, and could not tell: {said}. {UNKNOWN}", asked=asked)


def _ask(delivery: Delivery, asked: int) -> tuple[verdicts.Verdict, dict[str, Any]]:
    """What the service says, and what is kept of it. Raises RelayError where it can't be asked, or doesn't answer."""
    step, errand = delivery.step, delivery.errand
    sealed = delivery.connection()
    values = sealed.unseal() if sealed else None
    inputs = rendered(delivery.walk, step)
    delivery.outcome.secrets.update(calls.secrets_of(step.connector, values))
    key, hops = delivery.key, errand.event.hops + 1
    request = inquiries.build(step.connector, step.action, inputs, values, key=key, hops=hops)
    answer = _answer(delivery, request, _enter(delivery, request, sealed.rate if sealed else "", asked))
    verdict = inquiries.judge(step.action, inputs, values, answer, key=key)
    kept = inquiries.as_answered(step.action, answer) if verdict.kind == "succeeded" else answer
    record = msgspec.json.encode(redaction.answer_record(kept, tuple(delivery.outcome.secrets))).decode()
    return verdict, {"answer": record, "status": answer.status}


def _enter(delivery: Delivery, request: Request, rate: str, asked: int) -> Pass:
    """Leave to ask now; else the doubt goes on as it is, and the service is asked when it's free."""
    plan, step = delivery.errand.plan, delivery.step
    lasting = step.timeout or settings.HTTP_TIMEOUT
    place = delivery.place(request)
    found = delivery.walk.gates.enter(place, delivery.errand.flow_id, plan.concurrency, lasting=lasting, rate=rate)
    if isinstance(found, Pass):
        return found
    hold(delivery, UNKNOWN, asked=asked - 1, seconds=None if isinstance(found, Shut) else max(1.0, found.seconds))


def _answer(delivery: Delivery, request: Request, passed: Pass) -> Answer:
    delivery.walk.sent += 1
    secrets = tuple(delivery.outcome.secrets)
    delivery.sent = msgspec.json.encode(redaction.request_record(request, secrets)).decode()
    delivery.started = time.time_ns() // 1000
    clock = time.perf_counter()
    fault = "it broke off"
    try:
        answer = delivery.walk.sender.send(request, delivery.step.timeout)
        fault = f"The answer was {answer.status}" if answer.status >= 500 else ""
    except DeliveryError as error:
        fault = "" if error.permanent else redaction.mask(str(error), secrets)
        raise
    finally:
        delivery.seconds = time.perf_counter() - clock
        delivery.walk.gates.leave(passed, seconds=delivery.seconds, fault=fault)
    return answer
