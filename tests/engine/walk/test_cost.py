"""A usual run stays within a number of function calls; time would depend on the machine."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import msgspec
import pytest

from relay.connectors.request_builder import RelayHeaders
from relay.connectors.response_rules import AnswerVerdict
from relay.engine.intake.event_data import EventData
from relay.engine.intake.event_store import Accepted, Arrival, Prepared
from relay.engine.walk.action_inputs import Inputs
from relay.engine.walk.action_request import ActionRequest
from relay.engine.walk.answer_masking import MaskedAnswer
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import DeliveryAttempt, Outcome, WorkItem
from relay.engine.worker.memory_allotment import Offer
from relay.outbound import Answer, Request
from relay.outbound.wire import WireResponse
from tests.bench.__main__ import flow
from tests.bench.load import order
from tests.support.walking import Recorder, walk, work_item

# A little more than there are, of Python's functions and of those in C.
MOST_OF_WALK = 622
MADE_FOR_EACH_RUN = [
    *(Accepted, Answer, Arrival, EventData, ActionRequest, WorkItem, MaskedAnswer, Inputs),
    *(Offer, RelayHeaders, Outcome, TrailEntry, Prepared, WireResponse, Request, DeliveryAttempt, AnswerVerdict),
]


def calls(run: Callable[[], Any]) -> int:
    """How many functions are called once all that is kept is there."""
    counted = 0

    def count(_: FrameType, event: str, __: Any) -> None:
        nonlocal counted
        counted += event in ("call", "c_call")

    run()
    sys.setprofile(count)
    try:
        run()
    finally:
        sys.setprofile(None)
    return counted


def test_a_walk_calls_no_more_functions_than_it_must() -> None:
    (step,) = flow("https://example.com/orders")["steps"]
    run = work_item(step, body=order(7))

    assert walk(run, Recorder()).state == "succeeded"
    assert calls(lambda: walk(run, Recorder())) < MOST_OF_WALK


@pytest.mark.parametrize("kind", MADE_FOR_EACH_RUN, ids=lambda kind: kind.__name__)
def test_what_is_made_for_each_run_is_a_struct(kind: type) -> None:
    """A frozen dataclass takes ten times as long to make: it sets each field by a call."""
    assert issubclass(kind, msgspec.Struct)
