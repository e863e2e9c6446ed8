"""Sends every described action to a double of its service, which is first shown to refuse broken requests."""

from __future__ import annotations

import re

import pytest
from pytest_httpserver import HTTPServer

from relay.connectors.conformance import samples
from relay.connectors.conformance.request_checks import request_of
from relay.connectors.definition import Action, Connector
from relay.outbound import Sender, origin_of
from tests.connectors.conformance import descriptions
from tests.connectors.conformance.actions import DESCRIBED, FILE, connections_of, event_of, step_of
from tests.connectors.conformance.doubles import Double, broken
from tests.support.examples import of_each_service
from tests.support.walking import walk, work_item

# A double answers every request as the action's own; the calls of chains need answers of their own, see test_chains.
SINGLE = [param for param in DESCRIBED if not param.values[1].before]  # type: ignore[union-attr]


@pytest.mark.parametrize(("connector", "action"), of_each_service(SINGLE))
def test_the_double_refuses_broken_requests_and_accepts_the_action(
    connector: Connector, action: Action, httpserver: HTTPServer
) -> None:
    inputs = samples.inputs_of(action.inputs)
    request = request_of(connector, action, inputs)
    operation = descriptions.operation_of(connector, request)
    assert operation is not None
    origin = origin_of(request.url)
    double = Double(connector, action, origin)
    httpserver.expect_request(re.compile("/.*")).respond_with_handler(double.answer)
    sender = Sender(("127.0.0.0/8",), {origin: httpserver.url_for("").rstrip("/")}, timeout=5.0)

    for name, wrong in broken(request, operation):
        assert sender.send(wrong).status in (404, 422), f"the double accepts a request with {name}"
    assert not double.accepted
    double.refused.clear()
    given = {"connections": connections_of(connector), **event_of(action)}
    run = work_item(step_of(connector, action, inputs), **given)
    outcome = walk(run, sender)  # type: ignore[arg-type]
    if outcome.marked_step:  # An action that must not be repeated is sent by the claim after the mark.
        marked = work_item(
            step_of(connector, action, inputs),
            **given,
            marked_step=outcome.marked_step,
            marked_fence=1,
        )
        outcome = walk(marked, sender)  # type: ignore[arg-type]

    assert double.refused == []
    assert (outcome.state, outcome.reason) == ("succeeded", "")
    assert len(double.accepted) == 1
    if given["content_type"] != "application/json":
        assert FILE in (double.accepted[0].body or b"")
