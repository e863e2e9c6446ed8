"""Tests the answers that a dry run assumes for actions."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.dry_run import assumed_answers, dry_runs
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.errors import RelayError
from relay.flows.checks.validation import parse_document

LIST_ID = "5abbe4b7ddc1b351ef961414"
CARD = {"id": "made", "kind": "action", "action": "trello.create_card", "connection": "T"}
CARD["inputs"] = {"list_id": LIST_ID, "name": "x"}  # type: ignore[assignment]


def post(**more: Any) -> dict[str, Any]:
    return {"id": "tell", "kind": "action", "action": "http.request", "inputs": {"url": "https://a.example/x"}, **more}


def note(template: str) -> dict[str, Any]:
    return {"id": "note", "kind": "set", "values": {"x": template}}


def document(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps)}


def told(*steps: dict[str, Any], answers: Any) -> dict[str, Any]:
    context = DryRunContext("F", assumed=assumed_answers.check(answers))
    return dry_run(parse_document(document(*steps)), EventData.from_json({}), context)


@pytest.mark.parametrize(
    ("answer", "template", "value"),
    [
        ({"body": {"id": 7}}, "{{ steps.tell.body.id }}", 7),
        ({"body": "ok"}, "{{ steps.tell.body }} {{ steps.tell.status }}", "ok 200"),
        ({"body": "<a>1</a>", "headers": {"Content-Type": "text/xml"}}, "{{ steps.tell.body.a }}", "1"),
        ({"status": 201, "headers": {"Location": "/7"}}, "{{ steps.tell.headers.location }}", "/7"),
    ],
)
def test_an_answer_is_there_for_later_steps(answer: Any, template: str, value: Any) -> None:
    found = told(post(), note(template), answers={"tell": answer})

    assert (found["state"], found["steps"][1]["outputs"]) == ("succeeded", {"x": value})


def test_an_answer_gives_what_its_service_names() -> None:
    found = told(CARD, note("{{ steps.made.id }}"), answers={"made": {"body": {"id": "C1"}}})

    assert found["steps"][1]["outputs"] == {"x": "C1"}


@pytest.mark.parametrize(
    ("step", "answer", "state", "ids"),
    [
        (post(), {"status": 404}, "failed", ["tell"]),
        (post(), {"status": 503}, "failed", ["tell"]),
        (post(on_error="continue"), {"status": 404}, "succeeded", ["tell", "note"]),
        (
            post(on_error="branch", error_steps=[{"id": "other", "kind": "set", "values": {"x": 1}}]),
            {"status": 404},
            "succeeded",
            ["tell", "other", "note"],
        ),
        (post(success={"left": "{{ answer.status }}", "op": "equals", "right": 404}), {"status": 404}, "succeeded", []),
        (post(success={"left": 1, "op": "equals", "right": "{{ event.body.n }}"}), {}, "failed", ["tell"]),
    ],
)
def test_an_answer_may_be_a_failure(step: dict[str, Any], answer: Any, state: str, ids: list[str]) -> None:
    found = told(step, note("{{ steps.tell.status }}"), answers={"tell": answer})

    assert found["state"] == state
    assert [one["id"] for one in found["steps"]] == (ids or ["tell", "note"])
    assert found["steps"][0]["request"]["url"] == "https://a.example/x"


def test_each_element_may_have_an_answer_of_its_own() -> None:
    loop = {"id": "each", "kind": "loop", "over": [1, 2, 3], "steps": [post(), note("{{ steps.tell.body.id }}")]}

    found = told(loop, answers={"tell": {"body": {"id": 0}}, "tell[1]": {"body": {"id": 5}}})

    assert [one["outputs"]["x"] for one in found["steps"] if one["kind"] == "set"] == [0, 5, 0]


def test_what_only_an_answer_would_have_is_missing_with_the_way_out() -> None:
    found = told(post(), note("{{ steps.tell.body.id }}"), answers={})
    other = told(post(), note("{{ event.body.id }}"), answers={})

    assert found["reason"].startswith("steps.tell.body.id is missing. tell has no stored answer, so a dry run assumes")
    assert found["reason"].endswith('give its answer with --answers or "answers"')
    assert "answers" not in other["reason"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([], "Answers are an object"),
        ({"tell": 5}, "The answer of tell is"),
        ({"tell": {"code": 5}}, "The answer of tell is"),
        ({"tell": {"status": "200"}}, "The status in the answer of tell"),
        ({"tell": {"status": True}}, "The status in the answer of tell"),
        ({"tell": {"headers": {"a": 1}}}, "The headers in the answer of tell"),
    ],
)
def test_answers_that_are_none(answers: Any, said: str) -> None:
    with pytest.raises(RelayError, match=said):
        assumed_answers.check(answers)


def test_the_last_answer_gives_what_its_service_names() -> None:
    record = {"status": 200, "headers": {"content-type": "application/json"}, "body": '{"id": "C1"}'}
    context = DryRunContext("F", answers={"made": record})

    found = dry_run(parse_document(document(CARD, note("{{ steps.made.id }}"))), EventData.from_json({}), context)
    apart = dry_runs.run(document(CARD, note("{{ steps.made.id }}")), EventData.from_json({}), context)

    assert found["steps"][1]["outputs"] == apart["steps"][1]["outputs"] == {"x": "C1"}
