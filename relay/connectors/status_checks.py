"""Builds the request that asks a service whether an action was done, and judges the answer."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from msgspec import structs

from relay.bodies import numerals
from relay.connectors import response_rules
from relay.connectors.definition import Action, Inquiry
from relay.connectors.input_coercion import coerce_inputs
from relay.connectors.response_rules import NO_CALLS
from relay.outbound import Answer
from relay.templating import Leaf, compile_leaf


@functools.cache
def inquiry_action(action: Action) -> Action:
    """The inquiry as an action with the same inputs and credential. Its request asks whether the action was done."""
    inquiry = _inquiry(action)
    without_body: dict[str, Any] = {"json": None, "body": None, "sign": "", "signing_secret": "", "repeatable": True}
    return dataclasses.replace(action, method="GET", url=inquiry.url, query=inquiry.query, refuse="", **without_body)


@functools.cache
def _about(action: Action) -> Leaf:
    return compile_leaf(_inquiry(action).about[1])


def _inquiry(action: Action) -> Inquiry:
    assert action.inquiry is not None
    return action.inquiry


def judge(
    action: Action,
    inputs: Mapping[str, Any],
    connection: Mapping[str, Any] | None,
    answer: Answer,
    *,
    key: str,
    calls: Mapping[str, Any] = NO_CALLS,
) -> response_rules.AnswerVerdict:
    """`succeeded`: the action was done, with its outputs; `failed`: it was not; `retry`: the answer does not say."""
    inquiry = _inquiry(action)
    body = response_rules.outputs_of(action, answer).get("body")
    context = {"inputs": coerce_inputs(action, inputs), "connection": connection or {}, "key": key, "calls": calls}
    if not 200 <= answer.status < 300 or answer.fault:
        return response_rules.AnswerVerdict("retry", f"The answer was {answer.status}")
    if response_rules.value_at(body, inquiry.about[0]) != _about(action).render(context):
        return response_rules.AnswerVerdict("retry", "The answer has nothing of it")
    if response_rules.value_at(body, inquiry.made) is None:
        return response_rules.AnswerVerdict("failed", "It was not done")
    return response_rules.AnswerVerdict(
        "succeeded", outputs=response_rules.outputs_of(action, action_answer(action, answer), calls)
    )


def action_answer(action: Action, answer: Answer) -> Answer:
    """The answer that the action would have had, from the answer to an inquiry that it was done."""
    path = _inquiry(action).body
    body = response_rules.outputs_of(action, answer).get("body")
    return structs.replace(answer, body=numerals.encode(response_rules.value_at(body, path) if path else body))
