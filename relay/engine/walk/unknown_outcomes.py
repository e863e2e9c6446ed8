"""Handles actions that must not be done twice and whose outcome is unknown.

The run is held for a person. Meanwhile the service is asked if it has a status check: such a run is due although it is
held. The fence of its mark is -1 - N after N questions; nothing is ever sent under a negative fence.
"""

from __future__ import annotations

import time
from typing import Any, NoReturn

from django.conf import settings
from msgspec.structs import replace

from relay import masking
from relay.connectors import response_rules, status_checks
from relay.connectors.request_builder import RelayHeaders
from relay.engine.flow_control.limiter import OpenCircuit, SendPermit
from relay.engine.walk import action_request, step_request
from relay.engine.walk.action_request import ActionRequest
from relay.engine.walk.answer_masking import mask_answer
from relay.engine.walk.delivery import Delivery
from relay.errors import DeliveryError, RelayError
from relay.models import HeldBy
from relay.outbound import Answer

UNKNOWN = (
    "It was sent, or about to be, and no answer came: nobody knows whether it was done. "
    "Look at the service, then choose “Send again” or “It was done”."
)
# How often a service is asked. The first time is after the broken request must have ended there too; each further wait
# is LONGER times as long.
MAX_QUESTIONS = 3
MIN_SECONDS = 5.0
LONGER = 4


def hold(delivery: Delivery, reason: str, *, asked: int = 0, seconds: float | None = None) -> NoReturn:
    """Hold the run for a person, and have the service asked later if it can be and `asked` is below the limit.

    `seconds`: when to ask, None for the usual delay.
    """
    due_at = None
    if delivery.action.inquiry is not None and asked < MAX_QUESTIONS:
        usual = max(MIN_SECONDS, 2 * (delivery.step.timeout or settings.HTTP_TIMEOUT)) * LONGER**asked
        delivery.outcome.mark(delivery.id, -1 - asked)
        due_at = time.time_ns() // 1000 + int((usual if seconds is None else seconds) * 1e6)
    delivery.hold(HeldBy.UNKNOWN, reason, due_at=due_at)


def ask_service(delivery: Delivery) -> None:
    """Ask the service whether an action was done; enter it as done, send it now, or hold the run again."""
    fence = delivery.work_item.marked_fence
    if fence is None or fence >= 0:
        delivery.record_attempt("unknown", error=UNKNOWN)
        hold(delivery, UNKNOWN)
    asked = -fence
    try:
        verdict, record = _ask(delivery, asked)
    except RelayError as error:
        verdict, record = response_rules.AnswerVerdict("retry", str(error)), {}
    reason = verdict.message.rstrip(".")
    if verdict.kind == "succeeded":
        delivery.record_attempt("succeeded", **record)
        delivery.succeed(verdict.outputs)
        return
    label = delivery.step.connector.label
    if verdict.kind == "failed":
        delivery.record_attempt("retry", error=f"{label} says that it was not done, so it is sent now", **record)
        delivery.mark()
    delivery.record_attempt("unknown", error=f"{label} was asked: {reason}", **record)
    hold(delivery, f"{label} was asked whether it was done, and could not tell: {reason}. {UNKNOWN}", asked=asked)


def _ask(delivery: Delivery, asked: int) -> tuple[response_rules.AnswerVerdict, dict[str, Any]]:
    """The service's verdict and the answer to store. Raises RelayError if it can't be asked or doesn't answer."""
    step, work_item = delivery.step, delivery.work_item
    made_of = step_request.prepare(delivery.walk, step)
    inputs, values, key = made_of.inputs, made_of.connection, delivery.key
    if made_of.token is not None:
        delivery.outcome.renewal = made_of.token.state(time.time_ns() // 1000).renewal
    onward = RelayHeaders(work_item.workspace_id, work_item.event.hops + 1)
    call = action_request.make(
        step.connector,
        status_checks.inquiry_action(delivery.action),
        inputs,
        values,
        key=key,
        onward=onward,
        names=action_request.call_names(delivery.calls),
    )
    answer = _answer(delivery, call, _acquire(delivery, call, made_of.rate, asked))
    verdict = status_checks.judge(delivery.action, inputs.sent, values, answer, key=key, calls=delivery.calls)
    kept = status_checks.action_answer(delivery.action, answer) if verdict.kind == "succeeded" else answer
    masked = mask_answer(kept, delivery.outcome)
    verdict = replace(verdict, outputs=masked.outputs(verdict.outputs))
    return verdict, {"answer": masked.record(), "status": answer.status}


def _acquire(delivery: Delivery, call: ActionRequest, rate: str, asked: int) -> SendPermit:
    """A permit to ask now; without one, hold the run again and ask later."""
    plan, step = delivery.work_item.plan, delivery.step
    lasting = step.timeout or settings.HTTP_TIMEOUT
    target = delivery.target(call)
    answer = delivery.walk.limiter.acquire(
        target, delivery.work_item.flow_id, plan.concurrency, max_seconds=lasting, rate=rate
    )
    if isinstance(answer, SendPermit):
        return answer
    hold(
        delivery,
        UNKNOWN,
        asked=asked - 1,
        seconds=None if isinstance(answer, OpenCircuit) else max(1.0, answer.seconds),
    )


def _answer(delivery: Delivery, call: ActionRequest, permit: SendPermit) -> Answer:
    """Send the question and return the answer. Raises RelayError; its text contains no secrets."""
    delivery.walk.sent_count += 1
    delivery.request_record = call.record(delivery.outcome.hidden)
    delivery.started = time.time_ns() // 1000
    clock = time.perf_counter()
    fault = "it broke off"
    try:
        answer = delivery.walk.send(call.request, delivery.step.timeout)
        fault = f"The answer was {answer.status}" if answer.status >= 500 else ""
    except DeliveryError as error:
        reason = masking.mask(call.said(error), delivery.outcome.hidden)
        fault = "" if error.local else reason
        raise RelayError(reason) from None
    finally:
        delivery.seconds = time.perf_counter() - clock
        delivery.walk.limiter.release(permit, seconds=delivery.seconds, fault=fault)
    return answer
