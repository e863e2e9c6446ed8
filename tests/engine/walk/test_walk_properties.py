"""Every flow's walk ends, and a run that stops at any step continues to the same end."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.walk import trail_entry, trails
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import Outcome
from relay.flows.checks.validation import parse_document
from tests.support.examples import examples
from tests.support.walking import OK, Recorder, answer, states, walk, walk_a_step, work_item

BODY = b'{"n": 3, "text": "x", "list": [1, 2, 3], "empty": [], "deep": [[1], [], [2, 3]]}'
VALUES = (
    "{{ event.body.n }}",
    "{{ event.body.text }}",
    "plain",
    "{{ event.body.n | default(0) }}",
    "{{ event.body.nope }}",
)
LISTS = (
    "{{ event.body.list }}",
    "{{ event.body.empty }}",
    "{{ event.body.deep }}",
    "{{ event.body.n }}",
    "{{ [1, 2] }}",
)
ON_ERROR = st.sampled_from(("stop", "continue", "branch"))
BUSY, GONE = answer(503), answer(404)

conditions = st.builds(
    lambda op, right: {"left": "{{ event.body.n }}", "op": op, "right": right},
    st.sampled_from(("greater_than", "equals", "less_than")),
    st.integers(1, 5),
)
sets = st.builds(lambda value: {"kind": "set", "values": {"v": value}}, st.sampled_from(VALUES))
filters = st.builds(lambda when: {"kind": "filter", "when": when}, conditions)
responds = st.builds(lambda value: {"kind": "respond", "body": value}, st.sampled_from(VALUES))


def _action(on_error: str, steps: list[dict[str, Any]]) -> dict[str, Any]:
    more = {"error_steps": steps} if on_error == "branch" else {}
    inputs = {"url": "https://example.com/{{ event.body.n | default(0) }}"}
    return {"kind": "action", "action": "http.request", "inputs": inputs, "on_error": on_error, **more}


def _loop(over: str, steps: list[dict[str, Any]], on_error: str, errors: list[dict[str, Any]]) -> dict[str, Any]:
    more = {"error_steps": errors} if on_error == "branch" else {}
    return {"kind": "loop", "over": over, "steps": steps, "on_error": on_error, **more}


def _branch(arms: list[tuple[Any, Any]], otherwise: list[dict[str, Any]], match: str) -> dict[str, Any]:
    branches = [{"when": when, "steps": steps} for when, steps in arms]
    return {"kind": "branch", "branches": branches, "else": otherwise, "match": match}


def _nesting(step: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    block = st.lists(step, max_size=3)
    return st.one_of(
        st.builds(_action, ON_ERROR, block),
        st.builds(_loop, st.sampled_from(LISTS), block, ON_ERROR, block),
        st.builds(
            _branch,
            st.lists(st.tuples(conditions, block), min_size=1, max_size=3),
            block,
            st.sampled_from(("first", "all")),
        ),
    )


waits = st.sampled_from(({"kind": "delay", "for": "1h"}, {"kind": "delay", "until": "1999-01-01"}))
actions = st.builds(_action, ON_ERROR, st.just([]))
steps = st.lists(st.recursive(st.one_of(sets, filters, responds, waits, actions), _nesting, max_leaves=12), max_size=5)


def _named(block: list[dict[str, Any]], numbers: itertools.count[int]) -> list[dict[str, Any]]:
    """The steps with an id each; strategies share theirs, so they are copied."""
    made = []
    for step in block:
        copy = {"id": f"s{next(numbers)}", **step}
        for inner in ("steps", "else", "error_steps"):
            if inner in copy:
                copy[inner] = _named(copy[inner], numbers)
        if "branches" in copy:
            copy["branches"] = [{**arm, "steps": _named(arm["steps"], numbers)} for arm in copy["branches"]]
        made.append(copy)
    return made


def _loops(block: list[dict[str, Any]]) -> int:
    """How deep loops are nested."""
    inner = [
        _loops([*step.get("steps", ()), *step.get("else", ()), *step.get("error_steps", ()), *arms])
        + (step["kind"] == "loop")
        for step in block
        for arms in [[one for arm in step.get("branches", ()) for one in arm["steps"]]]
    ]
    return max(inner, default=0)


class _Town:
    """Destinations that answer by what was sent, so that every walk of a flow gets the same answers."""

    def __init__(self, answers: list[Any], *, busy_once: bool) -> None:
        self._answers = answers
        self._busy_once = busy_once
        self._seen: set[str] = set()
        self.done: list[str] = []

    def send(self, request: Any, timeout: float | None = None) -> Any:
        key = request.headers["Idempotency-Key"]
        if self._busy_once and key not in self._seen:
            self._seen.add(key)
            return BUSY
        self.done.append(key)
        return self._answers[sum(key.encode()) % len(self._answers)]


def _ended(document: list[dict[str, Any]], town: _Town, *, walk: Callable[..., Outcome] = walk) -> Outcome:
    """Walk until the run has ended, each time from the trail as it was stored."""
    trail: list[TrailEntry] = []
    tries = 0
    for _ in range(500):
        outcome = walk(work_item(*document, body=BODY, trail=trail, tries=tries), town)
        if outcome.is_final:
            return outcome
        assert outcome.state != "queued" or len(outcome.trail) > len(trail), "a turn takes the run no further"
        trail, tries = _stored(outcome), outcome.tries
    raise AssertionError("the run does not end")


def _stored(outcome: Outcome) -> list[TrailEntry]:
    return trail_entry.decode(msgspec.json.encode(trails.stored_trail(outcome)).decode())


@examples(150)
@given(steps, st.lists(st.sampled_from((OK, OK, GONE)), min_size=1, max_size=5))
def test_a_run_that_stops_anywhere_goes_on_to_the_same_end(block: list[dict[str, Any]], answers: list[Any]) -> None:
    document = _named(block, itertools.count())
    if _loops(document) > 3:
        return
    parse_document({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": document})

    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):  # what waits from now on waits until the same second
        at_once = _ended(document, smooth := _Town(answers, busy_once=False))
        bit_by_bit = _ended(document, rough := _Town(answers, busy_once=True))
        by_turns = _ended(document, patient := _Town(answers, busy_once=False), walk=walk_a_step)

    assert at_once.state in {"succeeded", "partly_failed", "filtered", "failed"}
    assert (bit_by_bit.state, bit_by_bit.reason) == (at_once.state, at_once.reason)
    assert _stored(bit_by_bit) == _stored(at_once)
    assert (by_turns.state, by_turns.reason, _stored(by_turns)) == (at_once.state, at_once.reason, _stored(at_once))
    assert rough.done == smooth.done == patient.done
    assert len(set(rough.done)) == len(rough.done)
    names = [entry.id for entry in at_once.trail]
    assert len(set(names)) == len(names)


@examples(100)
@given(steps)
def test_a_dry_run_tells_what_a_run_does(block: list[dict[str, Any]]) -> None:
    document = _named(block, itertools.count())
    if _loops(document) > 3:
        return
    flow = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": document}

    told = dry_run(parse_document(flow), work_item(body=BODY).event, DryRunContext("F"))
    sent = Recorder()
    outcome = _first_walks(document, sent)

    assert told["state"] == ("succeeded" if outcome.state == "partly_failed" else outcome.state)
    assert told["reason"] == outcome.reason
    assert [(step["id"], step["state"]) for step in told["steps"]] == states(outcome)
    assert [step["request"]["url"] for step in told["steps"] if "request" in step] == [one.url for one in sent.sent]
    assert told["response"] == outcome.response


def _first_walks(document: list[dict[str, Any]], sender: Recorder) -> Outcome:
    """Walk until the run has ended or waits."""
    outcome = walk(work_item(*document, body=BODY), sender)
    response = outcome.response
    while outcome.state == "queued":
        outcome = walk(work_item(*document, body=BODY, trail=outcome.trail), sender)
        response = outcome.response = outcome.response or response
    return outcome
