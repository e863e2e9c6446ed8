"""Walks give way: every kind of step makes progress in turns, and no step is done twice."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from relay.engine.flow_control.limiter import Limiter
from relay.engine.runs.replay_plan import ReplayPlan
from relay.engine.walk import cpu_clock, trail_entry, trails
from relay.engine.walk.cpu_clock import CpuAllowance
from relay.engine.walk.runner import walk as walk_on
from relay.engine.walk.steps import HANDLERS
from relay.engine.walk.trail_entry import TrailEntry
from relay.engine.walk.work_item import Outcome
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Run, RunState
from tests.support.walking import POST, Recorder, states, walk, walk_a_step, work_item

SET = {"id": "a", "kind": "set", "values": {"v": "{{ event.body.n }}"}}


class _Stops(Recorder):
    """Stops the work item while it sends, as lease renewal does when the run is cancelled."""

    def __init__(self, stop: Any) -> None:
        super().__init__()
        self._stop = stop

    def send(self, request: Any, timeout: float | None = None) -> Any:
        self._stop.is_set = True
        return super().send(request, timeout)


@pytest.mark.parametrize(
    "steps",
    [
        [POST, {**POST, "id": "again"}],
        [{"id": "each", "kind": "loop", "over": [1, 2, 3], "steps": [POST]}],
        [{"id": "each", "kind": "loop", "over": [1, 2], "steps": [POST, SET], "on_error": "continue"}],
        [POST, {"id": "b", "kind": "branch", "branches": [{"when": {"left": 1, "op": "exists"}, "steps": [SET]}]}],
    ],
)
def test_a_run_that_is_stopped_walks_no_further_step(steps: list[dict[str, Any]]) -> None:
    stopped = work_item(*steps)
    sender = _Stops(stopped.stop)

    outcome = walk(stopped, sender)

    assert len(sender.sent) == 1
    assert [state for _, state in states(outcome)][-1] == "succeeded"  # the step that was under way
    assert not outcome.is_final


def test_a_run_that_was_stopped_before_its_walk_does_nothing() -> None:
    stopped = work_item(SET, POST)
    stopped.stop.is_set = True

    outcome = walk(stopped, sender := Recorder())

    assert (outcome.trail, sender.sent) == ([], [])


HOLDS = {"left": 1, "op": "exists"}
EVERY_KIND: list[dict[str, Any]] = [
    SET,
    {"id": "f", "kind": "filter", "when": {"left": "{{ event.body.id }}", "op": "exists"}},
    {"id": "o", "kind": "once", "key": "{{ event.body.id }}"},
    {"id": "c", "kind": "changed", "key": "k", "value": "{{ event.body.id }}"},
    {"id": "w", "kind": "delay", "until": "1999-01-01"},
    {"id": "g", "kind": "digest", "every": "1h", "limit": 1},
    {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "hello"}},
    {
        "id": "each",
        "kind": "loop",
        "over": "{{ [1, 2, 3] }}",
        "steps": [
            {**SET, "id": "inner"},
            {"id": "b", "kind": "branch", "branches": [{"when": HOLDS, "steps": [{**SET, "id": "d"}]}]},
        ],
    },
    {"id": "r", "kind": "respond", "body": "thanks"},
]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_run_with_every_kind_of_step_ends_in_turns_of_one_step(
    live, arrive, walkers: WalkThreads, monkeypatch
) -> None:
    monkeypatch.setattr(cpu_clock, "BRIEF", -1.0)
    monkeypatch.setattr(cpu_clock, "TURN", -1.0)
    (run,) = arrive(
        live({"relay": 1, "name": "All", "trigger": {"kind": "webhook"}, "steps": EVERY_KIND}), b'{"n": 3, "id": 7}'
    )

    work(walkers=walkers)

    run.refresh_from_db()
    kinds = {entry["kind"] for entry in run.steps}
    assert (run.state, run.reason) == (RunState.SUCCEEDED, "")
    assert kinds == {*HANDLERS.leaves, *HANDLERS.nests}
    assert run.fence >= len(run.steps)


def test_a_loop_that_is_passed_is_not_rendered_again(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = {"id": "each", "kind": "loop", "over": ["{{ event.body.n }}", 2], "steps": [{**SET, "id": "inner"}]}
    first = walk_a_step(work_item(loop, SET), Recorder())
    outcomes = [first]
    while not outcomes[-1].is_final:
        outcomes.append(walk_a_step(work_item(loop, SET, trail=_stored(outcomes[-1])), Recorder()))
    passed = _stored(outcomes[-2])  # only the step behind the loop is left

    # The list can't be rendered any more, and nothing needs it.
    outcome = walk(work_item(loop, {**SET, "values": {"v": 1}}, trail=passed, body=b"{}"), Recorder())

    assert [entry.id for entry in passed] == ["each", "inner[0]", "inner[1]"]
    assert (outcome.state, outcome.reason) == ("succeeded", "")


@pytest.mark.parametrize("on_error", ["stop", "continue"])
def test_a_list_that_has_changed_fails_the_loop_that_goes_through_it(on_error: str) -> None:
    inner = {"id": "inner", "kind": "loop", "over": ["{{ event.body.n }}"], "steps": [SET], "on_error": "continue"}
    outer = {"id": "outer", "kind": "loop", "over": "{{ event.body.list }}", "steps": [inner], "on_error": on_error}
    trail = _stored(walk_a_step(work_item(outer, body=b'{"n": 1, "list": [1, 2]}'), Recorder()))
    trail[0] = replace(trail[0], items=None)

    outcome = walk(work_item(outer, trail=trail, body=b'{"n": 1, "list": [1, 2, 3]}'), Recorder())

    assert outcome.state == {"stop": "failed", "continue": "partly_failed"}[on_error]
    assert states(outcome) == [("outer", "looped"), ("outer", "failed")]
    assert "has changed since this run began" in outcome.trail[-1].error


def test_loops_of_loops_see_their_own_elements_after_each_turn() -> None:
    """Both loops call their element the same, and `loop` is the inner one's."""
    seen = {"id": "seen", "kind": "set", "values": {"v": "{{ item }} {{ loop.index }}"}}
    after = {"id": "after", "kind": "set", "values": {"v": "{{ item }} {{ loop.index }}"}}
    inner = {"id": "inner", "kind": "loop", "over": ["{{ item }}x", "{{ item }}y"], "steps": [seen]}
    outer = {"id": "outer", "kind": "loop", "over": ["{{ 'a' }}", "{{ 'b' }}"], "steps": [inner, after]}

    outcome = walk_a_step(work_item(outer), Recorder())
    while not outcome.is_final:
        outcome = walk_a_step(work_item(outer, trail=_stored(outcome)), Recorder())

    told = {entry.id: entry.outputs["v"] for entry in outcome.trail if entry.kind == "set"}
    assert told == {
        "seen[0][0]": "ax 1",
        "seen[0][1]": "ay 2",
        "after[0]": "a 1",
        "seen[1][0]": "bx 1",
        "seen[1][1]": "by 2",
        "after[1]": "b 2",
    }


