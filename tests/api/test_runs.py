"""Runs and events in the API."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.database import statements
from relay.engine.intake import sample_events
from relay.engine.runs import bulk_replay
from relay.engine.worker import work_loop
from relay.models import Flow, Run, RunState
from tests.api.conftest import Caller


def test_runs_are_listed_and_paged(call: Caller, flow: Flow) -> None:
    refs = [sample_events.send_sample(flow).runs.get().ref for _ in range(3)]

    first = call("GET", "/runs?limit=2")
    second = call("GET", f"/runs?limit=2&before={first['next']}")

    assert [run["id"] for run in first["runs"] + second["runs"]] == refs[::-1]
    assert second["next"] is None


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("state=queued", 1),
        ("state=failed", 0),
        ("state=failed&state=queued", 1),
        ("text=lovelace", 1),
        ("text=nobody", 0),
    ],
)
def test_runs_are_narrowed(call: Caller, run: Run, query: str, count: int) -> None:
    assert len(call("GET", f"/runs?{query}")["runs"]) == count


@pytest.mark.parametrize(
    "query", ["state=odd", "flow=x", "since=soon", "limit=0", "limit=201", "limit=x", "flow=99999999999999999999"]
)
def test_a_filter_that_makes_no_sense_is_refused(call: Caller, run: Run, query: str) -> None:
    call("GET", f"/runs?{query}", status=422)


VERBS = {
    "cancel": ("waiting", "cancelled"),
    "try-now": ("waiting", "queued"),
    "release": ("held", "queued"),
    "give-up": ("held", "failed"),
}


@pytest.mark.parametrize("word", VERBS)
def test_many_are_acted_on(call: Caller, flow: Flow, run: Run, word: str) -> None:
    before, after = VERBS[word]
    others = [sample_events.send_sample(flow).runs.get().pk for _ in range(2)]
    Run.objects.filter(pk__in=others).update(state=before, due_at=None)

    done = call("POST", f"/runs/{word}?state={before}&flow={flow.pk}")

    assert done == {"done": 2}
    assert set(Run.objects.filter(pk__in=others).values_list("state", flat=True)) == {after}
    assert Run.objects.get(pk=run.pk).state == RunState.QUEUED


@pytest.mark.parametrize("query", ["", "?all=yes", "?sate=waiting&flow=1", "?state=odd"])
def test_many_are_only_acted_on_when_it_is_said_which(call: Caller, run: Run, query: str) -> None:
    call("POST", f"/runs/cancel{query}", status=422)
    call("POST", f"/batches{query}", status=422)

    assert Run.objects.get().state == RunState.QUEUED


def test_what_nobody_knows_is_decided_one_by_one(call: Caller, run: Run) -> None:
    Run.objects.update(state="held", held_by="unknown", due_at=None)

    assert [call("POST", f"/runs/{word}?all=true")["done"] for word in ("release", "give-up", "try-now")] == [0, 0, 0]


def test_many_are_replayed_in_the_background(call: Caller, flow: Flow, run: Run) -> None:
    Run.objects.update(state="failed", due_at=None)

    begun = call("POST", "/batches?state=failed", {"mode": "as_it_was", "per_minute": 30})
    none = call("POST", "/batches?state=succeeded", status=409)
    bulk_replay.tick(statements.now() + 10_000_000)
    shown = call("GET", f"/batches/{begun['id']}")
    stopped = call("POST", f"/batches/{begun['id']}/cancel", {"queued": True})

    assert (begun["state"], begun["runs"], begun["per_minute"]) == ("running", 1, 30)
    assert none == {"error": "No matching run is left that was not replayed before"}
    assert (shown["made"], shown["states"]) == (1, {"queued": 1})
    assert (stopped["cancelled"], stopped["states"]) == (1, {"cancelled": 1})
    assert [one["id"] for one in call("GET", "/batches")["batches"]] == [begun["id"]]


@pytest.mark.parametrize("body", [{"mode": "odd"}, {"per_minute": "30"}, {"per_minute": True}])
def test_a_replay_of_many_that_makes_no_sense_is_refused(call: Caller, run: Run, body: dict[str, Any]) -> None:
    call("POST", "/batches?all=true", body, status=422)


def test_another_workspaces_flow_has_no_runs(stranger: Caller, run: Run) -> None:
    assert stranger("GET", f"/runs?flow={run.flow_id}")["runs"] == []


@pytest.mark.django_db(transaction=True)
def test_a_run_comes_with_its_attempts(call: Caller, run: Run) -> None:
    work_loop.work()

    shown = call("GET", f"/runs/{run.ref}")

    assert shown["state"] == "succeeded"
    assert [one["id"] for one in shown["steps"]] == ["big", "tell"]
    assert [(one["step"], one["state"], one["number"]) for one in shown["attempts"]] == [("tell", "succeeded", 1)]


def test_steps_leave_out_what_only_a_walk_needs(call: Caller, run: Run) -> None:
    arm = {"id": "b", "kind": "branch", "state": "branched", "outputs": {"arm": "yes", "arms": ["yes"]}}
    each = {"id": "l", "kind": "loop", "state": "looped", "outputs": {"count": 1, "left_out": 0}}
    Run.objects.filter(pk=run.pk).update(trail=[{**arm, "taken": [0]}, {**each, "items": ["a"]}])

    assert call("GET", f"/runs/{run.ref}")["steps"] == [arm, each]


def test_an_event_comes_as_it_arrived(call: Caller, run: Run) -> None:
    shown = call("GET", f"/events/{run.event.ref}")

    assert '"Lovelace"' in shown["body"]
    assert shown["runs"] == [run.ref]


@pytest.mark.parametrize("ref", ["x", "0" * 13, "zzzzzzzzzzzzz", "%00"])
def test_no_run_of_that_name(call: Caller, ref: str) -> None:
    call("GET", f"/runs/{ref}", status=404)
    call("POST", f"/runs/{ref}/cancel", status=404)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("body", "mode"), [(None, "from_start"), ({"mode": "as_it_was"}, "as_it_was")])
def test_a_run_is_replayed(call: Caller, run: Run, body: Any, mode: str) -> None:
    work_loop.work()

    made = call("POST", f"/runs/{run.ref}/replay", body)

    assert (made["replay_of"], made["state"]) == (run.ref, "queued")


@pytest.mark.parametrize(
    ("state", "held_by", "verb", "after"),
    [
        (RunState.WAITING, "", "try-now", RunState.QUEUED),
        (RunState.WAITING, "", "give-up", RunState.FAILED),
        (RunState.WAITING, "", "cancel", RunState.CANCELLED),
        (RunState.HELD, "destination", "release", RunState.QUEUED),
        (RunState.HELD, "unknown", "send-again", RunState.QUEUED),
        (RunState.HELD, "unknown", "it-was-done", RunState.QUEUED),
    ],
)
def test_what_is_done_to_a_run(call: Caller, run: Run, state: str, held_by: str, verb: str, after: str) -> None:
    Run.objects.filter(pk=run.pk).update(state=state, held_by=held_by, marked_step="tell")

    shown = call("POST", f"/runs/{run.ref}/{verb}")

    assert shown["state"] == after
    assert len(Run.objects.get(pk=run.pk).steps) == (1 if verb == "it-was-done" else 0)


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("try-now", "Only a waiting run"),
        ("send-again", "outcome of this run's action is known"),
        ("it-was-done", "outcome of this run's action is known"),
        ("release", "Only a held run"),
        ("replay", "has not ended yet"),
    ],
)
def test_impossible_actions_are_refused_with_a_reason(call: Caller, run: Run, verb: str, said: str) -> None:
    assert said in call("POST", f"/runs/{run.ref}/{verb}", status=409)["error"]


@pytest.mark.parametrize("path", ["/runs/{run}/replay", "/batches?all=true", "/issues/1/replay"])
def test_a_flow_replays_no_runs(call: Caller, run: Run, path: str) -> None:
    answer = call.client.post(
        "/api/v1" + path.format(run=run.ref),
        data="{}",
        content_type="application/json",
        headers={"Authorization": f"Bearer {call.token}", "Relay-Hops": "1"},
    )

    assert (answer.status_code, Run.objects.count()) == (403, 1)
    assert b"would never end" in answer.content
