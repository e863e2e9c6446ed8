"""The trail, attempts, messages and gathered items of a run have size limits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from relay.engine.settle import step_state
from relay.engine.walk import digests, size_limits, trails
from relay.engine.walk.work_item import Outcome
from relay.engine.worker import claim, memory_allotment
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Flow, Run
from relay.models.stepstates import Gathered
from tests.support.walking import POST, Recorder, answer, states, walk, work_item

LARGE = "{{ 'x' * 200000 }}"


def loop(*steps: dict[str, Any], over: Any = "{{ range(100) | list }}", **more: Any) -> dict[str, Any]:
    return {"id": "each", "kind": "loop", "over": over, "steps": [*steps], **more}


def kept(outcome: Outcome) -> int:
    return len(msgspec.json.encode(trails.stored_trail(outcome)))


LARGE_LISTS = "{{ event.body.list }}"


@pytest.mark.parametrize(
    "steps",
    [
        [loop({"id": "v", "kind": "set", "values": {"v": LARGE}})],
        [loop({"id": "v", "kind": "set", "values": {"v": LARGE}}, on_error="continue")],
        [{"id": f"v{n}", "kind": "set", "values": {"v": LARGE}} for n in range(30)],
        [{"id": f"v{n}", "kind": "set", "values": {"v": LARGE_LISTS}} for n in range(30)],
        [
            {"id": "first", "kind": "set", "values": {"v": LARGE}},
            *({"id": f"v{n}", "kind": "set", "values": {"v": "{{ steps.first }}"}} for n in range(30)),
        ],
        [
            loop(
                {"id": "v", "kind": "respond", "body": LARGE},
                on_error="branch",
                error_steps=[{"id": "w", "kind": "set", "values": {}}],
            )
        ],
        [
            {"id": "f", "kind": "set", "values": {"v": LARGE_LISTS}},
            loop(
                {
                    **loop({"id": "v", "kind": "set", "values": {}}, over="{{ steps.f.v | list }}", limit=60),
                    "id": "inner",
                }
            ),
        ],
    ],
)
def test_a_trail_has_a_limit_whatever_fills_it(steps: list[dict[str, Any]]) -> None:
    given = work_item(*steps, body=json.dumps({"list": ["y" * 4_000] * 50}).encode())

    outcome = walk(given, Recorder())

    assert outcome.state == "failed"
    assert "more than 4 MiB" in outcome.reason
    assert kept(outcome) <= size_limits.MAX_TRAIL_BYTES


def test_a_trail_counts_what_it_holds_already() -> None:
    step = {"id": "v", "kind": "set", "values": {"v": LARGE}}

    outcome = walk(work_item(step, trail_size=size_limits.MAX_TRAIL_BYTES - 100_000), Recorder())

    assert (outcome.state, outcome.trail) == ("failed", [])


def test_what_an_action_did_stays_known_past_the_limit() -> None:
    large = answer(200, b'{"a": "' + b"x" * 200_000 + b'"}', **{"content-type": "application/json"})

    outcome = walk(work_item(POST, trail_size=size_limits.MAX_TRAIL_BYTES - 100_000), Recorder(large))

    assert outcome.state == "failed"
    assert states(outcome) == [("send", "succeeded")]
    assert outcome.trail[0].outputs is None


def test_the_leaves_of_one_step_have_a_limit_together() -> None:
    values = {f"v{n}": LARGE for n in range(500)}

    outcome = walk(work_item({"id": "v", "kind": "set", "values": values}), Recorder())

    assert (outcome.state, "larger than 4 MiB together" in outcome.reason) == ("failed", True)


def test_answers_that_nobody_reads_fill_no_trail() -> None:
    """A loop of calls is settled when much waits to be stored, and continues without the answers."""
    large = answer(200, b'{"a": "' + b"x" * 200_000 + b'"}', **{"content-type": "application/json"})
    sender, trail, size, walks = Recorder(*[large] * 40), [], 0, 0
    state = "queued"
    while state == "queued":
        outcome = walk(work_item(loop(POST, over="{{ range(40) | list }}"), trail=trail, trail_size=size), sender)
        walks += 1
        stored = sum(len(one.answer or "") + len(one.request or "") for one in outcome.attempts)
        assert stored <= size_limits.MAX_UNSETTLED_BYTES + 2 * 262_144
        trail = trails.stored_trail(outcome)
        state, size = outcome.state, len(msgspec.json.encode(trail))

    assert (state, len(sender.sent)) == ("succeeded", 40)
    assert walks > 4


def test_messages_wait_to_be_settled_as_requests_do() -> None:
    post = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "{{ 'x' * 39000 }}"}}

    outcome = walk(work_item(loop(post)), Recorder())

    assert outcome.state == "queued"
    assert 10 < len(outcome.posts) < 40


def test_the_tries_of_a_run_are_stored_short_past_their_limit() -> None:
    trail = [{"id": "before", "kind": "action", "state": "succeeded", "kept": size_limits.MAX_ATTEMPT_BYTES + 1}]
    large = answer(200, b"x" * 100_000)

    outcome = walk(work_item({**POST, "id": "before"}, POST, trail=trail), Recorder(large))

    record = json.loads(outcome.attempts[0].answer or "")
    assert (record["body"], record["truncated"]) == ("x" * size_limits.SHORT_BODY_CHARS, True)
    assert outcome.state == "succeeded"
    post = {"id": "say", "kind": "action", "action": "inbox.post", "inputs": {"text": "a"}}
    assert walk(work_item({**POST, "id": "before"}, post, trail=trail), Recorder()).state == "failed"


def test_a_note_of_what_was_stored_is_in_the_trail() -> None:
    outcome = walk(work_item(POST, {**POST, "id": "more"}), Recorder(answer(200, b"x" * 5_000)))

    assert 5_000 < outcome.trail[0].kept < 6_000
    assert outcome.trail[1].kept == 0
    assert "kept" not in trails.shown_entry(msgspec.to_builtins(outcome.trail[0]))


# What digests gather

DIGEST = {"id": "all", "kind": "digest", "every": "1h"}
AFTER = {"id": "n", "kind": "set", "values": {"n": "{{ steps.all.count }}"}}


@pytest.fixture
def digest(live: Callable[..., Flow]) -> Flow:
    return live({"relay": 1, "name": "D", "trigger": {"kind": "webhook"}, "steps": [DIGEST, AFTER]})


def test_a_digest_goes_on_when_it_has_gathered_enough_bytes(
    digest: Flow, arrive: Callable[..., list[Run]], walkers: WalkThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digests, "MAX_GATHERED_BYTES", 10_000)
    bodies = [json.dumps({"n": n, "pad": "x" * 4_000}).encode() for n in range(7)]

    arrive(digest, *bodies)
    work(walkers=walkers, linger=0)

    through = [run for run in Run.objects.all() if run.trail[-1]["id"] == "n"]
    waits = Run.objects.filter(state="waiting")
    assert [run.trail[-1]["outputs"] for run in through] == [{"n": 2}] * 3
    assert waits.count() == 1
    assert Gathered.objects.filter(into_id=waits.get().pk).count() == 1


def test_a_body_that_no_digest_can_take_fails_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "MAX_GATHERED_BYTES", 2_000_000)

    outcome = walk(work_item(DIGEST, body=b'"' + b"x" * 2_000_001 + b'"'), Recorder())

    assert (outcome.state, "gathers bodies of at most" in outcome.reason) == ("failed", True)


def test_what_was_gathered_before_there_was_a_limit_is_not_loaded(
    digest: Flow, arrive: Callable[..., list[Run]], walkers: WalkThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = arrive(digest)
    work(walkers=walkers, linger=0)
    Gathered.objects.bulk_create([Gathered(into_id=run.pk, run_id=1, item="x" * 500_000) for _ in range(20)])
    Run.objects.update(due_at=1)

    (work_item,) = claim.claim()

    assert work_item.gathered == {}
    assert "gathered more than" in work_item.unwalkable
    assert step_state.digests is digests


# What one worker takes at once


def test_a_claim_takes_no_more_bytes_than_it_may(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_allotment, "MAX_IN_HAND_BYTES", 1_000_000)
    flow = live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [AFTER | {"values": {}}]})
    runs = arrive(flow, *[json.dumps({"pad": "x" * 300_000}).encode() for _ in range(8)])
    worker = memory_allotment.MemoryAllotment()

    assert worker.allows([])
    first = claim.claim(allotment=worker)
    assert worker.allows(first)
    second = claim.claim(allotment=worker)

    assert [one.run_id for one in first] == [run.pk for run in runs[:3]]
    assert len(first[0].event.body) > 300_000
    assert second == []
    assert Run.objects.filter(state="queued", due_at__isnull=False).count() == 5
    assert worker.most(64) == 1


def test_a_run_that_is_larger_than_that_is_taken_alone(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], walkers: WalkThreads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_allotment, "MAX_IN_HAND_BYTES", 1_000)
    flow = live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [AFTER | {"values": {}}]})
    arrive(flow, *[json.dumps({"pad": "x" * 2_000}).encode() for _ in range(5)])

    assert len(claim.claim()) == 1
    Run.objects.update(state="queued", due_at=1)
    work(walkers=walkers, linger=0)

    assert set(Run.objects.values_list("state", flat=True)) == {"succeeded"}


def test_a_large_trail_is_loaded_for_the_run_that_is_walked(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]]
) -> None:
    flow = live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [AFTER | {"values": {}}]})
    (run,) = arrive(flow)
    trail = [{"id": "x", "kind": "set", "state": "set", "outputs": {"v": "x" * 100_000}}]
    Run.objects.filter(pk=run.pk).update(trail=trail)

    (work_item,) = claim.claim()

    assert msgspec.to_builtins(work_item.trail) == trail
    assert work_item.trail_size == len(msgspec.json.encode(trail))


def test_what_only_the_next_claim_may_send_may_still_be_sent_after_it_went_back(
    live: Callable[..., Flow], arrive: Callable[..., list[Run]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory_allotment, "MAX_IN_HAND_BYTES", 1)
    flow = live({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [AFTER | {"values": {}}]})
    _, second = arrive(flow, b'{"a": 1}', b'{"a": 2}')
    Run.objects.filter(pk=second.pk).update(marked_step="send", marked_fence=1)

    claim.claim()

    second.refresh_from_db()
    assert (second.state, second.fence, second.marked_fence) == ("queued", 1, 2)