class _Spent(CpuAllowance):
    """A turn that has used this number of seconds."""

    used = 7.0
    is_over = True


def test_a_run_keeps_what_its_turns_have_used_and_fails_past_the_limit() -> None:
    block = [{**SET, "id": f"s{number}"} for number in range(20)]
    outcome = Outcome(work_item(*block), due_at=0)
    while not outcome.is_final:
        outcome = walk_on(
            work_item(*block, trail=_stored(outcome)), Recorder(), Limiter(1), _Spent(cpu_clock.FreeSlot())
        )

    assert outcome.state == "failed"
    assert "computed for more than 60 seconds" in outcome.reason
    assert cpu_clock.spent(outcome.trail) == 56.0
    assert all("spent" not in trails.shown_entry(msgspec.to_builtins(entry)) for entry in outcome.trail)


@pytest.mark.django_db
def test_a_replay_does_not_inherit_what_was_spent(live, arrive) -> None:
    (run,) = arrive(live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [SET]}))
    trail = [{"id": "a", "kind": "set", "state": "set", "outputs": {}, "spent": 59_000}]
    Run.objects.filter(pk=run.pk).update(state="failed", due_at=None, trail=trail)
    run.refresh_from_db()

    copy = ReplayPlan([run]).copy(run, "failed_steps")  # type: ignore[arg-type]

    assert [entry["id"] for entry in copy.trail] == ["a"]
    assert "spent" not in copy.trail[0]


def test_the_conditions_of_a_branch_are_bounded_together() -> None:
    text = "{% for i in range(3000) %}{{ i }}{% endfor %}"
    arms = [{"when": {"left": text, "op": "equals", "right": "x"}, "steps": [SET]} for _ in range(500)]

    outcome = walk(work_item({"id": "b", "kind": "branch", "branches": arms}), Recorder())

    assert outcome.state == "failed"
    assert "take longer than 250 ms together" in outcome.reason


def _stored(outcome: Outcome) -> list[TrailEntry]:
    return trail_entry.decode(msgspec.json.encode(trails.stored_trail(outcome)).decode())
