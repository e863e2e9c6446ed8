"""The steps changed, once and digest keep their state in real rows while several workers use it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.utils import timezone
from pytest_httpserver import HTTPServer

from relay.engine.database import statements
from relay.engine.flow_control.limiter import Limiter
from relay.engine.runs import replay, run_actions
from relay.engine.settle import step_state
from relay.engine.settle.settle import settle
from relay.engine.upkeep import retention
from relay.engine.walk.runner import walk
from relay.engine.worker.claim import claim
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.models import Flow, Gathered, Run, RunState, StepState
from tests.support.walking import Recorder

Live = Callable[[dict[str, Any]], Flow]
Arrive = Callable[..., list[Run]]


def flow_of(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps)}


def body(**values: Any) -> bytes:
    return msgspec.json.encode(values)


def states(*found: Run) -> list[str]:
    return list(Run.objects.filter(pk__in=[run.pk for run in found]).order_by("id").values_list("state", flat=True))


def go(sender: Recorder | None = None) -> Recorder:
    """Claim, walk and settle until nothing is due."""
    sent = sender or Recorder()
    while work_items := claim():
        settle([walk(work_item, sent, Limiter(threads=32)) for work_item in work_items])
    return sent


PASSED, STOPPED = RunState.SUCCEEDED, RunState.FILTERED


@pytest.mark.parametrize(
    ("step", "values", "passed"),
    [
        ({"kind": "changed", "value": "{{ event.body.t }}"}, [20, 20, 21, 20, "20"], "y-yy-"),
        (
            {"kind": "changed", "value": "{{ event.body.t }}", "deadband": 0.5},
            [20, 20.4, 20.5, 20.6, 20.2, 20],
            "y--y-y",
        ),
        ({"kind": "changed", "value": {"a": "{{ event.body.t }}"}}, [None, None, [1], [1]], "y-y-"),
        ({"kind": "once", "key": "{{ event.body.t }}"}, ["a", "b", "a", "b", "c"], "yy--y"),
        ({"kind": "once", "key": "{{ event.body.t }}", "window": "1h"}, ["a", "a"], "y-"),
        ({"kind": "changed", "value": "{{ event.body.nope }}"}, [1], "f"),
        ({"kind": "once", "key": "{{ event.body.nope }}"}, [1], "f"),
    ],
)
def test_what_goes_on(live: Live, arrive: Arrive, step: dict[str, Any], values: list[Any], passed: str) -> None:
    flow = live(flow_of({"id": "new", **step}, {"id": "after", "kind": "set", "values": {}}))
    found = []
    for value in values:
        found += arrive(flow, body(t=value))
        go()

    letters = {"y": PASSED, "-": STOPPED, "f": RunState.FAILED}
    assert states(*found) == [letters[letter] for letter in passed]


@pytest.mark.parametrize("kind", ["changed", "once"])
def test_keys_and_flows_are_apart(live: Live, arrive: Arrive, kind: str) -> None:
    step = {"id": "new", "kind": kind, "key": "{{ event.body.k }}", **({"value": 1} if kind == "changed" else {})}
    one, other = live(flow_of(step)), live(flow_of(step))

    found = [*arrive(one, body(k=1), body(k=2), body(k=1)), *arrive(other, body(k=1))]
    go()

    assert sorted(states(*found)) == [STOPPED, PASSED, PASSED, PASSED]
    assert states(found[3]) == [PASSED]


def test_a_key_is_new_again_after_its_window(live: Live, arrive: Arrive) -> None:
    flow = live(flow_of({"id": "new", "kind": "once", "key": "{{ event.body.k }}", "window": "1h"}))
    first = arrive(flow, body(k=1))
    go()
    StepState.objects.update(until=timezone.now() - timedelta(seconds=1))

    again = arrive(flow, body(k=1), body(k=1))
    go()

    assert states(*first, *again) == [PASSED, PASSED, STOPPED]


def test_a_request_that_is_answered_twice_takes_the_second_answer(live: Live, arrive: Arrive) -> None:
    """The transaction that settles a run may be done again, and the state may have changed meanwhile."""
    flow = live(flow_of({"id": "new", "kind": "once", "key": "{{ event.body.k }}"}))
    arrive(flow, body(k="a"))
    go()
    (second,) = arrive(flow, body(k="a"))
    outcomes = [walk(work_item, Recorder(), Limiter(threads=32)) for work_item in claim()]

    step_state.answer(outcomes)
    assert [outcome.state for outcome in outcomes] == ["filtered"]
    StepState.objects.all().delete()
    settle(outcomes)
    go()

    assert states(second) == [PASSED]


def test_of_those_that_wait_with_a_key_the_last_goes_on(live: Live, arrive: Arrive) -> None:
    delay = {"id": "quiet", "kind": "delay", "for": "30m", "key": "{{ event.body.k }}"}
    after = {"id": "after", "kind": "set", "values": {"until": "{{ steps.quiet.until }}"}}
    flow = live(flow_of(delay, after))
    found = arrive(flow, body(k="a"), body(k="b"))
    go()
    found += arrive(flow, body(k="a"))
    go()

    waiting = states(*found)
    Run.objects.update(due_at=statements.now())
    go()

    again = arrive(flow, body(k="a"))
    go()
    Run.objects.filter(pk=again[0].pk).update(due_at=statements.now())
    go()

    assert waiting == [RunState.WAITING] * 3
    assert states(*found, *again) == [STOPPED, PASSED, PASSED, PASSED]
    found[0].refresh_from_db()
    assert found[0].reason == "Stopped at “quiet”: another run has come with the same key"
    found[2].refresh_from_db()
    assert [(entry["id"], entry["state"]) for entry in found[2].steps] == [("quiet", "waited"), ("after", "set")]


def test_a_wait_with_a_key_that_is_missing_fails(live: Live, arrive: Arrive) -> None:
    delay = {"id": "quiet", "kind": "delay", "for": "30m", "key": "{{ event.body.k }}"}
    (run,) = arrive(live(flow_of(delay)), body())

    go()

    run.refresh_from_db()
    assert (run.state, run.reason) == (RunState.FAILED, "event.body.k is missing")


def test_a_wait_with_a_key_in_a_loop_ends_its_element(live: Live, arrive: Arrive) -> None:
    delay = {"id": "quiet", "kind": "delay", "for": "30m", "key": "{{ item }}"}
    seen = {"id": "seen", "kind": "set", "values": {"v": "{{ item }}"}}
    flow = live(flow_of({"id": "each", "kind": "loop", "over": "{{ event.body.list }}", "steps": [delay, seen]}))
    first, second = arrive(flow, body(list=["a", "b"])), arrive(flow, body(list=["a"]))
    go()

    for _ in range(3):
        Run.objects.filter(state=RunState.WAITING).update(due_at=statements.now())
        go()

    assert states(*first, *second) == [PASSED, PASSED]
    seen_of = {run.pk: [one["id"] for one in run.steps if one["id"].startswith("seen")] for run in Run.objects.all()}
    # While the first run waited for its first element, the second one came with the same key.
    assert seen_of == {first[0].pk: ["seen[1]"], second[0].pk: ["seen[0]"]}


def test_in_a_loop_only_the_element_ends(live: Live, arrive: Arrive) -> None:
    once = {"id": "new", "kind": "once", "key": "{{ item }}"}
    seen = {"id": "seen", "kind": "set", "values": {"v": "{{ item }}"}}
    loop = {"id": "each", "kind": "loop", "over": "{{ event.body.list }}", "steps": [once, seen]}
    (run,) = arrive(live(flow_of(loop)), body(list=["a", "b", "a"]))

    go()

    run.refresh_from_db()
    assert run.state == PASSED
    assert [(entry["id"], entry["state"]) for entry in run.steps if entry["kind"] != "loop"] == [
        ("new[0]", "passed"),
        ("seen[0]", "set"),
        ("new[1]", "passed"),
        ("seen[1]", "set"),
        ("new[2]", "filtered"),
    ]


@pytest.mark.parametrize("kind", ["changed", "once"])
def test_a_replay_of_what_went_on_goes_on(live: Live, arrive: Arrive, kind: str) -> None:
    step = {"id": "new", "kind": kind, "key": "k{{ event.method }}", **({"value": 1} if kind == "changed" else {})}
    first, second = arrive(live(flow_of(step)), body(), body())
    go()
    first.refresh_from_db()
    second.refresh_from_db()

    copies = [replay.from_start(first), replay.from_start(second)]
    go()

    assert (states(first, second), states(*copies)) == ([PASSED, STOPPED], [PASSED, STOPPED])


@pytest.mark.parametrize("kind", ["changed", "once", "digest"])
def test_a_worker_that_outlived_its_lease_changes_nothing(live: Live, arrive: Arrive, kind: str) -> None:
    more = {"changed": {"value": 1}, "once": {}, "digest": {"every": "1h"}}[kind]
    (run,) = arrive(live(flow_of({"id": "new", "kind": kind, "key": "k{{ event.method }}", **more})), body())
    late = [walk(work_item, Recorder(), Limiter(threads=32)) for work_item in claim()]
    Run.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    again = [walk(work_item, Recorder(), Limiter(threads=32)) for work_item in claim()]

    assert (settle(late), StepState.objects.count(), Gathered.objects.count()) == (0, 0, 0)
    assert settle(again) == 1
    assert (StepState.objects.count(), Gathered.objects.count()) == (1, int(kind == "digest"))
    assert states(run) == [RunState.WAITING if kind == "digest" else RunState.QUEUED]


# Digests

TELL = {
    "id": "tell",
    "kind": "action",
    "action": "http.request",
    "inputs": {"url": "https://example.com/{{ steps.all.items | map(attribute='n') | join(',') }}"},
}


def digest(**keys: Any) -> dict[str, Any]:
    return flow_of({"id": "all", "kind": "digest", **keys}, TELL)


def close_windows() -> None:
    """As if the time of every window had come."""
    past = timezone.now() - timedelta(seconds=1)
    StepState.objects.filter(run_id__isnull=False).update(until=past)
    Run.objects.filter(state=RunState.WAITING).update(due_at=past)


def told(sender: Recorder) -> list[str]:
    return [request.url.removeprefix("https://example.com/") for request in sender.sent]


def test_the_first_goes_on_with_all_when_its_window_ends(live: Live, arrive: Arrive) -> None:
    flow = live(digest(every="1h"))
    found = arrive(flow, *[body(n=number) for number in range(3)])
    found += [run for _ in [go()] for run in arrive(flow, body(n=3))]
    go()
    before = states(*found)

    close_windows()
    sender = go()
    sender = go(sender)

    assert before == [RunState.WAITING, PASSED, PASSED, PASSED]
    assert (told(sender), states(*found)) == (["0,1,2,3"], [PASSED] * 4)
    leader, member = Run.objects.get(pk=found[0].pk), Run.objects.get(pk=found[1].pk)
    assert leader.steps[0] == {
        "id": "all", "kind": "digest", "state": "gathered", "into": leader.ref, "outputs": {"count": 4}
    }  # fmt: skip
    assert member.reason == f"Gathered at “all”: run {leader.ref} continues with it"
    assert not Gathered.objects.exists()


def test_a_count_ends_a_window_at_once(live: Live, arrive: Arrive) -> None:
    flow = live(digest(limit=2))

    found = arrive(flow, *[body(n=number) for number in range(5)])
    sender = go()

    assert told(sender) == ["0,1", "2,3"]
    assert states(*found) == [PASSED] * 4 + [RunState.WAITING]


def test_each_key_gathers_for_itself(live: Live, arrive: Arrive) -> None:
    flow = live(digest(every="1h", key="{{ event.body.k }}"))
    arrive(flow, body(n=1, k="a"), body(n=2, k="b"), body(n=3, k="a"))
    go()

    close_windows()

    assert sorted(told(go())) == ["1,3", "2"]


def test_what_comes_when_the_window_is_over_begins_another(live: Live, arrive: Arrive) -> None:
    flow = live(digest(every="1h"))
    arrive(flow, body(n=1))
    go()
    StepState.objects.update(until=timezone.now() - timedelta(seconds=1))
    arrive(flow, body(n=2))
    go()

    close_windows()

    assert sorted(told(go())) == ["1", "2"]


def test_nothing_is_gathered_into_a_run_that_has_ended(live: Live, arrive: Arrive) -> None:
    flow = live(digest(every="1h"))
    (first,) = arrive(flow, body(n=1))
    go()
    first.refresh_from_db()
    run_actions.cancel(first)
    found = arrive(flow, body(n=2), body(n=3))
    go()

    close_windows()
    sender = go()
    replay.from_failed_step(Run.objects.get(pk=first.pk))
    go(sender)

    assert told(sender) == ["2,3", "1"]
    assert states(*found) == [PASSED, PASSED]


def test_a_digest_that_failed_is_replayed_with_all(live: Live, arrive: Arrive) -> None:
    from tests.support.walking import answer

    flow = live(digest(limit=2))
    first, _ = arrive(flow, body(n=1), body(n=2))
    go(Recorder(answer(404)))
    first.refresh_from_db()

    replay.from_failed_step(first)

    assert (first.state, told(go())) == (RunState.FAILED, ["1,2"])


def test_a_crash_between_claim_and_settle_loses_nothing(live: Live, arrive: Arrive) -> None:
    flow = live(digest(every="1h"))
    arrive(flow, body(n=1), body(n=2))
    go()
    close_windows()
    assert len(claim()) == 1  # by a worker that dies
    arrive(flow, body(n=3))
    go()

    Run.objects.filter(state=RunState.RUNNING).update(due_at=timezone.now() - timedelta(seconds=1))
    sender = go()
    close_windows()

    assert told(go(sender)) == ["1,2", "3"]


@pytest.mark.django_db(transaction=True)
def test_workers_that_meet_gather_each_event_once(live: Live, arrive: Arrive, destination: HTTPServer) -> None:
    destination.expect_request("/all", method="POST").respond_with_data("ok")
    inputs = {
        "url": destination.url_for("/all"),
        "body": {"json": {"n": "{{ steps.all.items | map(attribute='n') | list }}"}},
    }
    flow = live(flow_of({"id": "all", "kind": "digest", "limit": 10}, {**TELL, "inputs": inputs}))
    found = arrive(flow, *[body(n=number) for number in range(200)])

    def one() -> None:
        from relay.outbound import Sender

        try:
            sender = Sender(allowed_networks=("127.0.0.0/8",), timeout=5.0)
            work(walkers=WalkThreads(sender, most=2, limiter=Limiter(threads=16)), linger=0.3)
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    sent = [msgspec.json.decode(request.data)["n"] for request, _ in destination.log]
    assert sorted(n for batch in sent for n in batch) == list(range(200))
    assert {len(batch) for batch in sent} == {10}
    assert set(states(*found)) == {PASSED}


@pytest.mark.parametrize(
    ("step", "stays"),
    [
        ({"kind": "once"}, True),
        ({"kind": "once", "window": "1h"}, False),
        ({"kind": "once", "window": "2d"}, True),
        ({"kind": "changed", "value": 1}, True),
        ({"kind": "digest", "limit": 1}, False),
        ({"kind": "digest", "every": "2d"}, True),
    ],
)
def test_what_steps_remember_is_kept(live: Live, arrive: Arrive, step: dict[str, Any], stays: bool) -> None:
    """A day later, where runs are kept for an hour."""
    document = flow_of({"id": "new", "key": "k{{ event.body.k }}", **step})
    arrive(live({**document, "settings": {"retention": "1h"}}), body(k=1))
    go()
    day = 86_400_000_000
    StepState.objects.update(touched_at=statements.now() - day)
    statements.execute(f"UPDATE relay_stepstate SET until = until - {day} WHERE until IS NOT NULL")
    if step.get("limit"):
        # What only counts would be left gathering for a month.
        statements.execute("UPDATE relay_stepstate SET until = %s", (statements.now() - day,))

    retention.prune()

    assert StepState.objects.count() == int(stays)


def test_what_is_remembered_goes_with_its_flow(live: Live, arrive: Arrive) -> None:
    flow = live(flow_of({"id": "new", "kind": "once", "key": "k{{ event.body.k }}"}))
    arrive(flow, body(k=1))
    go()
    Gathered.objects.create(into_id=1, run_id=1, item={})
    StepState.objects.update(flow_id=flow.pk + 1)

    retention.prune()

    assert not StepState.objects.exists()
    assert not Gathered.objects.exists()
