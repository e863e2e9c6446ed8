"""Tests that dry runs in a helper process give the same results as in this process, and that they can be stopped."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay.engine.configuration import connections, flow_lifecycle, samples, variables
from relay.engine.dry_run import dry_run_process, dry_runs
from relay.engine.dry_run.dry_run_context import DryRunContext, pack, unpack
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.engine.sandbox.helper_pool import Pool
from relay.engine.sandbox.process import HelperProcess
from relay.errors import DocumentFaults, RelayError, TemplateLimit
from relay.flows.checks.validation import parse_document
from relay.masking import MASK
from relay.models import Attempt, Event, Flow, InboxMessage, Run, Workspace
from tests.support.running import wait_until

EVENT = {"body": {"n": 3, "name": "", "lines": [{"q": 1}, {"q": 2}]}}
HOOK = "https://hooks.slack.com/services/T0/B0/verysecret"
SLACK = {"id": "say", "kind": "action", "action": "slack.post_message", "connection": "S", "inputs": {"text": "n"}}
KEYED = {
    "id": "ask",
    "kind": "action",
    "action": "http.request",
    "inputs": {"url": "https://a.example/", "headers": {"X-Sig": "{{ vars.key | sha256 }}", "X-Key": "{{ vars.key }}"}},
}
BUSY = "{% for i in range(300) %}{% for j in range(300) %}x{% endfor %}{% endfor %}"


def loop(count: str, *steps: dict[str, Any], name: str = "each") -> dict[str, Any]:
    over = f"{{{{ range({count}) | list }}}}"
    return {"id": name, "kind": "loop", "over": over, "on_error": "continue", "steps": list(steps)}


HEAVY = loop("1000", loop("8", {"id": "v", "kind": "set", "values": {"v": BUSY}}, name="inner"))
HOARD = loop("900", {"id": "v", "kind": "set", "values": {"v": "{{ 'x' * 900000 }}"}})


def document(*steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps), **more}


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[HelperProcess]:
    made = HelperProcess(
        wall_seconds=30.0,
        module=dry_run_process.__name__,
        first_message={},
        noun="dry run",
        cpu_seconds=dry_run_process.CPU_SECONDS,
    )
    monkeypatch.setattr(dry_runs, "DRY_RUNS", Pool(lambda: made, size=1, noun="dry run"))
    yield made
    made.close()


@pytest.fixture
def flow(workspace: Workspace) -> Flow:
    connections.set_connection(workspace, "S", "slack", {"webhook_url": HOOK})
    connections.set_connection(workspace, "Other", "slack", {"webhook_url": HOOK.replace("very", "another")})
    variables.set_variable(workspace, "key", "canary-key", secret=True)
    variables.set_variable(workspace, "unused", "canary-unused", secret=True)
    variables.set_variable(workspace, "shop", "Acme")
    return flow_lifecycle.import_document(workspace, document(SLACK), publish_it=True)


def test_it_tells_what_the_same_code_here_tells(flow: Flow) -> None:
    known = dry_runs.context_for(flow)
    branch = {
        "id": "choose",
        "kind": "branch",
        "branches": [
            {"name": "big", "when": {"left": "{{ event.body.n }}", "op": "at_least", "right": 3}, "steps": [SLACK]}
        ],
    }
    for steps in ([branch], [KEYED], [{**SLACK, "connection": "gone"}], [{"id": "d", "kind": "delay", "for": "1h"}]):
        source, event = document(*steps), EventData.from_json(EVENT)

        told = dry_runs.run(source, event, known)

        here = dry_run(parse_document(source), event, known)
        assert [_steady(step) for step in told["steps"]] == [_steady(step) for step in here["steps"]]
        assert (told["state"], told["response"]) == (here["state"], here["response"])
        assert "canary" not in str(told)
        assert "verysecret" not in str(told)


def _steady(step: dict[str, Any]) -> dict[str, Any]:
    """A step without the parts that differ each time: its idempotency key and the time."""
    headers = {name: text for name, text in step.get("request", {}).get("headers", {}).items() if "Key" not in name}
    return {**step, "request": {**step["request"], "headers": headers} if "request" in step else None, "outputs": None}


def test_no_secret_goes_to_the_process_of_dry_runs(flow: Flow) -> None:
    trello = {**SLACK, "id": "card", "action": "trello.create_card", "connection": "Other"}
    unknown = {**SLACK, "id": "odd", "action": "gone.gone", "connection": "Other"}

    told = pack(dry_runs.context_for(flow), document(SLACK, KEYED, trello, unknown))

    assert set(told["connections"]) == {"S", "Other"}
    assert set(told["sealed"]) == {"key"}
    assert unpack(told).variables.opened(["key"]) == {"key": MASK}
    assert not [canary for canary in ("canary", "secret", "hooks.slack.com") if canary in repr(told)]


@pytest.mark.parametrize("source", [document("x"), document({"id": "a", "kind": "set", "values": {"v": "{{ 1 +"}})])
def test_a_document_with_faults_is_refused_with_them(source: dict[str, Any]) -> None:
    with pytest.raises(DocumentFaults, match=r"steps\[0\]"):
        dry_runs.run(source, EventData.from_json(EVENT), DryRunContext("F"))


def test_a_document_that_is_too_deep_is_refused() -> None:
    step: dict[str, Any] = {"id": "a", "kind": "set", "values": {}}
    for _ in range(200):
        step = {"id": "a", "kind": "loop", "steps": [step]}

    with pytest.raises(DocumentFaults, match="nested more than"):
        dry_runs.run(document(step), EventData.from_json(EVENT), DryRunContext("F"))


@pytest.mark.parametrize(
    ("step", "limit"),
    [
        pytest.param(HEAVY, "limit: time", marks=pytest.mark.exhaustive),
        (HOARD, "limit: memory|result of this dry run is too large"),
    ],
)
def test_what_is_too_much_is_stopped_and_the_next_is_told(
    helper: HelperProcess, step: dict[str, Any], limit: str
) -> None:
    with pytest.raises(RelayError, match=limit):
        dry_runs.run(document(step), EventData.from_json(EVENT), DryRunContext("F"))

    assert dry_runs.run(document(), EventData.from_json(EVENT), DryRunContext("F"))["state"] == "succeeded"


@pytest.mark.exhaustive
def test_one_that_stands_still_is_stopped_with_all_that_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    if not Path("/proc").exists():
        pytest.skip("needs /proc to look for processes")
    helper = HelperProcess(
        wall_seconds=3.0,
        module=dry_run_process.__name__,
        first_message={},
        noun="dry run",
        cpu_seconds=dry_run_process.CPU_SECONDS,
    )
    monkeypatch.setattr(dry_runs, "DRY_RUNS", Pool(lambda: helper, size=1, noun="dry run"))
    dry_runs.run(document(), EventData.from_json(EVENT), DryRunContext("F"))
    first = helper.pid
    assert first is not None
    asking = threading.Thread(target=_refused, args=(said := [], document(HEAVY)))
    asking.start()
    fork = wait_until(lambda: _children(first), what="a fork makes the dry run")[0]

    os.kill(fork, signal.SIGSTOP)
    asking.join()

    assert "longer than 3 seconds" in str(said[0])
    wait_until(lambda: not _is_alive(fork), what="the fork has ended")
    helper.close()


def _refused(said: list[RelayError], source: dict[str, Any]) -> None:
    try:
        dry_runs.run(source, EventData.from_json(EVENT), DryRunContext("F"))
    except TemplateLimit as error:
        said.append(error)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_process_of_dry_runs_knows_no_secret_between_them(helper: HelperProcess, flow: Flow) -> None:
    if not Path("/proc").exists():
        pytest.skip("needs /proc to look into the process")
    dry_runs.run(document(SLACK, KEYED), EventData.from_json(EVENT), dry_runs.context_for(flow))

    memory = _memory(helper.pid or 0)
    environment = Path(f"/proc/{helper.pid}/environ").read_bytes()

    assert len(memory) > 1_000_000
    assert b"canary-key" not in memory
    assert b"B0/verysecret" not in memory
    assert b"RELAY_" not in environment


def _memory(pid: int) -> bytes:
    """The readable part of a process's writable memory."""
    parts = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, rights, *_ = line.split()
            start, end = (int(number, 16) for number in span.split("-"))
            if rights.startswith("rw"):
                memory.seek(start)
                parts.append(memory.read(end - start) or b"")
    return b"".join(parts)


