"""Makes the calls of an action that come before its own request; an interrupted run continues after the last one.

Each call is a delivery of its own, with attempts, an Idempotency-Key, tries and, if it must not be repeated, a mark.
Its answer is an entry of the trail. The answer of a call that must not be repeated is stored before anything more is
sent; other answers are stored when the walk is settled, and their calls are made again after a crash.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from relay.connectors import chains
from relay.connectors.definition import Call
from relay.connectors.input_coercion import coerce_inputs
from relay.connectors.response_rules import AnswerVerdict
from relay.engine.walk.answer_masking import MaskedAnswer
from relay.engine.walk.delivery import Delivery
from relay.engine.walk.step_request import Chain
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.walk import Walk
from relay.flows.compiler import ActionStep


class CallDelivery(Delivery):
    """The delivery of one call of a chain."""

    def __init__(self, walk: Walk, step: ActionStep, chain: Chain, call: Call) -> None:
        super().__init__(walk, step, chain)
        self.call, self._answers = call, chain.answers
        self.action, self.success = chains.call_action(step.action, call), None
        self.id = f"{self.id}.{call.key}"

    def run(self) -> None:
        """Make the call, unless its `when` says that it is skipped."""
        made_of = self.prepared()
        inputs = coerce_inputs(self.action, made_of.inputs.sent)
        if chains.is_made(self.call, inputs, made_of.connection, self._answers):
            super().run()
        else:
            self.walk.enter_call(TrailEntry(id=self.id, kind="call", state="skipped"))

    def verdict(self, masked: MaskedAnswer) -> AnswerVerdict:
        """What an answer means; one with a status of `absent` says that the thing does not exist."""
        status = masked.answer.status
        return chains.absent(status) if status in self.call.absent else super().verdict(masked)

    def succeed(self, outputs: dict[str, Any]) -> None:
        """Enter the call with its answer, for the requests after it."""
        if self.outcome.probe_of is not None:
            self.outcome.probe_answered = True
        self.walk.tries = 0
        answer = self._answers[self.call.key] = chains.kept_answer(outputs)
        entry = TrailEntry(
            id=self.id,
            kind="call",
            state="succeeded",
            outputs=answer,
            repeatable=self.call.repeatable,
            **self.note(),
        )
        self.walk.enter_call(entry)

    def fail(self, reason: str, outputs: dict[str, Any] | None = None) -> NoReturn:
        """Enter the action's step as failed, and raise Failed."""
        super().fail(f"{self.call.label}: {reason}", outputs)


def make(walk: Walk, step: ActionStep, deliver: Callable[[Delivery], None]) -> Chain:
    """Make the calls that have no entry yet, or end the walk if one can't be made now; the answers of all of them."""
    chain, is_unstored = Chain(), False
    for call in step.action.before:
        delivery = CallDelivery(walk, step, chain, call)
        entry = walk.former_entries.get(delivery.id)
        if entry is None:
            _settle_first(walk, is_unstored=is_unstored, is_repeatable=call.repeatable)
            walk.check_turn()
            deliver(delivery)
            is_unstored = is_unstored or (not call.repeatable and call.key in chain.answers)
        elif entry.state == "succeeded":
            chain.answers[call.key] = entry.outputs or {}
    _settle_first(walk, is_unstored=is_unstored, is_repeatable=step.action.repeatable)
    return chain


def _settle_first(walk: Walk, *, is_unstored: bool, is_repeatable: bool) -> None:
    """End the walk if it has an answer that must be stored; before a request that must not be repeated, it ends anyway.

    That is when the request is marked.
    """
    if is_unstored and is_repeatable:
        walk.put_back()
