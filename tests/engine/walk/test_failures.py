"""A run with a failed step ends as the flow says for that step, and its dry run ends the same way."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.runs import replay
from relay.engine.worker.thread_pool import WalkThreads
from relay.engine.worker.work_loop import work
from relay.flows.checks.validation import parse_document
from tests.engine.conftest import posting
from tests.support.walking import POST, Recorder, walk, work_item

BAD = {"kind": "action", "action": "http.request", "inputs": {"url": "{{ event.body.n }}"}}
GOOD = {**POST, "id": "good"}
BODY = b'{"n": 3, "list": [1, 2]}'


def bad(name: str = "a", **more: Any) -> dict[str, Any]:
    return {"id": name, **BAD, **more}


def handled(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"on_error": "branch", "error_steps": list(steps)}


def loop(step: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": "each", "kind": "loop", "over": "{{ event.body.list }}", "steps": [step], **more}


PASSED = {"on_error": "continue"}
CONTINUED, TOOK_OVER = "“a” failed, and the run continued", "“a” failed, and the error steps took over"


@pytest.mark.parametrize(
    ("steps", "state", "told"),
    [
        ([bad()], "failed", "URL"),
        ([bad(**PASSED)], "partly_failed", CONTINUED),
        ([bad(**PASSED), bad("b", **PASSED)], "partly_failed", "“a”, “b” failed, and the run continued"),
        ([bad(on_error="branch")], "partly_failed", CONTINUED),
        ([bad(**handled(GOOD))], "succeeded", TOOK_OVER),
        ([bad(**handled(bad("b", **PASSED)))], "partly_failed", f"“b” failed, and the run continued; {TOOK_OVER}"),
        ([bad(**handled(bad("b")))], "failed", "URL"),
        ([bad(**handled(bad("b", **handled(GOOD))))], "succeeded", "“a”, “b” failed, and the error steps took over"),
        ([loop(bad())], "failed", "URL"),
        ([loop(bad(), **PASSED)], "partly_failed", "“each” failed, and the run continued"),
        ([loop(bad(), **handled(GOOD))], "succeeded", "“each” failed, and the error steps took over"),
        ([loop(bad(**PASSED), **handled(GOOD))], "partly_failed", CONTINUED),
        ([loop(bad(**handled(GOOD)))], "succeeded", TOOK_OVER),
        ([bad(**handled(GOOD)), bad("b")], "failed", "URL"),
        ([GOOD], "succeeded", ""),
    ],
)
def test_how_a_run_ends_in_which_a_step_failed(steps: list[dict[str, Any]], state: str, told: str) -> None:
    document = {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": steps}

    outcome = walk(work_item(*steps, body=BODY), Recorder())
    dry = dry_run(parse_document(document), work_item(body=BODY).event, DryRunContext("F"))

    assert outcome.state == state
    assert told in outcome.reason if state == "failed" else told == outcome.reason
    assert (dry["state"], dry["reason"]) == (state.replace("partly_failed", "succeeded"), outcome.reason)


@pytest.mark.django_db(transaction=True)
def test_what_error_steps_took_over_can_be_done_again(live, arrive, walkers: WalkThreads, destination) -> None:
    destination.expect_oneshot_request("/hook").respond_with_data("no", status=404)
    destination.expect_request("/told").respond_with_data("ok")
    document = posting(destination.url_for("/hook"))
    told = {**document["steps"][0], "id": "told", "inputs": {"url": destination.url_for("/told")}}
    document["steps"][0] |= handled(told)
    (run,) = arrive(live(document))
    work(walkers=walkers)
    run.refresh_from_db()
    destination.expect_request("/hook").respond_with_data("ok")

    copy = replay.from_failed_step(run)
    work(walkers=walkers)

    copy.refresh_from_db()
    assert (run.state, run.reason) == ("succeeded", "“send” failed, and the error steps took over")
    assert (copy.state, copy.reason) == ("succeeded", "")
    assert [request.path for request, _ in destination.log] == ["/hook", "/told", "/hook"]
