"""Supplies the answers that a dry run assumes for its actions, since it sends no requests."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from relay.bodies import numerals
from relay.connectors import chains, response_rules
from relay.connectors.definition import Call
from relay.connectors.response_rules import AnswerVerdict
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.errors import RelayError
from relay.flows.compiled_steps import ActionStep
from relay.outbound import Answer

EMPTY_ANSWER: dict[str, Any] = {"status": 200, "headers": {}, "body": {}}
_KEYS = {"status", "headers", "body"}
_step_of = re.compile(r"steps\.(\w+)").match


def check(assumed: Any) -> dict[str, dict[str, Any]]:
    """Check the answers that a person has written, by step; RelayError if they are invalid."""
    if not isinstance(assumed, dict):
        raise RelayError('Answers are an object: {"tell": {"status": 200, "headers": {}, "body": {}}}, by step')
    for step, answer in assumed.items():
        if not isinstance(answer, dict) or answer.keys() - _KEYS:
            raise RelayError(f'The answer of {step[:60]} is {{"status", "headers", "body"}}, each of them optional')
        status, headers = answer.get("status", 200), answer.get("headers", {})
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise RelayError(f"The status in the answer of {step[:60]} is a number between 100 and 599")
        if not isinstance(headers, dict) or not all(isinstance(text, str) for text in headers.values()):
            raise RelayError(f"The headers in the answer of {step[:60]} are names and texts")
    return assumed


def verdict(
    run_context: DryRunContext,
    step: ActionStep,
    place: str,
    context: dict[str, Any],
    inputs: Any,
    calls: Mapping[str, Any] = response_rules.NO_CALLS,
) -> AnswerVerdict:
    """The assumed result of an action: answers that people wrote are judged, stored answers have succeeded.

    `calls`: the answers of its calls. Raises RelayError if a stored answer isn't as the action expects.
    """
    assumed = run_context.assumed.get(step.id + place, run_context.assumed.get(step.id))
    if step.action.target == "inbox":
        return AnswerVerdict("succeeded")
    if assumed is not None:
        success = step.success
        names = None if success is None else lambda outputs: success({**context, **outputs})
        return response_rules.judge(step.action, _answer(assumed), inputs=inputs, success=names, calls=calls)
    stored = run_context.answers.get(step.id)
    if stored is None and step.action.target == "mail":
        # A mail server's answer has always the same form.
        examples = {output.key: output.example for output in step.action.outputs}
        return AnswerVerdict("succeeded", outputs={"status": 250, "headers": {}, "body": examples, **examples})
    if stored is None:
        outputs = response_rules.outputs_of(step.action, _answer(EMPTY_ANSWER), calls)
        return AnswerVerdict("succeeded", outputs=outputs)
    outputs = response_rules.outputs_of_record(stored, step.action, calls)
    computed = response_rules.computed_outputs(step.action, outputs.get("body"), inputs)
    return AnswerVerdict("succeeded", outputs=outputs | computed)


def call_verdict(run_context: DryRunContext, step: ActionStep, call: Call, place: str) -> AnswerVerdict | None:
    """The assumed result of a call of an action, by `step.call` or, in loops, `step[2].call`; None if none is known."""
    name = f"{step.id}.{call.key}"
    assumed = run_context.assumed.get(f"{step.id}{place}.{call.key}", run_context.assumed.get(name))
    if assumed is not None:
        answer = _answer(assumed)
        is_absent = answer.status in call.absent
        action = chains.call_action(step.action, call)
        return chains.absent(answer.status) if is_absent else response_rules.judge(action, answer)
    stored = run_context.answers.get(name)
    return None if stored is None else chains.stored_verdict(step.action, call, stored)


def advice(run_context: DryRunContext, reason: str, sent_steps: set[str]) -> str:
    """Advice for a missing name that only an answer would have; "" for other reasons.

    `sent_steps`: the actions that were walked.
    """
    match = _step_of(reason)
    if (
        match is None
        or match[1] not in sent_steps
        or match[1] in run_context.assumed
        or match[1] in run_context.answers
    ):
        return ""
    return (
        f". {match[1]} has no stored answer, so a dry run assumes status 200 and an empty body:"
        ' give its answer with --answers or "answers"'
    )


def _answer(assumed: dict[str, Any]) -> Answer:
    headers = {name.lower(): text for name, text in assumed.get("headers", {}).items()}
    body = assumed.get("body")
    if body is not None and not isinstance(body, str):
        headers.setdefault("content-type", "application/json")
        body = numerals.encode(body).decode()
    data = (body or "").encode("utf-8", "replace")
    return Answer(assumed.get("status", 200), headers, data, truncated=False, seconds=0.0)
