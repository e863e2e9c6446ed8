"""`relay replay`, `batches`, `cancel`, `give-up` and `try-now`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.engine.runs import bulk_replay
from relay.errors import RelayError
from relay.models import Batch, Flow, Run, RunState
from relay.models.fields import micros
from tests.commands.conftest import Shell
from tests.commands.test_runs import make_run


@pytest.fixture
def flow(make_flow: Callable[..., dict[str, Any]]) -> Flow:
    return Flow.objects.get(pk=make_flow()["flow"])


@pytest.mark.parametrize("words", [[], ["--as-it-was"], ["--live"], ["--failed-steps"]])
def test_a_run_is_replayed_in_each_way(shell: Shell, flow: Flow, words: list[str]) -> None:
    run = make_run(flow, state=RunState.FAILED)

    shell("replay", run.ref, *words)

    assert Run.objects.get(replay_of=run).event_id == run.event_id


def test_a_run_is_replayed_with_another_body(shell: Shell, flow: Flow, tmp_path: Path) -> None:
    run = make_run(flow, state=RunState.FAILED)
    (tmp_path / "body").write_bytes(b"from a file")

    shell("replay", run.ref, "--body", str(tmp_path / "body"))
    shell("replay", run.ref, "--body", "-", given="from standard input")

    bodies = [bytes(copy.event.body) for copy in run.replays.select_related("event").order_by("id")]
    assert bodies == [b"from a file", b"from standard input"]


def test_many_are_replayed_as_a_batch(shell: Shell, flow: Flow) -> None:
    for state in (RunState.FAILED, RunState.FAILED, RunState.SUCCEEDED):
        make_run(flow, state=state)

    printed = shell.json("replay", "--flow", "Orders", "--state", "failed", "--per-minute", "60", "--live", "--json")
    bulk_replay.tick(micros(Batch.objects.get().due_at))

    batch = Batch.objects.get()
    assert printed == {"batch": batch.pk, "runs": 2, "skipped": 0}
    assert shell.json("replay", "--state", "failed", "--json")["runs"] == 1  # the other one has been replayed
    assert shell.json("replay", "--state", "failed", "--again", "--json")["runs"] == 2
    Batch.objects.exclude(pk=batch.pk).delete()
    (row,) = shell.json("batches", "--json")
    assert (row["batch"], row["state"], row["runs"], row["made"], row["per_minute"]) == (batch.pk, "running", 2, 1, 60)
    assert "running" in shell("batches")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "Name a RUN"),
        (["0000000000000", "--flow", "Orders"], "Name a RUN"),
        (["--state", "held"], "No matching run is left"),
        (["--flow", "Orders", "--body", "-"], "for one RUN"),
        (["--flow", "Nothing"], "no flow"),
        (["--state", "failed", "--per-minute", "-1"], "a minute"),
    ],
)
def test_a_replay_that_means_nothing(shell: Shell, flow: Flow, words: list[str], said: str) -> None:
    make_run(flow, state=RunState.FAILED)

    with pytest.raises(RelayError, match=said):
        shell("replay", *words)
    assert not Batch.objects.exists()


@pytest.mark.parametrize(
    ("command", "state", "then"),
    [
        ("cancel", RunState.WAITING, "cancelled"),
        ("give-up", RunState.HELD, "failed"),
        ("try-now", RunState.WAITING, "queued"),
        ("release", RunState.HELD, "queued"),
    ],
)
def test_what_is_done_to_a_run(shell: Shell, flow: Flow, command: str, state: RunState, then: str) -> None:
    run = make_run(flow, state=state)

    printed = shell(command, run.ref)

    run.refresh_from_db()
    assert run.ref in printed
    assert run.state == then


@pytest.mark.parametrize(
    ("command", "state", "then"),
    [
        ("cancel", RunState.WAITING, "cancelled"),
        ("give-up", RunState.HELD, "failed"),
        ("try-now", RunState.WAITING, "queued"),
        ("release", RunState.HELD, "queued"),
    ],
)
def test_what_is_done_to_many(shell: Shell, flow: Flow, command: str, state: RunState, then: str) -> None:
    runs = [make_run(flow, state=state) for _ in range(2)]
    other = make_run(flow, state=RunState.SUCCEEDED)

    printed = shell(command, "--flow", "Orders", "--state", state)

    other.refresh_from_db()
    assert printed.startswith("2 runs are ")
    assert {Run.objects.get(pk=run.pk).state for run in runs} == {then}
    assert other.state == "succeeded"


@pytest.mark.parametrize("command", ["cancel", "give-up", "try-now", "release"])
def test_which_are_meant_has_to_be_said(shell: Shell, flow: Flow, command: str) -> None:
    run = make_run(flow, state=RunState.HELD)

    for words in ([], [run.ref, "--state", "held"]):
        with pytest.raises(RelayError, match="Name a RUN"):
            shell(command, *words)
    run.refresh_from_db()
    assert run.state == "held"


@pytest.mark.parametrize(
    ("words", "said", "state"),
    [
        ([], "1 held runs are released", "queued"),
        (["--discard"], "1 held runs are discarded", "cancelled"),
        (["--per-minute", "1"], "1 held runs are released", "queued"),
    ],
)
def test_a_flow_is_paused_and_resumed(shell: Shell, flow: Flow, words: list[str], said: str, state: str) -> None:
    paused = shell("pause", "Orders")
    run = make_run(flow, state=RunState.HELD, held_by="pause")

    resumed = shell("resume", "Orders", *words)

    run.refresh_from_db()
    assert "Orders is paused" in paused
    assert said in resumed
    assert run.state == state


@pytest.mark.parametrize("command", ["cancel", "give-up", "try-now", "replay"])
def test_what_cant_be_done_is_said(shell: Shell, flow: Flow, command: str) -> None:
    run = make_run(flow, state=RunState.SUCCEEDED if command != "replay" else RunState.RUNNING)

    with pytest.raises(RelayError):
        shell(command, run.ref)
    with pytest.raises(RelayError, match="There is no run"):
        shell(command, "0000000000000")


def test_a_batch_is_cancelled_by_its_number(shell: Shell, flow: Flow) -> None:
    make_run(flow, state=RunState.FAILED)
    batch = bulk_replay.start(flow.workspace, {}, "from_start")
    bulk_replay.tick(micros(Batch.objects.get().due_at))

    printed = shell("cancel", str(batch.pk), "--queued")

    assert "1 of its runs are cancelled" in printed
    with pytest.raises(RelayError, match="There is no batch"):
        shell("cancel", "99999")
