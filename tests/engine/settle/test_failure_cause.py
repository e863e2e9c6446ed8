"""Causes use the service's words, and are equal for failures that differ only in ids and numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from msgspec import structs

from relay.engine.settle.failure_cause import FailureCause, cause_of, normalized
from relay.engine.walk.work_item import Outcome
from relay.errors import ConnectFailed, DeadlinePassed
from relay.outbound import Answer
from tests.engine.walk.test_failures import bad, handled, loop
from tests.support.walking import POST, Held, Recorder, answer, walk, work_item

SLACK = {
    "id": "tell",
    "name": "Tell Slack",
    "kind": "action",
    "action": "slack.post_message",
    "connection": "Team",
    "inputs": {"text": "Order {{ event.body.n }}"},
    "retry": {"delays": []},
}
TEAM = {"Team": Held({"webhook_url": "https://hooks.slack.com/services/T0000/B0000/XXXXXXXX"})}
ONCE = {**POST, "retry": {"delays": []}}


def ended(*steps: dict[str, Any], said: Answer | Exception, **changes: Any) -> Outcome:
    return walk(work_item(*steps, **changes), Recorder(*[said] * 5))


def cause(*steps: dict[str, Any], said: Answer | Exception, **changes: Any) -> FailureCause:
    found = cause_of(ended(*steps, said=said, **changes))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(200, b'{"ok": false, "error": "channel_not_found"}'), "Slack says channel_not_found"),
        (answer(404, b"channel_not_found"), "Slack says channel_not_found (404)"),
        (answer(400, b'{"error": {"message": "no  text", "id": 7}}'), "Slack says no text (400)"),
        (answer(500), "Slack answers 500"),
    ],
)
def test_a_service_is_quoted(said: Answer, words: str) -> None:
    found = cause(SLACK, said=said, connections=TEAM)

    assert (found.step, found.step_name, found.words) == ("tell", "Tell Slack", words)


BOT = {
    "id": "tell",
    "kind": "action",
    "name": "Tell Slack",
    "action": "slack_bot.update_message",
    "connection": "Bot",
    "inputs": {"channel": "C024BE91L", "ts": "1503435956.000247", "text": "Hi"},
    "retry": {"delays": []},
}


@pytest.mark.parametrize(
    ("error", "words", "reason"),
    [
        (
            "not_in_channel",
            "Slack (bot) refused: not_in_channel",
            "Slack (bot) refused: not_in_channel. The bot is not a member of the channel: invite it there",
        ),
        (
            "invalid_auth",
            "Slack (bot) refuses the credential: invalid_auth",
            "Slack (bot) refused: invalid_auth. Slack doesn't know this bot token",
        ),
    ],
)
def test_a_refusal_is_short_as_a_title_and_whole_as_a_reason(error: str, words: str, reason: str) -> None:
    said = answer(200, json.dumps({"ok": False, "error": error}).encode(), **{"content-type": "application/json"})

    found = cause(BOT, said=said, connections={"Bot": Held({"token": "xoxb-0123456789-BOTBOTBOTBOT"})})

    assert (found.words, found.reason) == (words, reason)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (answer(404, b"gone"), "example.com says gone (404)"),
        (answer(503), "example.com answers 503"),
        (ConnectFailed("example.com can't be reached: refused"), "example.com can't be reached: refused"),
    ],
)
def test_of_plain_http_the_host_is_named(said: Any, words: str) -> None:
    assert cause(ONCE, said=said).words == words


def test_a_template_that_fails_says_so() -> None:
    found = cause({"id": "s", "kind": "set", "values": {"a": "{{ event.body.nope }}"}}, said=answer(200))

    assert (found.step, found.words) == ("s", found.reason)
    assert "event.body.nope is missing" in found.words


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 17 is unknown", "order 4711 is unknown"),
        ("no ORD-17-B at 2026-03-01T10:00:00.5Z", "no ORD-4-C at 2027-12-24T23:00:01Z"),
        ("request 0f8b1c0e-1111-4a4a-8888-abcdefabcdef", "request 1f8b1c0e-2222-4a4a-9999-abcdefabcdff"),
        ("see https://e.com/errors/abc?x=y now", "see https://e.com/errors/def now"),
        ("Ada <ada@example.com> is blocked", "Ada <bob@example.org> is blocked"),
        ("lines 3, 4, 5", "lines 1"),
        ("The answer was 400: {'id': 'a1b2'}", "The answer was 400: {'id': 'c3d4'}"),
        ('The answer was 400: {"message": "bad", "trace": "abc"}', 'The answer was 400: {"message":"bad","trace":"x"}'),
        ("Too  many\nlines", "too many lines"),
    ],
)
def test_ids_and_numbers_make_no_difference(one: str, other: str) -> None:
    assert normalized(one) == normalized(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The answer was 404: gone", "The answer was 410: gone"),
        ("The answer was 200: channel_not_found", "The answer was 200: channel_is_archived"),
        ("event.body.email is missing", "event.body.phone is missing"),
        ("see https://e.com/a", "see https://f.com/a"),
    ],
)
def test_distinct_causes_are_distinct(one: str, other: str) -> None:
    assert normalized(one) != normalized(other)


@pytest.mark.parametrize(
    "change", [{"flow_id": 2}, {"steps": ({**ONCE, "id": "other"},)}, {"said": answer(410, b"gone")}]
)
def test_another_flow_step_or_answer_is_another_issue(change: dict[str, Any]) -> None:
    usual: dict[str, Any] = {"steps": (ONCE,), "said": answer(404, b"gone"), "flow_id": 1}
    steps, changed = {**usual, **change}.pop("steps"), {**usual, **change}
    changed.pop("steps")

    first = cause(ONCE, said=usual["said"], flow_id=1)
    second = cause(*steps, **changed)

    assert first.issue_id != second.issue_id
    assert 0 < first.issue_id < 1 << 63


@pytest.mark.parametrize(
    ("steps", "step"),
    [
        ([bad()], "a"),
        ([loop(bad())], "a"),
        ([bad(on_error="continue")], "a"),
        ([bad(**handled(bad("b", on_error="continue")))], "b"),
        ([bad(**handled(bad("b")))], "b"),
        ([{**POST, "inputs": {"url": "https://e.com"}}, bad("c")], "c"),
    ],
)
def test_the_step_that_failed_is_named(steps: list[dict[str, Any]], step: str) -> None:
    assert cause(*steps, said=answer(200), body=b'{"n": 3, "list": [1, 2]}').step == step


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ([POST], answer(200)),
        ([{"id": "w", "kind": "delay", "for": "1h"}], answer(200)),
        ([POST], answer(503)),  # to be tried again
        ([bad(**handled(POST))], answer(200)),
    ],
)
def test_what_is_well_or_waits_is_none(steps: list[dict[str, Any]], said: Answer) -> None:
    assert cause_of(ended(*steps, said=said)) is None


SMS = {
    "id": "sms",
    "kind": "action",
    "action": "twilio.send_sms",
    "connection": "SMS",
    "inputs": {"to": "+4930123456", "from": "+4930654321", "body": "Hi"},
}
ACCOUNT = {"SMS": Held({"account_sid": "AC" + "0" * 32, "auth_token": "f" * 32})}


def test_a_doubt_says_that_nobody_knows() -> None:
    found = cause(SMS, said=DeadlinePassed("no answer in 15 s"), connections=ACCOUNT, marked_step="sms", marked_fence=1)

    assert (found.kind, found.step) == ("unknown", "sms")
    assert found.words == "no answer in 15 s: nobody knows whether it was done"


@pytest.mark.parametrize(("alerts", "is_one"), [("final_failure", False), ("first_failure", True), ("never", False)])
def test_a_first_try_counts_only_where_a_flow_asks_for_it(alerts: str, is_one: bool) -> None:
    asked = work_item(POST)
    outcome = walk(structs.replace(asked, plan=replace(asked.plan, alerts_on=alerts)), Recorder(answer(503)))

    assert outcome.state == "waiting"
    assert (cause_of(outcome) is not None) == is_one


def test_a_redirect_is_told_with_its_place_and_is_one_cause_whatever_the_place() -> None:
    found = [
        cause(POST, said=answer(308, location=f"https://u:pw@new.example/a/{number}?token=t0p&x=1"))
        for number in (17, 18)
    ]

    words = "example.com answers 308 to https://••••••@new.example/a/17?token=••••••&x=1; redirects are not followed"
    assert found[0].words == words
    assert found[0].mark == found[1].mark
