"""Chains: the calls that an action makes before its own request, each as an action with the same inputs."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

from relay.connectors import response_rules
from relay.connectors.calls import as_action
from relay.connectors.definition import Action, Call
from relay.connectors.response_rules import AnswerVerdict
from relay.templating import Budget, Tree, compile_tree

# Characters of a call's key: the id of a step, its indexes in loops and the key have 64 in the database.
MAX_KEY = 12
# What `calls.KEY` has of an answer.
_KEPT = ("status", "body", "body_error", "body_start", "files")
_NOTHING = frozenset({"", "0", "false", "none", "null"})


@functools.cache
def call_action(action: Action, call: Call) -> Action:
    """A call of a chain as an action, so that everything that sends, masks and judges actions does so with calls."""
    return dataclasses.replace(as_action(call, action.inputs), key=action.key)


def find(action: Action, key: str) -> Call | None:
    """The call of an action with a key."""
    return next((call for call in action.before if call.key == key), None)


@functools.cache
def _condition(call: Call) -> Tree:
    return compile_tree({"when": call.when})


def is_made(
    call: Call, inputs: Mapping[str, Any], connection: Mapping[str, Any] | None, calls: Mapping[str, Any]
) -> bool:
    """Whether the `when` of a call holds, for converted inputs and the answers so far; a missing name is nothing.

    Raises RelayError if the template fails.
    """
    if not call.when:
        return True
    context = {"inputs": inputs, "connection": connection or {}, "calls": calls}
    with Budget.beside():
        value = _condition(call).render(context, omit_missing=True).get("when")
    return bool(value) and str(value).strip().lower() not in _NOTHING


def kept_answer(outputs: Mapping[str, Any]) -> dict[str, Any]:
    """What the templates of a chain see of an answer: `status`, `body` and `files`, and why the body isn't complete."""
    return {name: outputs[name] for name in _KEPT if name in outputs}


def absent(status: int) -> AnswerVerdict:
    """The verdict on an answer whose status is one of the call's `absent`."""
    return AnswerVerdict("succeeded", outputs={"status": status, "body": None})


def stored_verdict(action: Action, call: Call, record: Mapping[str, Any]) -> AnswerVerdict:
    """The verdict on a stored answer that was a success."""
    outputs = response_rules.outputs_of_record(record, call_action(action, call))
    return (
        absent(outputs["status"]) if outputs["status"] in call.absent else AnswerVerdict("succeeded", outputs=outputs)
    )
