"""Tests the requests and answers of Slack's bot, Discord, Telegram and Microsoft Teams."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay import redaction
from relay.connectors import registry, response_rules
from relay.connectors.masked_request import outline, shown_connection
from relay.errors import RequestRefused
from relay.outbound import Answer
from tests.support.service_cases import Answered, Sent, build, check_answered, check_sent, judge

SLACK = {"token": "xoxb-0123456789-SECRETSECRET"}
DISCORD = {"webhook_url": "https://discord.com/api/webhooks/998877665544332211/SECRETSECRETSECRET"}
TELEGRAM = {"token": "123456789:SECRETSECRETSECRETSECRETSECRETSECRET"}
TEAMS = {
    "webhook_url": "https://prod-12.westeurope.logic.azure.com:443/workflows/0a1b/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sig=SECRETSECRETSECRETSECRET"
}
CONNECTIONS = {"slack_bot": SLACK, "discord": DISCORD, "telegram": TELEGRAM, "microsoft_teams": TEAMS}
TS = "1503435956.000247"
BLOCKS = [{"type": "divider"}]
BOT = "https://api.telegram.org/bot123456789%3ASECRETSECRETSECRETSECRETSECRETSECRET"
WEBHOOK = DISCORD["webhook_url"]
NOBODY = {"parse": []}


def teams(content: dict[str, Any]) -> dict[str, Any]:
    card = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [card]}


def card(*body: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": list(body),
        **more,
    }


SENT = [
    Sent(
        "slack_bot.post_message",
        {"channel": "C1", "text": "Hi"},
        "POST",
        "https://slack.com/api/chat.postMessage",
        {"channel": "C1", "text": "Hi"},
    ),
    Sent(
        "slack_bot.post_message",
        {
            "channel": "#orders",
            "text": "Hi",
            "blocks": BLOCKS,
            "unfurl_links": "false",
            "username": "Orders",
            "icon_emoji": ":package:",
        },
        "POST",
        "https://slack.com/api/chat.postMessage",
        {
            "channel": "#orders",
            "text": "Hi",
            "blocks": BLOCKS,
            "unfurl_links": False,
            "username": "Orders",
            "icon_emoji": ":package:",
        },
    ),
    Sent(
        "slack_bot.reply",
        {"channel": "C1", "thread_ts": TS, "text": "Hi", "reply_broadcast": True},
        "POST",
        "https://slack.com/api/chat.postMessage",
        {"channel": "C1", "thread_ts": TS, "text": "Hi", "reply_broadcast": True},
    ),
    Sent(
        "slack_bot.update_message",
        {"channel": "C1", "ts": TS, "text": "Hi", "blocks": BLOCKS},
        "POST",
        "https://slack.com/api/chat.update",
        {"channel": "C1", "ts": TS, "text": "Hi", "blocks": BLOCKS},
    ),
    Sent(
        "slack_bot.add_reaction",
        {"channel": "C1", "ts": TS, "name": "thumbsup::skin-tone-2"},
        "POST",
        "https://slack.com/api/reactions.add",
        {"channel": "C1", "timestamp": TS, "name": "thumbsup::skin-tone-2"},
    ),
    Sent(
        "slack_bot.find_user",
        {"email": "ada+x@example.com"},
        "GET",
        "https://slack.com/api/users.lookupByEmail?email=ada%2Bx%40example.com",
    ),
    Sent(
        "discord.post_message",
        {"content": "Hi @everyone"},
        "POST",
        f"{WEBHOOK}?wait=true",
        {"content": "Hi @everyone", "allowed_mentions": NOBODY},
    ),
    Sent(
        "discord.post_message",
        {
            "content": "Hi",
            "embeds": [{"title": "A"}],
            "mentions": "people",
            "username": "Orders",
            "avatar_url": "https://example.com/a.png",
            "thread_id": "110302483254365492",
        },
        "POST",
        f"{WEBHOOK}?wait=true&thread_id=110302483254365492",
        {
            "content": "Hi",
            "embeds": [{"title": "A"}],
            "username": "Orders",
            "avatar_url": "https://example.com/a.png",
            "allowed_mentions": {"parse": ["users"]},
        },
    ),
    Sent(
        "discord.post_message",
        {"content": "Hi", "thread_name": "A"},
        "POST",
        f"{WEBHOOK}?wait=true",
        {"content": "Hi", "thread_name": "A", "allowed_mentions": NOBODY},
    ),
    Sent(
        "discord.edit_message",
        {"message_id": "110302483254365493", "content": "Hi", "mentions": "everyone"},
        "PATCH",
        f"{WEBHOOK}/messages/110302483254365493",
        {"content": "Hi", "allowed_mentions": {"parse": ["users", "roles", "everyone"]}},
    ),
    Sent(
        "telegram.send_message",
        {"chat_id": "@orders", "text": "Hi"},
        "POST",
        f"{BOT}/sendMessage",
        {"chat_id": "@orders", "text": "Hi"},
    ),
    Sent(
        "telegram.send_message",
        {
            "chat_id": -1001234567890,
            "text": "<b>Hi</b>",
            "parse_mode": "HTML",
            "reply_to": "364",
            "message_thread_id": 12,
            "hide_previews": True,
            "disable_notification": True,
        },
        "POST",
        f"{BOT}/sendMessage",
        {
            "chat_id": "-1001234567890",
            "text": "<b>Hi</b>",
            "parse_mode": "HTML",
            "reply_parameters": {"message_id": 364},
            "message_thread_id": 12,
            "link_preview_options": {"is_disabled": True},
            "disable_notification": True,
        },
    ),
    Sent(
        "telegram.edit_message",
        {"chat_id": "5", "message_id": "365", "text": "Hi"},
        "POST",
        f"{BOT}/editMessageText",
        {"chat_id": "5", "message_id": 365, "text": "Hi"},
    ),
    Sent(
        "telegram.send_photo",
        {"chat_id": "5", "photo": "https://example.com/a.jpg", "caption": "The door"},
        "POST",
        f"{BOT}/sendPhoto",
        {"chat_id": "5", "photo": "https://example.com/a.jpg", "caption": "The door"},
    ),
    Sent(
        "microsoft_teams.post_message",
        {"text": "Hi"},
        "POST",
        TEAMS["webhook_url"].replace(":443", ""),
        teams(card({"type": "TextBlock", "text": "Hi", "wrap": True})),
    ),
    Sent(
        "microsoft_teams.post_message",
        {
            "title": "New",
            "text": "Hi",
            "facts": [{"title": "Total", "value": "5"}, {"title": "", "value": ""}],
            "url": "https://example.com/1",
        },
        "POST",
        TEAMS["webhook_url"].replace(":443", ""),
        teams(
            card(
                {"type": "TextBlock", "text": "New", "weight": "bolder", "size": "medium", "wrap": True},
                {"type": "TextBlock", "text": "Hi", "wrap": True},
                {"type": "FactSet", "facts": [{"title": "Total", "value": "5"}]},
                actions=[{"type": "Action.OpenUrl", "title": "Open", "url": "https://example.com/1"}],
            )
        ),
    ),
    Sent(
        "microsoft_teams.post_card",
        {"card": {"type": "AdaptiveCard", "version": "1.5", "body": []}},
        "POST",
        TEAMS["webhook_url"].replace(":443", ""),
        teams({"type": "AdaptiveCard", "version": "1.5", "body": []}),
    ),
]
POSTED = {"ok": True, "channel": "C1", "ts": TS, "message": {"text": "Hi"}}
ON_TELEGRAM = {"ok": True, "result": {"message_id": 365, "chat": {"id": -100}, "text": "Hi"}}
ANSWERED = [
    Answered("slack_bot.post_message", 200, POSTED, "succeeded", outputs={"channel": "C1", "ts": TS}),
    Answered(
        "slack_bot.post_message",
        200,
        {"ok": False, "error": "channel_not_found"},
        "failed",
        "The answer was 200: channel_not_found",
    ),
    Answered(
        "slack_bot.post_message",
        200,
        {"ok": False, "error": "ratelimited"},
        "retry",
        "The answer was 200: ratelimited",
    ),
    Answered(
        "slack_bot.post_message",
        429,
        {"ok": False, "error": "ratelimited"},
        "retry",
        "The answer was 429: ratelimited",
        headers={"retry-after": "30"},
        retry_after="30",
    ),
    Answered(
        "slack_bot.post_message",
        200,
        {"ok": False, "error": "invalid_auth"},
        "refused",
        "The answer was 200: invalid_auth",
    ),
    Answered(
        "slack_bot.find_user",
        200,
        {"ok": False, "error": "missing_scope", "needed": "users:read.email", "provided": "chat:write"},
        "refused",
        "The answer was 200: missing_scope",
    ),
    Answered(
        "slack_bot.find_user",
        200,
        {"ok": True, "user": {"id": "U1", "tz": "Europe/London", "profile": {"real_name": "Ada"}}},
        "succeeded",
        outputs={"id": "U1", "name": "Ada", "time_zone": "Europe/London"},
    ),
    Answered(
        "slack_bot.find_user",
        200,
        {"ok": False, "error": "users_not_found"},
        "failed",
        "The answer was 200: users_not_found",
    ),
    Answered("slack_bot.add_reaction", 200, {"ok": False, "error": "already_reacted"}, "succeeded"),
    Answered(
        "slack_bot.update_message",
        200,
        {"ok": False, "error": "message_not_found"},
        "failed",
        "The answer was 200: message_not_found",
    ),
    Answered("slack_bot.post_message", 200, "<html>", "failed", "The answer was 200: <html>"),
    Answered(
        "discord.post_message",
        200,
        {"id": "11", "channel_id": "22"},
        "succeeded",
        outputs={"id": "11", "channel_id": "22"},
    ),
    Answered(
        "discord.post_message",
        429,
        {"message": "You are being rate limited.", "retry_after": 0.5, "global": False},
        "retry",
        "The answer was 429: You are being rate limited.",
        headers={"retry-after": "1"},
        retry_after="1",
    ),
    Answered(
        "discord.post_message",
        404,
        {"message": "Unknown Webhook", "code": 10015},
        "refused",
        "The answer was 404: Unknown Webhook",
    ),
    Answered(
        "discord.edit_message",
        404,
        {"message": "Unknown Message", "code": 10008},
        "failed",
        "The answer was 404: Unknown Message",
    ),
    Answered(
        "discord.post_message",
        401,
        {"message": "Invalid Webhook Token", "code": 50027},
        "refused",
        "The answer was 401: Invalid Webhook Token",
    ),
    Answered("telegram.send_message", 200, ON_TELEGRAM, "succeeded", outputs={"message_id": 365, "chat_id": -100}),
    Answered(
        "telegram.send_message",
        400,
        {"ok": False, "error_code": 400, "description": "Bad Request: chat not found"},
        "failed",
        "The answer was 400: Bad Request: chat not found",
    ),
    Answered(
        "telegram.send_message",
        403,
        {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"},
        "failed",
        "The answer was 403: Forbidden: bot was blocked by the user",
    ),
    Answered(
        "telegram.send_message",
        401,
        {"ok": False, "error_code": 401, "description": "Unauthorized"},
        "refused",
        "The answer was 401: Unauthorized",
    ),
    Answered(
        "telegram.edit_message",
        400,
        {"ok": False, "error_code": 400, "description": "Bad Request: message is not modified: the same"},
        "succeeded",
    ),
    Answered("microsoft_teams.post_message", 202, "", "succeeded"),
    Answered(
        "microsoft_teams.post_message",
        404,
        {"error": {"code": "WorkflowNotFound", "message": "The workflow '0a1b' could not be found."}},
        "refused",
        "The answer was 404: The workflow '0a1b' could not be found.",
    ),
    Answered("microsoft_teams.post_card", 429, "", "retry", "The answer was 429"),
]


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.id)
def test_requests(case: Sent) -> None:
    connector, _ = registry.find(case.action)

    request = check_sent(case, CONNECTIONS[connector.key])

    if connector.key == "slack_bot":
        assert request.headers["Authorization"] == f"Bearer {SLACK['token']}"


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.id)
def test_answers(case: Answered) -> None:
    check_answered(case)


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.id)
def test_what_is_shown_has_no_secret(case: Sent) -> None:
    connector, action = registry.find(case.action)
    public = shown_connection(connector, CONNECTIONS[connector.key])

    shown = redaction.request_record(outline(connector, action, case.inputs, public, key="k"), ())

    assert "SECRET" not in str(shown)


@pytest.mark.parametrize(
    ("action", "inputs", "message"),
    [
        ("slack_bot.post_message", {"channel": "C1", "text": "x" * 40_001}, "Message has 40001 characters, 40000 are"),
        ("slack_bot.update_message", {"channel": "C1", "ts": TS, "text": "x" * 4001}, "Message has 4001 characters"),
        ("slack_bot.update_message", {"channel": "C1", "ts": "yesterday", "text": "x"}, "Message doesn't look right"),
        ("slack_bot.find_user", {"email": "ada"}, "E-mail must be one e-mail address"),
        ("discord.post_message", {"content": "x" * 2001}, "Message has 2001 characters, 2000 are allowed"),
        ("discord.edit_message", {"content": "x", "message_id": "../../x"}, "Message doesn't look right"),
        ("telegram.send_message", {"chat_id": "1", "text": "x" * 4097}, "Message has 4097 characters, 4096 are"),
        ("telegram.edit_message", {"chat_id": "1", "message_id": 0, "text": "x"}, "Message must be at least 1"),
        ("microsoft_teams.post_message", {"text": "x", "facts": [{"title": "A"}]}, "Facts, row 1: Value is empty"),
    ],
)
def test_limits_of_the_services(action: str, inputs: dict[str, Any], message: str) -> None:
    connector, _ = registry.find(action)

    with pytest.raises(RequestRefused, match=message):
        build(action, inputs, CONNECTIONS[connector.key])


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/workflows/0a1b",
        "https://evil.example/.logic.azure.com/x",
        "https://ada@evil.example#.logic.azure.com/x",
        "http://prod-12.westeurope.logic.azure.com/x",
        "https://logic.azure.com.evil.example/x",
    ],
)
def test_a_workflow_is_at_microsoft(url: str) -> None:
    assert registry.connector("microsoft_teams").check_connection({"webhook_url": url}) != {}
    assert registry.connector("microsoft_teams").check_connection(TEAMS) == {}


def test_only_an_action_that_may_be_repeated_was_done_before() -> None:
    done = [
        one for connector in registry.list_connectors() for one in connector.actions if one.reply and one.reply.done
    ]

    assert {one.key for one in done} >= {"add_reaction", "edit_message", "add_label"}
    assert all(one.repeatable for one in done)
    assert judge("slack_bot.add_reaction", 503, {"error": "already_reacted"}).kind == "retry"


REFUSED = {"ok": False, "error": "invalid_auth"}


@pytest.mark.parametrize(
    ("name", "status", "body", "message"),
    [
        (
            "slack_bot.post_message",
            200,
            REFUSED,
            "Slack (bot) refused: invalid_auth. Slack doesn't know this bot token",
        ),
        ("slack_bot.post_message", 200, {"ok": False, "error": "new_word"}, "Slack (bot) refused: new_word"),
        (
            "slack.post_message",
            404,
            "no_service",
            (
                "The answer was 404: no_service. The webhook was removed or disabled: create a new one in Slack, and "
                "enter its URL under Connections"
            ),
        ),
        # These are not words of the service.
        ("slack_bot.post_message", 200, {"ok": False}, 'The answer was 200: {"ok": false}'),
        ("slack_bot.post_message", 200, ["x"], 'The answer was 200: ["x"]'),
        (
            "telegram.send_message",
            200,
            {"ok": False, "description": "chat not found"},
            "Telegram refused: chat not found",
        ),
        ("hubspot.upsert_contact", 207, {"message": "some failed"}, "The answer was 207: some failed"),
    ],
)
def test_a_refusal_in_an_answer_of_success_is_told_as_one(name: str, status: int, body: Any, message: str) -> None:
    connector, action = registry.find(name)
    text = body if isinstance(body, str) else json.dumps(body)
    kind = "text/plain" if isinstance(body, str) else "application/json"
    answer = Answer(status, {"content-type": kind}, text.encode(), truncated=False, seconds=0.0)

    assert response_rules.judge(action, answer, service=connector.label).message == message


def test_a_condition_of_the_step_is_no_refusal_of_the_service() -> None:
    connector, action = registry.find("slack_bot.post_message")
    body = b'{"ok": true, "error": "odd"}'
    answer = Answer(200, {"content-type": "application/json"}, body, truncated=False, seconds=0.0)

    verdict = response_rules.judge(action, answer, success=lambda _: False, service=connector.label)

    assert verdict.message == "The answer was 200: odd"


def test_a_meaning_can_be_taken_off_again() -> None:
    _, action = registry.find("slack_bot.direct_message")
    text = "Find the person: Slack (bot) refused: users_not_found"

    assert response_rules.without_meaning(action, f"{text}. Nobody in the workspace has this e-mail address") == text
    assert response_rules.without_meaning(action, f"{text}. Something else") == f"{text}. Something else"
