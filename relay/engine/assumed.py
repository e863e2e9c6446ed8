"""Answers of a dry run: what each action is taken to be answered, since nobody is asked."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from relay.connectors import verdicts
from relay.connectors.verdicts import Verdict
from relay.engine.ground import Ground
from relay.errors import RelayError
from relay.flows.planned import ActionStep
from relay.outbound import Answer

NOTHING: dict[str, Any] = {"status": 200, "headers": {}, "body": {}}
_KEYS = {"status", "headers", "body"}
_step_of = re.compile(r"steps\.(\w+)").match


def check(assumed: Any) -> dict[str, dict[str, Any]]:
    """Answers as people write them, by step; RelayError for all else."""
    if not isinstance(assumed, dict):
        raise RelayError('Answers are an object: {"tell": {"status": 200, "headers": {}, "body": {}}}, by step')
    for step, one in assumed.items():
        if not isinstance(one, dict) or one.keys() - _KEYS:
            raise RelayError(f'The answer of {step[:60]} is {{"status", "headers", "body"}}, each of them optional')
        status, headers = one.get("status", 200), one.get("headers", {})
        if isinstance(status, bool) or not isinstance(status, int) or not 100 <= status <= 599:
            raise RelayError(f"The status in the answer of {step[:60]} is a number between 100 and 599")
        if not isinstance(headers, dict) or not all(isinstance(text, str) for text in headers.values()):
            raise RelayError(f"The headers in the answer of {step[:60]} are names and texts")
    return assumed


def verdict(ground: Ground, step: ActionStep, place: str, context: dict[str, Any]) -> Verdict:
    """What an action is taken to come to: an answer that was written down is judged, one that was stored succeeded."""
    assumed = ground.assumed.get(step.id + place, ground.assumed.get(step.id))
    if step.action.target != "http":
        return Verdict("succeeded")
    if assumed is not None:
        success = step.success
        names = None if success is None else lambda told: success({**context, **told})
        return verdicts.judge(step.action, _answer(assumed), success=names)
    stored = ground.answers.get(step.id)
    outputs = NOTHING if stored is None else verdicts.outputs_of_record(stored, step.action)
    return Verdict("succeeded", outputs=outputs)


def advice(ground: Ground, reason: str, asked: set[str]) -> str:
    """What to do where a name is missing that only an answer would have; nothing for other reasons.

    `asked`: the steps of actions so far.
    """
    match = _step_of(reason)
    if match is None or match[1] not in asked or match[1] in ground.assumed or match[1] in ground.answers:
        return ""
    return (
        f". A dry run takes {match[1]} to be answered 200 and nothing, as it has not been answered yet:"
        ' name its answer, by --answers or "answers"'
    )


def _answer(assumed: dict[str, Any]) -> Answer:
    headers = {name.lower(): text for name, text in assumed.get("headers", {}).items()}
    body = assumed.get("body")
    if body is not None and not isinstance(body, str):
        headers.setdefault("content-type", "application/json")
        body = msgspec.json.encode(body).decode()
    sent = (body or "").encode("utf-8", "replace")
    return Answer(assumed.get("status", 200), headers, sent, truncated=False, seconds=0.0)
