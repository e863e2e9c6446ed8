"""Inquiries: the request that asks a service whether an action was done, and what its answer says."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from relay.connectors import calls, verdicts
from relay.connectors.definition import Action, Connector, Inquiry
from relay.connectors.fitting import fitted
from relay.outbound import Answer, Request
from relay.templating import Leaf, compile_leaf


@functools.cache
def _asking(action: Action) -> Action:
    """The inquiry as an action, with the same inputs and credential."""
    inquiry = _inquiry(action)
    plain: dict[str, Any] = {"json": None, "body": None, "sign": "", "signing_secret": "", "repeatable": True}
    return replace(action, method="GET", url=inquiry.url, query=inquiry.query, **plain)


@functools.cache
def _about(action: Action) -> Leaf:
    return compile_leaf(_inquiry(action).about[1])


def _inquiry(action: Action) -> Inquiry:
    assert action.inquiry is not None
    return action.inquiry


def build(
    connector: Connector,
    action: Action,
    inputs: Mapping[str, Any],
    connection: Mapping[str, Any] | None,
    *,
    key: str,
    hops: int = 1,
) -> Request:
    """The request that asks whether an action was done. Raises RequestRefused as that of the action itself."""
    return calls.build(connector, _asking(action), inputs, connection, key=key, hops=hops)


def judge(
    action: Action, inputs: Mapping[str, Any], connection: Mapping[str, Any] | None, answer: Answer, *, key: str
) -> verdicts.Verdict:
    """`succeeded`: it was done, with the action's outputs; `failed`: it was not; `retry`: the answer doesn't tell."""
    inquiry = _inquiry(action)
    body = verdicts.outputs_of(action, answer)["body"]
    context = {"inputs": fitted(action, inputs), "connection": connection or {}, "key": key}
    if not 200 <= answer.status < 300 or answer.truncated:
        return verdicts.Verdict("retry", f"The answer was {answer.status}")
    if verdicts.at(body, inquiry.about[0]) != _about(action).render(context):
        return verdicts.Verdict("retry", "The answer has nothing of it")
    if verdicts.at(body, inquiry.made) is None:
        return verdicts.Verdict("failed", "It was not done")
    return verdicts.Verdict("succeeded", outputs=verdicts.outputs_of(action, as_answered(action, answer)))


def as_answered(action: Action, answer: Answer) -> Answer:
    """What the action itself would have answered, of an answer that says that it was done."""
    path = _inquiry(action).body
    body = verdicts.outputs_of(action, answer)["body"]
    return replace(answer, body=msgspec.json.encode(verdicts.at(body, path) if path else body))
