"""Tests the actions that make several calls: Slack's direct messages, and Trello's checklists."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.engine.walk.work_item import Outcome
from relay.outbound import Answer
from tests.support.walking import Held, Recorder, answer, walk, work_item

SLACK = {"token": "xoxb-0123456789-SECRETSECRET"}
TRELLO = {"key": "SECRETSECRETSECRET", "token": "SECRETSECRETSECRE2"}
QUERY = "key=SECRETSECRETSECRET&token=SECRETSECRETSECRE2"
API, CARD = "https://slack.com/api", "5abbe4b7ddc1b351ef961417"
MAX_CLAIMS = 60


def says(body: Any, status: int = 200) -> Answer:
    return answer(status, json.dumps(body).encode(), **{"content-type": "application/json"})


def carried_out(
    action: str, inputs: dict[str, Any], connection: dict[str, str], *answers: Answer
) -> tuple[Outcome, list[tuple[str, str, Any]]]:
    """The last outcome of a run with one action, claimed until it ends, and what was sent: method, URL and body."""
    step = {"id": "it", "kind": "action", "action": action, "connection": "C", "inputs": inputs}
    sender = Recorder(*answers)
    more: dict[str, Any] = {}
    for _ in range(MAX_CLAIMS):
        outcome = walk(work_item(step, connections={"C": Held(connection)}, **more), sender)
        if outcome.state in ("succeeded", "failed") or outcome.held_by:
            break
        fence = outcome.marked_fence or 1
        more = {
            "trail": outcome.trail,
            "marked_step": outcome.marked_step,
            "marked_fence": outcome.marked_fence,
            "fence": fence,
        }
    sent = [(one.method, one.url, json.loads(one.body) if one.body else None) for one in sender.sent]
    return outcome, sent


PERSON = says({"ok": True, "user": {"id": "W012A3CDE"}})
OPENED = says({"ok": True, "channel": {"id": "D069C7QFK"}})
POSTED = says({"ok": True, "channel": "D069C7QFK", "ts": "1503435956.000247"})
OPEN = ("POST", f"{API}/conversations.open", {"users": "W012A3CDE"})
POST = ("POST", f"{API}/chat.postMessage", {"channel": "D069C7QFK", "text": "Hi"})


@pytest.mark.parametrize(
    ("inputs", "answers", "sent"),
    [
        (
            {"email": "ada@example.com"},
            (PERSON, OPENED, POSTED),
            [("GET", f"{API}/users.lookupByEmail?email=ada%40example.com", None), OPEN, POST],
        ),
        ({"by": "id", "user": "W012A3CDE"}, (OPENED, POSTED), [OPEN, POST]),
    ],
)
def test_a_direct_message(inputs: dict[str, Any], answers: tuple[Answer, ...], sent: list[Any]) -> None:
    outcome, found = carried_out("slack_bot.direct_message", {**inputs, "text": "Hi"}, SLACK, *answers)

    assert (outcome.state, outcome.reason, found) == ("succeeded", "", sent)
    outputs = outcome.trail[-1].outputs or {}
    assert (outputs["channel"], outputs["ts"]) == ("D069C7QFK", "1503435956.000247")


@pytest.mark.parametrize(
    ("answers", "state", "reason"),
    [
        (
            (says({"ok": False, "error": "users_not_found"}),),
            "failed",
            "Find the person: Slack (bot) refused: users_not_found. Nobody in the workspace has this e-mail address",
        ),
        (
            (PERSON, says({"ok": False, "error": "user_disabled"})),
            "failed",
            "Open the conversation: Slack (bot) refused: user_disabled",
        ),
        (
            (PERSON, OPENED, says({"ok": False, "error": "msg_too_long"})),
            "failed",
            "Slack (bot) refused: msg_too_long. The message is too long",
        ),
        (
            (says({"ok": False, "error": "missing_scope"}),),
            "held",
            "Slack (bot) refused: missing_scope. The app lacks a permission",
        ),
    ],
)
def test_a_direct_message_that_fails_says_where(answers: tuple[Answer, ...], state: str, reason: str) -> None:
    outcome, found = carried_out(
        "slack_bot.direct_message", {"email": "ada@example.com", "text": "Hi"}, SLACK, *answers
    )

    assert outcome.state == state or outcome.held_by
    assert reason in outcome.reason
    assert len(found) == len(answers)


@pytest.mark.parametrize("items", [["A"], ["A", "B", "C"], [f"Item {number}" for number in range(20)]])
def test_a_checklist_with_its_items(items: list[str]) -> None:
    answers = [says({"id": "5abbe4b7ddc1b351ef961440"}), *(says({"id": str(number)}) for number in range(len(items)))]

    outcome, found = carried_out(
        "trello.add_checklist", {"card_id": CARD, "name": "Pack", "items": items}, TRELLO, *answers
    )

    assert (outcome.state, outcome.reason) == ("succeeded", "")
    created = f"https://api.trello.com/1/checklists/5abbe4b7ddc1b351ef961440/checkItems?{QUERY}"
    assert found == [
        ("POST", f"https://api.trello.com/1/cards/{CARD}/checklists?{QUERY}", {"name": "Pack"}),
        *(("POST", created, {"name": item}) for item in items),
    ]
    assert (outcome.trail[-1].outputs or {})["id"] == "5abbe4b7ddc1b351ef961440"


def test_a_checklist_has_up_to_twenty_items() -> None:
    outcome, found = carried_out("trello.add_checklist", {"card_id": CARD, "items": ["x"] * 21}, TRELLO)

    assert (outcome.state, found) == ("failed", [])
    assert "Items has 21 items, 20 are allowed" in outcome.reason
