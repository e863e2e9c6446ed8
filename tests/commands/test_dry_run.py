"""`relay dry-run`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from relay.errors import DocumentFaults, RelayError
from relay.models import Event
from tests.commands.conftest import Shell

STEP = {
    "id": "tell",
    "kind": "action",
    "action": "http.request",
    "inputs": {"url": "https://a.example/{{ event.body.n }}"},
}
FLOW = {"relay": 1, "name": "Told", "trigger": {"kind": "webhook"}, "steps": [STEP]}
EVENT = json.dumps({"method": "POST", "body": {"n": 7}})


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps(FLOW))
    return str(path)


def test_a_document_is_walked_for_an_event(shell: Shell, file: str) -> None:
    found = shell.json("dry-run", file, "--event", "-", "--json", given=EVENT)
    said = shell("dry-run", file, "--event", "-", given=EVENT)

    assert (found["state"], found["response"]) == ("succeeded", None)
    assert found["steps"][0]["request"]["url"] == "https://a.example/7"
    assert "POST https://a.example/7" in said
    assert said.rstrip().endswith("succeeded")


@pytest.mark.usefixtures("workspace")
def test_a_flow_is_walked_by_its_name(shell: Shell, file: str) -> None:
    shell("import", file, "--publish")

    for which in ((), ("--live",), ("--number", "1")):
        found = shell.json("dry-run", "Told", "--event", "-", "--json", *which, given=EVENT)
        assert found["steps"][0]["request"]["url"] == "https://a.example/7"
    assert not Event.objects.exists()


@pytest.mark.parametrize(
    ("words", "given", "said"),
    [
        ((), EVENT, "Name an event with --event FILE"),
        (("--event", "-"), "{", "- is not JSON"),
        (("--event", "-"), "[]", "An event is"),
        (("--event", "-"), '{"body": ["\\ud800"]}', "half of a surrogate pair"),
        (("--event", "nowhere.json"), "", "nowhere.json can't be read"),
        (("--samples",), "", "--samples is for flows, and this is a file: `relay import` makes a flow of it"),
        (("--last", "3"), "", "--last is for flows"),
        (("--event", "-", "--live"), EVENT, "--live is for flows"),
        (("--event", "-", "--number", "1"), EVENT, "--number is for flows"),
        (("--event", "-", "--answers", "nowhere.json"), EVENT, "nowhere.json can't be read"),
    ],
)
def test_what_cannot_be_walked_is_said(shell: Shell, file: str, words: tuple[str, ...], given: str, said: str) -> None:
    with pytest.raises(RelayError, match=said):
        shell("dry-run", file, *words, given=given)


@pytest.mark.usefixtures("workspace")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("Told", "--last", "-1"), "--last is a number from 1 to 100000"),
        (("Told", "--last", "0"), "--last is a number from 1 to 100000"),
        (("x" * 5_000, "--event", "-"), "There is no flow with the id or name x"),
    ],
)
def test_which_flow_and_how_many_events_is_checked(shell: Shell, words: tuple[str, ...], said: str) -> None:
    with pytest.raises(RelayError, match=said):
        shell("dry-run", *words, given=EVENT)


def test_a_flow_that_starts_by_the_clock_needs_no_event(shell: Shell, tmp_path: Path) -> None:
    flow = tmp_path / "flow.json"
    note = {"id": "note", "kind": "set", "values": {"x": "{{ event.body.timezone }} {{ event.body.missed }}"}}
    trigger = {"kind": "schedule", "cron": "0 9 * * 1-5", "timezone": "Asia/Tokyo"}
    flow.write_text(json.dumps({**FLOW, "trigger": trigger, "steps": [note]}))

    found = shell.json("dry-run", str(flow), "--json")

    assert found["steps"][0]["outputs"] == {"x": "Asia/Tokyo 0"}


def test_variables_of_a_file_stand_as_their_places(shell: Shell, tmp_path: Path) -> None:
    flow = tmp_path / "flow.json"
    note = {"id": "note", "kind": "set", "values": {"x": "{{ vars.shop }}"}}
    flow.write_text(json.dumps({**FLOW, "steps": [note]}))

    found = shell.json("dry-run", str(flow), "--event", "-", "--json", given=EVENT)

    assert found["steps"][0]["outputs"] == {"x": "{{ vars.shop }}"}


def test_answers_are_taken_from_a_file(shell: Shell, tmp_path: Path) -> None:
    flow, answers = tmp_path / "flow.json", tmp_path / "answers.json"
    note = {"id": "note", "kind": "set", "values": {"x": "{{ steps.tell.body.id }}"}}
    flow.write_text(json.dumps({**FLOW, "steps": [STEP, note]}))
    answers.write_text(json.dumps({"tell": {"body": {"id": 9}}}))

    found = shell.json("dry-run", str(flow), "--event", "-", "--answers", str(answers), "--json", given=EVENT)

    assert found["steps"][1]["outputs"] == {"x": 9}


def test_a_document_with_faults_is_refused_with_their_places(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    path.write_text(json.dumps({**FLOW, "steps": [{**STEP, "inputs": {"url": "{{ nope }}"}}]}))

    with pytest.raises(DocumentFaults, match=r"steps\[0\].inputs.url: nope is not a name here"):
        shell("dry-run", str(path), "--event", "-", given=EVENT)


@pytest.mark.usefixtures("workspace")
def test_all_samples_are_checked_in_a_table(shell: Shell, file: str) -> None:
    shell("import", file, "--publish")
    for name, body in (("seven", {"n": 7}), ("none", {})):
        shell("sample", "add", "Told", name, "--event", "-", given=json.dumps({"body": body}))

    rows = shell.json("dry-run", "Told", "--samples", "--json")
    table = shell("dry-run", "Told", "--samples", "--live")

    assert [(row["sample"], row["state"], row["stopped_at"]) for row in rows] == [
        ("none", "failed", "tell"),
        ("seven", "succeeded", None),
    ]
    assert "event.body.n is missing" in rows[0]["errors"][0]["error"]
    assert [line.split()[:2] for line in table.splitlines()[1:]] == [["none", "failed"], ["seven", "succeeded"]]
