"""`relay runs` and `relay replay`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from relay import ids
from relay.errors import RelayError
from relay.models import Event, EventState, Flow, Run, RunState
from relay.models.fields import moment
from tests.commands.conftest import Shell

MakeFlow = Callable[..., dict[str, Any]]
THEN = moment(1_700_000_000_123_000)


def make_run(flow: Flow, **values: Any) -> Run:
    event = Event.objects.create(
        workspace=flow.workspace, flow=flow, state=EventState.ACCEPTED, received_at=THEN, method="POST", headers={}
    )
    return Run.objects.create(
        workspace=flow.workspace, flow=flow, version=flow.live_version, event=event, due_at=THEN, **values
    )


@pytest.fixture
def flow(make_flow: MakeFlow) -> Flow:
    return Flow.objects.get(pk=make_flow()["flow"])


def test_runs_are_listed_the_newest_first(shell: Shell, flow: Flow) -> None:
    old = make_run(flow, state=RunState.FAILED, title="Order #1", reason="channel_not_found")
    new = make_run(flow)

    rows, table = shell.json("runs", "--json"), shell("runs")

    assert [row["run"] for row in rows] == [new.ref, old.ref]
    assert rows[1] == {
        "run": old.ref,
        "state": "failed",
        "flow": "Orders",
        "flow_id": flow.pk,
        "title": "Order #1",
        "reason": "channel_not_found",
        "event": ids.text(old.event_id),
        "received": "2023-11-14T22:13:20.123Z",
        "due": "2023-11-14T22:13:20.123Z",
        "finished": None,
        "replay_of": None,
    }
    assert table.splitlines()[2].split() == [
        old.ref, "failed", "2023-11-14T22:13:20.123Z", "Orders", "Order", "#1", "channel_not_found",
    ]  # fmt: skip


def test_runs_of_a_flow_in_a_state(shell: Shell, flow: Flow, make_flow: MakeFlow) -> None:
    other = Flow.objects.get(pk=make_flow("Other")["flow"])
    wanted = make_run(flow, state=RunState.HELD)
    make_run(flow)
    make_run(other, state=RunState.HELD)

    rows = shell.json("runs", "--flow", "Orders", "--state", "held", "--json")

    assert [row["run"] for row in rows] == [wanted.ref]


def test_runs_have_a_limit(shell: Shell, flow: Flow) -> None:
    for _ in range(3):
        make_run(flow)

    assert len(shell.json("runs", "--limit", "2", "--json")) == 2


def test_runs_take_one_query(shell: Shell, flow: Flow, django_assert_max_num_queries: Any) -> None:
    for _ in range(5):
        make_run(flow)

    # Two of them ask which migrations are applied.
    with django_assert_max_num_queries(3):
        shell("runs")


@pytest.mark.parametrize("limit", ["0", "-1", "100001"])
def test_limit_out_of_bounds(limit: str, shell: Shell) -> None:
    with pytest.raises(RelayError, match="--limit"):
        shell("runs", f"--limit={limit}")


def test_title_from_outside_moves_no_cursor(shell: Shell, flow: Flow) -> None:
    make_run(flow, title="\x1b[2Jgone\nnext")

    table = shell("runs")

    assert "\x1b" not in table
    assert len(table.splitlines()) == 2


def test_replay_is_a_new_run_of_the_same_event(shell: Shell, flow: Flow) -> None:
    run = make_run(flow, state=RunState.FAILED)

    printed = shell.json("replay", run.ref.upper(), "--json")

    copy = Run.objects.get(replay_of=run)
    assert printed == {"run": copy.ref, "replay_of": run.ref}
    assert (copy.event_id, copy.state) == (run.event_id, "queued")


@pytest.mark.parametrize("word", ["nothing", "", "0000000000000", "1", "zzzzzzzzzzzzz"])
def test_unknown_run(word: str, shell: Shell) -> None:
    with pytest.raises(RelayError, match="There is no run"):
        shell("replay", word)


@pytest.mark.parametrize(("verb", "steps"), [("send-again", []), ("it-was-done", ["tell"])])
def test_a_person_decides_what_nobody_knows(shell: Shell, flow: Flow, verb: str, steps: list[str]) -> None:
    run = make_run(flow, state=RunState.HELD, held_by="unknown", marked_step="tell")

    assert run.ref in shell(verb, run.ref)

    run.refresh_from_db()
    assert (run.state, run.held_by) == (RunState.QUEUED, "")
    assert [entry["id"] for entry in run.steps] == steps


@pytest.mark.parametrize("verb", ["send-again", "it-was-done"])
def test_what_is_known_is_not_decided(shell: Shell, flow: Flow, verb: str) -> None:
    with pytest.raises(RelayError, match="outcome of this run's action is known"):
        shell(verb, make_run(flow, state=RunState.HELD, held_by="pause").ref)
