"""What a run makes of each kind of answer, for every action, and that no secret is stored with it."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors import request_builder
from relay.connectors.conformance import samples
from relay.connectors.conformance.answer_checks import HTML, MESSAGE
from relay.connectors.definition import Action, Connector, Reply
from relay.engine.walk.variables import Variables
from relay.engine.walk.work_item import Outcome
from relay.flows import nesting
from relay.masking import MASK, mask
from relay.outbound import Answer
from tests.connectors.conformance.actions import HTTP_ACTIONS, connections_of, event_of, step_of
from tests.support.examples import of_each_service
from tests.support.walking import Recorder, walk, work_item

SECRET = "hXq7-Vz2kPw9-Lm4"
A_FEW = of_each_service(HTTP_ACTIONS)


def carried_out(connector: Connector, action: Action, answer: Answer, inputs: dict[str, Any] | None = None) -> Outcome:
    """The outcome of the last claim of a run with one action, which its service answers."""
    step = step_of(connector, action, samples.inputs_of(action.inputs) if inputs is None else inputs)
    step["retry"] = {"delays": ["10s"]}
    variables = Variables({}, {"k": lambda: SECRET})
    given = {"connections": connections_of(connector), "variables": variables, **event_of(action)}
    # Calls before the action itself are answered as the action is.
    outcome = walk(work_item(step, **given), Recorder(*[answer] * (len(action.before) + 1)))
    for _ in range(len(action.before) + 1):
        if not outcome.marked_step or outcome.held_by:
            break
        marked = {
            "marked_step": outcome.marked_step,
            "marked_fence": outcome.marked_fence,
            "fence": outcome.marked_fence,
        }
        outcome = walk(work_item(step, **given, **marked, trail=outcome.trail), Recorder(*[answer] * 9))
    return outcome


def _is_computed(action: Action) -> bool:
    """Whether an output is computed, so that the answer must have a form that no record describes."""
    return any(output.value for output in action.outputs)


def page(status: int) -> Answer:
    return Answer(status, {"content-type": "text/html"}, HTML, truncated=False, seconds=0.1)


@pytest.mark.parametrize(("connector", "action"), A_FEW)
def test_the_answer_that_is_described_succeeds_with_its_outputs(connector: Connector, action: Action) -> None:
    if action.before:
        return
    outcome = carried_out(connector, action, samples.answer_of(action))

    assert (outcome.state, outcome.reason) == ("succeeded", "")
    outputs = outcome.trail[-1].outputs
    assert {output.key for output in action.outputs} <= outputs.keys()


@pytest.mark.parametrize(("connector", "action"), A_FEW)
def test_a_permanent_error_fails_with_the_words_of_the_service(connector: Connector, action: Action) -> None:
    outcome = carried_out(connector, action, samples.error_answer(action, 400, MESSAGE))

    assert outcome.state == "failed"
    assert outcome.reason.endswith(f"The answer was 400: {MESSAGE}") or MESSAGE in outcome.reason


@pytest.mark.parametrize(("connector", "action"), A_FEW)
def test_a_rate_limit_is_waited_for(connector: Connector, action: Action) -> None:
    outcome = carried_out(connector, action, samples.error_answer(action, 429, "Slow down"))

    assert outcome.due_at is not None
    assert outcome.held_by == ""
    assert "The answer was 429" in outcome.reason
    assert outcome.attempts[-1].state == "retry"


@pytest.mark.parametrize(("connector", "action"), A_FEW)
def test_an_error_of_the_server_is_retried_unless_the_action_may_have_been_done(
    connector: Connector, action: Action
) -> None:
    outcome = carried_out(connector, action, page(502))

    assert "Bad gateway" in outcome.reason
    assert "<" not in outcome.reason
    # A chain ends at the first call that is not skipped.
    called = nesting.call_key(outcome.attempts[-1].step)
    if next((call for call in action.before if call.key == called), action).repeatable:
        assert outcome.attempts[-1].state == "retry"
    else:
        assert outcome.attempts[-1].state == "unknown"


@pytest.mark.parametrize(
    ("connector", "action"),
    [param for param in A_FEW if not param.values[1].before and not _is_computed(param.values[1])],
)
def test_an_answer_that_is_none_has_an_outcome(connector: Connector, action: Action) -> None:
    reply = action.reply or Reply()
    must_say = bool(reply.body or reply.ok or reply.says)

    for kind, body in (("application/json", b'{"id": '), ("application/json", b""), ("text/html", HTML)):
        answer = Answer(200, {"content-type": kind}, body, truncated=False, seconds=0.1)
        outcome = carried_out(connector, action, answer)

        assert outcome.state == ("failed" if must_say else "succeeded"), body
        assert ("The answer was 200" in outcome.reason) == must_say, body


@pytest.mark.parametrize(("connector", "action"), A_FEW)
def test_no_secret_is_stored_whatever_the_answer_repeats(connector: Connector, action: Action) -> None:
    connection = samples.connection_of(connector) if connector.has_connection else None
    secrets = [*request_builder.secrets_of(connector, connection), SECRET]
    for key in [field.key for field in action.inputs if field.kind in ("string", "text") and not field.pattern]:
        secret = {key: "a {{ vars.k }}"}
        inputs = {**samples.inputs_of(action.inputs, chosen=secret), **secret}
        echo = samples.error_answer(action, 400, f"Not allowed: {' '.join(secrets)}")

        outcome = carried_out(connector, action, echo, inputs)

        stored = repr(
            [outcome.reason, outcome.trail, [(one.request, one.answer, one.error) for one in outcome.attempts]]
        )
        assert mask(stored, secrets) == stored
        assert MASK in stored
