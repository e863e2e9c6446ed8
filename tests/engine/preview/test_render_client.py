"""Tests that templates of pages are rendered in a process that can be stopped."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relay import masking
from relay.engine.configuration import flow_lifecycle
from relay.engine.preview import preview, render_client, render_task
from relay.engine.sandbox import process
from relay.engine.sandbox.helper_pool import Pool
from relay.engine.sandbox.process import HelperProcess
from relay.errors import RelayError, TemplateLimit
from relay.models import Flow, Workspace
from tests.support.running import wait_until
from tests.support.template_attacks import COMPILED, CONTEXT, RENDERED


@pytest.fixture
def helper() -> Iterator[HelperProcess]:
    made = render_client.helper("preview", max_starts=process.MAX_STARTS)
    yield made
    made.close()


def question(source: str, **outputs: Any) -> dict[str, Any]:
    """A set step with one template, after a step `a` that gave `outputs`."""
    step = {"id": "b", "kind": "set", "values": {"v": source}}
    return {"step": step, "before": [{"id": "a"}], "outputs": {"a": outputs}, "flow": "Orders", "event": None}


def field(helper: HelperProcess, source: str, **outputs: Any) -> dict[str, Any]:
    return dict(helper.ask(question(source, **outputs))["fields"]["v"])


def test_the_helper_answers_as_the_same_code_here_would(helper: HelperProcess) -> None:
    for source in (
        "{{ steps.a.x | upper }}!",
        "{{ steps.a.y }}",
        "{{ 1 +",
        "{{ 10 ** 30 }}",
        "{{ steps.a.x ~ '\ud800' }}",
    ):
        asked = question(source, x="é", n=10**30)

        assert helper.ask(asked) == masking.shown(render_task.answer(asked))


TABLE = {"de": "Germany {{ steps.a.x }}", "7": "seven"}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"table": TABLE, "key": "{{ steps.a.x }}"}, {"text": "Germany de"}),
        ({"table": TABLE, "key": "{{ steps.a.n }}"}, {"text": "seven"}),
        ({"table": TABLE, "key": "fr", "default": "elsewhere"}, {"text": "elsewhere"}),
        ({"table": TABLE, "key": "fr"}, {"error": "The table of v has nothing for 'fr', and no default"}),
        ({"table": TABLE, "key": "{{ steps.a.y }}"}, {"error": "steps.a.y is missing", "missing": True}),
        ({"table": TABLE, "key": "{{ 1 +"}, {"error": "line 1: unexpected 'end of template'", "line": 1}),
        ({"table": "x", "key": "fr"}, None),
        ({"table": {"fr": 7}, "key": "fr"}, {"text": "7"}),
    ],
)
def test_what_is_looked_up_is_shown_and_known_to_later_steps(
    helper: HelperProcess, value: dict[str, Any], told: dict[str, Any] | None
) -> None:
    asked = question("", x="de", n=7)
    looked_up = {"id": "b", "kind": "set", "values": {"v": value}}

    shown = helper.ask({**asked, "step": looked_up})["fields"].get("v")
    later = {"id": "c", "kind": "set", "values": {"v": "{{ steps.b.v }}"}}
    seen = helper.ask({**asked, "before": [*asked["before"], looked_up], "step": later})["fields"]["v"]

    assert (shown and {**shown, **(told or {})}) == shown
    assert bool(shown) is bool(told)
    assert ("text" in seen) is ("text" in (told or {}))


def test_a_helper_is_kept_for_the_next_question(helper: HelperProcess) -> None:
    field(helper, "{{ 1 }}")
    first = helper.pid

    field(helper, "{{ 2 }}")

    assert first is not None
    assert helper.pid == first


def test_a_helper_knows_no_secret_of_this_process(helper: HelperProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_VAULT_KEYS", "a-secret")
    field(helper, "{{ 1 }}")
    if not Path("/proc").exists():
        pytest.skip("needs /proc to look into the process")

    environment = Path(f"/proc/{helper.pid}/environ").read_bytes()
    files = [str(path.readlink()) for path in Path(f"/proc/{helper.pid}/fd").iterdir()]

    assert b"a-secret" not in environment
    assert b"RELAY_" not in environment
    assert not any("sqlite" in file or file.startswith("socket:") for file in files)


def test_a_helper_that_takes_too_long_is_stopped_and_the_next_question_answered(helper: HelperProcess) -> None:
    field(helper, "{{ 1 }}")
    first = helper.pid
    assert first is not None
    os.kill(first, signal.SIGSTOP)
    helper.wall_seconds = 0.3

    with pytest.raises(TemplateLimit, match=r"longer than 0\.3 seconds .*limit: time"):
        field(helper, "{{ 2 }}")

    helper.wall_seconds = process.WALL_SECONDS
    assert field(helper, "{{ 3 }}") == {"text": "3"}
    assert helper.pid != first


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (-signal.SIGKILL, "longer than 10 seconds (limit: time)"),
        (-signal.SIGXCPU, "longer than 2 seconds of CPU (limit: time)"),
        (-signal.SIGSEGV, "more memory than it may have (limit: memory)"),
        (1, "more memory than it may have (limit: memory)"),
    ],
)
def test_what_ended_a_helper_is_told(status: int, said: str) -> None:
    assert said in str(render_client.helper("preview")._stopped(status))


def test_a_helper_that_has_ended_is_replaced_without_a_word(helper: HelperProcess) -> None:
    field(helper, "{{ 1 }}")
    assert helper._process is not None
    assert helper._process.stdin is not None
    helper._process.stdin.close()
    wait_until(lambda: helper.pid is None, what="the helper ends with its standard input")

    assert field(helper, "{{ 2 }}") == {"text": "2"}


@pytest.mark.exhaustive
def test_helpers_are_not_started_without_end(helper: HelperProcess) -> None:
    for _ in range(process.MAX_STARTS):
        field(helper, "{{ 1 }}")
        helper.close()

    with pytest.raises(RelayError, match="too often"):
        field(helper, "{{ 1 }}")


@pytest.mark.exhaustive
def test_attacks_are_answered_by_one_helper(helper: HelperProcess) -> None:
    field(helper, "{{ 1 }}")
    first = helper.pid
    context = "".join(f"{{% set {name} = steps.a.{name} %}}" for name in CONTEXT)

    for source in COMPILED.values():
        assert field(helper, source)
    for source in list(RENDERED.values())[::12]:
        assert field(helper, context + source, **CONTEXT)

    assert helper.pid == first


@pytest.mark.django_db
def test_a_draft_of_attacks_is_checked_in_the_helper(workspace: Workspace) -> None:
    steps = [
        {"id": f"s{place}", "kind": "set", "values": {"v": source}} for place, source in enumerate(COMPILED.values())
    ]
    steps = [step for step in steps if len(step["values"]["v"]) < 40_000][:15]
    document = {"relay": 1, "name": "Hostile", "trigger": {"kind": "webhook"}, "steps": steps}
    flow: Flow = flow_lifecycle.create_flow(workspace, document)

    faults = flow_lifecycle.check(flow)

    assert any(fault.message.endswith(("(limit: template size)", "(limit: words of a flow)")) for fault in faults)


@pytest.mark.django_db
def test_a_preview_that_is_stopped_says_so(
    workspace: Workspace, helper: HelperProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {"relay": 1, "name": "Slow", "trigger": {"kind": "webhook"}, "steps": [question("{{ 1 }}")["step"]]}
    flow = flow_lifecycle.create_flow(workspace, document)
    monkeypatch.setattr(render_client, "PREVIEWS", Pool(lambda: helper, size=1, noun="preview"))
    preview.preview(flow, document, "b", None)
    os.kill(helper.pid or 0, signal.SIGSTOP)
    helper.wall_seconds = 0.3

    shown = preview.preview(flow, document, "b", None)

    assert "limit: time" in shown.error
