"""Tests that pages and the API cut long values of a run, and that a step can be downloaded whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from relay.engine.intake import sample_events
from relay.engine.people import api_tokens
from relay.engine.runs import run_excerpts
from relay.models import Attempt, Flow, Run, Scope
from relay.web.ui import times
from tests.api.conftest import Caller

LONG = 300_000


@pytest.fixture
def run(flow: Flow) -> Run:
    """A run with long values, a long request and many long answers."""
    run = sample_events.send_sample(flow).runs.get()
    trail = [
        {"id": "big", "kind": "set", "state": "set", "outputs": {"a": "é" * LONG, "b": ["x"] * LONG, "c": "short"}},
        {"id": "tell", "kind": "action", "state": "succeeded", "outputs": {"body": "y" * LONG}, "kept": 5_000},
    ]
    Run.objects.filter(pk=run.pk).update(state="failed", due_at=None, finished_at=times.now(), trail=trail)
    for number in range(60):
        Attempt.objects.create(
            run=run,
            step="tell",
            number=number,
            state="succeeded",
            started_at=times.now(),
            duration_us=1,
            status=200,
            request={"method": "POST", "url": "https://a.example/", "headers": {}, "body": "q" * 1_000},
            answer={"status": 200, "headers": {}, "body": f"#{number} " + "z" * LONG, "truncated": False},
        )
    run.refresh_from_db()
    return run


def test_the_page_of_a_run_is_cut(alice: Client, run: Run) -> None:
    page = alice.get(reverse("run", args=(run.pk,))).content.decode()

    assert len(page) < 6 * run_excerpts.MAX_RUN_CHARS
    assert "Not all of it is shown" in page
    assert reverse("run-step", args=(run.pk, "big")) in page
    assert "short" in page


def test_a_step_is_downloaded_whole(alice: Client, run: Run) -> None:
    answer = alice.get(reverse("run-step", args=(run.pk, "big")))
    tried = json.loads(alice.get(reverse("run-step", args=(run.pk, "tell"))).content)

    assert answer["Content-Disposition"] == f'attachment; filename="{run.ref}.json"'
    assert json.loads(answer.content)["step"]["outputs"]["a"] == "é" * LONG
    assert [one["number"] for one in tried["attempts"]] == list(range(60))
    assert tried["attempts"][7]["answer"]["body"] == "#7 " + "z" * LONG
    assert alice.get(reverse("run-step", args=(run.pk, "nope"))).status_code == 404


def test_the_api_cuts_what_is_long(run: Run, flow: Flow) -> None:
    call = Caller(api_tokens.create(flow.workspace, "Reader", Scope.READ, days=0))

    data = call("GET", f"/runs/{run.ref}")
    whole = call("GET", f"/runs/{run.ref}/steps/tell")
    nothing = call("GET", f"/runs/{run.ref}/steps/nope", status=404)

    assert len(json.dumps(data, ensure_ascii=False)) < 3 * run_excerpts.MAX_RUN_CHARS
    outputs = data["steps"][0]["outputs"]
    assert outputs["c"] == "short"
    assert 1_000 < len(outputs["a"]) <= run_excerpts.MAX_VALUE_CHARS
    assert data["steps"][0]["cut"] == {"a": 2 * LONG + 2, "b": 4 * LONG + 1}
    assert data["attempts"][0]["answer"]["cut"] > LONG
    assert data["attempts"][-1]["answer"] == {"body": "", "cut": data["attempts"][-1]["answer"]["cut"]}
    assert len(data["attempts"]) == 60
    assert whole["attempts"][-1]["answer"]["body"].startswith("#59")
    assert "has not reached this step" in nothing["error"]


def test_a_trail_of_an_earlier_version_that_is_too_large_is_not_read(
    alice: Client, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_excerpts, "MAX_TRAIL_CHARS", 10_000)

    page = alice.get(reverse("run", args=(run.pk,))).content.decode()

    assert "too large to be shown here" in page
    assert "ééé" not in page


@pytest.mark.parametrize("address", ["/runs/", "/flows/{flow}/runs/", "/inbox/held/"])
def test_no_list_reads_a_long_trail(alice: Client, flow: Flow, run: Run, address: str, read: list[Any]) -> None:
    Run.objects.update(state="held")
    read.clear()

    page = alice.get(address.format(flow=flow.pk))

    assert page.status_code == 200
    assert run.ref in page.content.decode()
    assert read == []


def test_no_list_of_the_api_reads_a_long_trail(flow: Flow, run: Run, read: list[Any]) -> None:
    call = Caller(api_tokens.create(flow.workspace, "Reader", Scope.READ, days=0))

    assert call("GET", "/runs")["runs"][0]["id"] == run.ref
    assert read == []


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Every long value that is decoded from a JSON column."""
    from relay.models.fields import JsonText

    lengths: list[Any] = []
    decode = JsonText.from_db_value

    def noted(self: Any, value: str | None, *rest: object) -> Any:
        if value is not None and len(value) > run_excerpts.MAX_VALUE_CHARS:
            lengths.append(len(value))
        return decode(self, value, *rest)

    monkeypatch.setattr(JsonText, "from_db_value", noted)
    return lengths