def test_all_samples_are_checked_in_rows_and_nothing_is_written(flow: Flow) -> None:
    big = {"left": "{{ event.body.n }}", "op": "greater_than", "right": 2}
    arms = [{"name": "big", "when": big, "steps": [SLACK]}]
    choose = {"id": "choose", "kind": "branch", "branches": arms, "else": [{"id": "f", "kind": "filter", "when": big}]}
    name = {"id": "name", "kind": "set", "values": {"v": "{{ event.body.name }}", "w": "x"}}
    for called, body in (("big", EVENT["body"]), ("small", {"n": 1, "name": "x"}), ("wrong", "{")):
        samples.add(flow, called, {"headers": {"content-type": "application/json"}, "body": body})
    before = [table.objects.count() for table in (Run, Event, Attempt, InboxMessage)]

    rows = dry_runs.check_samples(document(name, choose), flow, dry_runs.context_for(flow))

    assert [(row["sample"], row["state"], row["arms"], row["stopped_at"], row["empty"]) for row in rows] == [
        ("big", "succeeded", {"choose": ["big"]}, None, ["name.v"]),
        ("small", "filtered", {"choose": ["else"]}, "f", []),
        ("wrong", "failed", {}, "name", []),
    ]
    assert "not valid JSON" in rows[2]["reason"]
    assert [table.objects.count() for table in (Run, Event, Attempt, InboxMessage)] == before


def test_one_sample_that_is_too_much_keeps_no_other_from_its_row(helper: HelperProcess, flow: Flow) -> None:
    over = loop("event.body.n", {"id": "v", "kind": "set", "values": {"v": "{{ 'x' * 300000 }}"}})
    for called, count in (("a", 1), ("b", 900), ("c", 2)):
        samples.add(flow, called, {"body": {"n": count}})

    rows = dry_runs.check_samples(document(over), flow, dry_runs.context_for(flow))

    assert [(row["sample"], row["state"]) for row in rows] == [("a", "succeeded"), ("b", "failed"), ("c", "succeeded")]
    assert rows[1]["errors"][0]["step"] is None


@pytest.mark.parametrize(("which", "first"), [("draft", "drafted"), ("live", "say"), ("1", "say")])
def test_which_document_is_meant(flow: Flow, which: str, first: str) -> None:
    flow_lifecycle.save_draft(flow, document({**SLACK, "id": "drafted"}))

    assert dry_runs.document_of(flow, which)["steps"][0]["id"] == first


@pytest.mark.parametrize("which", ["", "2", "x", "9" * 30, "-1"])
def test_a_version_that_is_not_there(flow: Flow, which: str) -> None:
    with pytest.raises(RelayError, match="no such version"):
        dry_runs.document_of(flow, which)
