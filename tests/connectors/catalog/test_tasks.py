"""Tests the requests and answers of Trello, Asana, Todoist and Notion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from relay import redaction
from relay.connectors import registry
from relay.connectors.masked_request import outline, shown_connection
from relay.errors import RequestRefused
from tests.support.service_cases import Answered, Sent, build, check_answered, check_sent, judge

CONNECTIONS = {
    "trello": {"key": "SECRETSECRETSECRET", "token": "SECRETSECRETSECRE2"},
    "asana": {"token": "2/1204619611402300/1204619611402301:SECRETSECRET"},
    "todoist": {"token": "0123456789SECRETSECRET"},
    "notion": {"token": "ntn_0123456789SECRETSECRET"},
}
BEARERS = ("asana", "todoist", "notion")
TRELLO, QUERY = "https://api.trello.com/1", "key=SECRETSECRETSECRET&token=SECRETSECRETSECRE2"
CARD, LIST, BOARD = "5abbe4b7ddc1b351ef961417", "5abbe4b7ddc1b351ef961414", "5abbe4b7ddc1b351ef961400"
ASANA, TODOIST, NOTION = "https://app.asana.com/api/1.0", "https://api.todoist.com/api/v1", "https://api.notion.com/v1"
PAGE, SOURCE = "b55c9c91-384d-452b-81db-d1ef79372b75", "f336d0bc-b841-465b-8045-024475c079dd"


def titled(text: str) -> dict[str, Any]:
    return {"title": {"title": [{"text": {"content": text}}]}}


def block(kind: str, text: str) -> dict[str, Any]:
    return {"object": "block", "type": kind, kind: {"rich_text": [{"type": "text", "text": {"content": text}}]}}


SENT = [
    Sent("trello.update_card", {"card_id": CARD}, "PUT", f"{TRELLO}/cards/{CARD}?{QUERY}", {}),
    Sent(
        "trello.update_card",
        {"card_id": "Hx2dAbCd", "name": "A", "desc": "B", "due": "2026-01-31", "due_complete": False, "pos": "top"},
        "PUT",
        f"{TRELLO}/cards/Hx2dAbCd?{QUERY}",
        {"name": "A", "desc": "B", "due": "2026-01-31T00:00:00Z", "dueComplete": False, "pos": "top"},
    ),
    Sent(
        "trello.move_card",
        {"card_id": CARD, "board_id": BOARD, "list_id": LIST, "pos": "bottom"},
        "PUT",
        f"{TRELLO}/cards/{CARD}?{QUERY}",
        {"idBoard": BOARD, "idList": LIST, "pos": "bottom"},
    ),
    Sent(
        "trello.add_comment",
        {"card_id": CARD, "text": "Sent"},
        "POST",
        f"{TRELLO}/cards/{CARD}/actions/comments?{QUERY}",
        {"text": "Sent"},
    ),
    Sent(
        "trello.add_label",
        {"card_id": CARD, "label_id": LIST},
        "POST",
        f"{TRELLO}/cards/{CARD}/idLabels?{QUERY}",
        {"value": LIST},
    ),
    Sent(
        "trello.add_member",
        {"card_id": CARD, "member_id": LIST},
        "POST",
        f"{TRELLO}/cards/{CARD}/idMembers?{QUERY}",
        {"value": LIST},
    ),
    Sent("trello.archive_card", {"card_id": CARD}, "PUT", f"{TRELLO}/cards/{CARD}?{QUERY}", {"closed": True}),
    Sent(
        "trello.find_card",
        {"text": "order 1001 & co", "board_id": BOARD},
        "GET",
        f"{TRELLO}/search?{QUERY}&query=order+1001+%26+co&idBoards={BOARD}&modelTypes=cards"
        "&card_fields=name%2Cdesc%2Cdue%2CdueComplete%2Cclosed%2CidBoard%2CidList%2Curl&cards_limit=10",
    ),
    Sent(
        "trello.list_due_cards",
        {"board_id": BOARD},
        "GET",
        f"{TRELLO}/boards/{BOARD}/cards/open?{QUERY}&fields=name%2Cdesc%2Cdue%2CdueComplete%2CidList%2CidMembers%2Curl",
    ),
    Sent(
        "asana.create_task",
        {"project": "12", "name": "A", "notes": "B", "assignee": "ada@example.com", "due_on": "2026-01-31"},
        "POST",
        f"{ASANA}/tasks",
        {
            "data": {
                "projects": ["12"],
                "name": "A",
                "notes": "B",
                "assignee": "ada@example.com",
                "due_on": "2026-01-31",
            }
        },
    ),
    Sent(
        "asana.update_task",
        {"task": 34, "name": "A", "due_at": "2026-01-31T12:00:00+01:00"},
        "PUT",
        f"{ASANA}/tasks/34",
        {"data": {"name": "A", "due_at": "2026-01-31T12:00:00+01:00"}},
    ),
    Sent("asana.complete_task", {"task": "34"}, "PUT", f"{ASANA}/tasks/34", {"data": {"completed": True}}),
    Sent(
        "asana.add_comment",
        {"task": "34", "text": "Sent"},
        "POST",
        f"{ASANA}/tasks/34/stories",
        {"data": {"text": "Sent"}},
    ),
    Sent(
        "asana.list_due_tasks",
        {"project": "12"},
        "GET",
        f"{ASANA}/projects/12/tasks?completed_since=now&opt_fields=name%2Cdue_on%2Cdue_at%2Ccompleted%2Cpermalink_url"
        "%2Cassignee.name%2Cassignee.email&limit=100",
    ),
    Sent("todoist.create_task", {"content": "A"}, "POST", f"{TODOIST}/tasks", {"content": "A"}),
    Sent(
        "todoist.create_task",
        {
            "content": "A",
            "description": "B",
            "project_id": "6Jf8",
            "section_id": "3Ty8",
            "labels": "shop, food",
            "priority": "4",
            "due_string": "tomorrow",
        },
        "POST",
        f"{TODOIST}/tasks",
        {
            "content": "A",
            "description": "B",
            "project_id": "6Jf8",
            "section_id": "3Ty8",
            "labels": ["shop", "food"],
            "priority": 4,
            "due_string": "tomorrow",
        },
    ),
    Sent("todoist.complete_task", {"task_id": "6X7r"}, "POST", f"{TODOIST}/tasks/6X7r/close"),
    Sent(
        "todoist.add_comment",
        {"task_id": "6X7r", "content": "Sent"},
        "POST",
        f"{TODOIST}/comments",
        {"task_id": "6X7r", "content": "Sent"},
    ),
    Sent(
        "todoist.list_due_tasks",
        {"hours": 8},
        "GET",
        f"{TODOIST}/tasks/filter?query=due+before%3A+%2B8+hours+%26+%21overdue&lang=en&limit=200",
    ),
    Sent(
        "todoist.list_due_tasks",
        {"overdue": True},
        "GET",
        f"{TODOIST}/tasks/filter?query=due+before%3A+%2B24+hours&lang=en&limit=200",
    ),
    Sent(
        "notion.create_page",
        {"data_source_id": SOURCE, "title": "A"},
        "POST",
        f"{NOTION}/pages",
        {"parent": {"type": "data_source_id", "data_source_id": SOURCE}, "properties": titled("A")},
    ),
    Sent(
        "notion.create_page",
        {"data_source_id": SOURCE, "title": "A", "properties": '{"Total": {"number": 5}}', "text": "B"},
        "POST",
        f"{NOTION}/pages",
        {
            "parent": {"type": "data_source_id", "data_source_id": SOURCE},
            "properties": {"Total": {"number": 5}, **titled("A")},
            "children": [block("paragraph", "B")],
        },
    ),
    Sent(
        "notion.update_page",
        {"page_id": PAGE, "properties": {"Total": {"number": 5}}},
        "PATCH",
        f"{NOTION}/pages/{PAGE}",
        {"properties": {"Total": {"number": 5}}},
    ),
    Sent(
        "notion.update_page",
        {"page_id": PAGE, "title": "A", "in_trash": True},
        "PATCH",
        f"{NOTION}/pages/{PAGE}",
        {"properties": titled("A"), "in_trash": True},
    ),
    Sent(
        "notion.append_text",
        {"page_id": PAGE.replace("-", ""), "text": "B", "style": "bulleted_list_item"},
        "PATCH",
        f"{NOTION}/blocks/{PAGE.replace('-', '')}/children",
        {"children": [block("bulleted_list_item", "B")]},
    ),
    Sent(
        "notion.find_page",
        {"title": "A"},
        "POST",
        f"{NOTION}/search",
        {"query": "A", "filter": {"property": "object", "value": "page"}, "page_size": 10},
    ),
    Sent(
        "notion.query",
        {"data_source_id": SOURCE, "filter": {"property": "Status"}, "page_size": 5},
        "POST",
        f"{NOTION}/data_sources/{SOURCE}/query",
        {"filter": {"property": "Status"}, "page_size": 5},
    ),
]
TASK = {"data": {"gid": "34", "permalink_url": "https://app.asana.com/0/12/34"}}
NOTION_PAGE = {"object": "page", "id": PAGE, "url": "https://www.notion.so/A-b55c"}
NOT_SHARED = {"object": "error", "status": 404, "code": "object_not_found", "message": "Could not find page"}
ANSWERED = [
    Answered(
        "trello.move_card",
        200,
        {"id": CARD, "url": "https://trello.com/c/x"},
        "succeeded",
        outputs={"id": CARD, "url": "https://trello.com/c/x"},
    ),
    Answered("trello.move_card", 400, "invalid id", "failed", "The answer was 400: invalid id"),
    Answered("trello.move_card", 401, "invalid token", "refused", "The answer was 401: invalid token"),
    Answered(
        "trello.move_card",
        404,
        "The requested resource was not found.",
        "failed",
        "The answer was 404: The requested resource was not found.",
    ),
    Answered(
        "trello.add_comment",
        429,
        {"error": "API_TOKEN_LIMIT_EXCEEDED"},
        "retry",
        'The answer was 429: {"error": "API_TOKEN_LIMIT_EXCEEDED"}',
    ),
    Answered("trello.add_label", 400, "that label is already on the card", "succeeded"),
    Answered("trello.add_member", 400, "member is already on the card", "succeeded"),
    Answered(
        "trello.add_member", 400, "invalid value for value", "failed", "The answer was 400: invalid value for value"
    ),
    Answered(
        "trello.find_card",
        200,
        {"cards": [{"id": CARD, "url": "u"}], "options": {}},
        "succeeded",
        outputs={"id": CARD, "url": "u", "cards": [{"id": CARD, "url": "u"}]},
    ),
    Answered("trello.find_card", 200, {"cards": []}, "succeeded", outputs={"cards": []}),
    Answered("trello.list_due_cards", 200, [], "succeeded", outputs={"cards": []}),
    Answered(
        "asana.create_task",
        201,
        TASK,
        "succeeded",
        outputs={"id": "34", "url": "https://app.asana.com/0/12/34"},
    ),
    Answered(
        "asana.create_task",
        400,
        {"errors": [{"message": "project: Not a recognized ID: 12"}]},
        "failed",
        "The answer was 400: project: Not a recognized ID: 12",
    ),
    Answered(
        "asana.complete_task",
        401,
        {"errors": [{"message": "Not Authorized"}]},
        "refused",
        "The answer was 401: Not Authorized",
    ),
    Answered(
        "asana.add_comment",
        429,
        {"errors": [{"message": "You have made too many requests recently."}]},
        "retry",
        "The answer was 429: You have made too many requests recently.",
        headers={"retry-after": "30"},
        retry_after="30",
    ),
    Answered("todoist.create_task", 200, {"id": "6X7r", "content": "A"}, "succeeded", outputs={"id": "6X7r"}),
    Answered("todoist.complete_task", 204, "", "succeeded"),
    Answered(
        "todoist.complete_task",
        404,
        {"error": "Task not found", "error_code": 478, "http_code": 404},
        "failed",
        "The answer was 404: Task not found",
    ),
    Answered("todoist.add_comment", 401, "Unauthorized", "refused", "The answer was 401: Unauthorized"),
    Answered(
        "todoist.list_due_tasks",
        200,
        {"results": [{"id": "6X7r"}], "next_cursor": None},
        "succeeded",
        outputs={"tasks": [{"id": "6X7r"}]},
    ),
    Answered(
        "notion.create_page", 200, NOTION_PAGE, "succeeded", outputs={"id": PAGE, "url": "https://www.notion.so/A-b55c"}
    ),
    Answered("notion.append_text", 404, NOT_SHARED, "failed", "The answer was 404: Could not find page"),
    Answered(
        "notion.update_page",
        409,
        {"code": "conflict_error", "message": "Conflict occurred while saving."},
        "retry",
        "The answer was 409: Conflict occurred while saving.",
    ),
    Answered(
        "notion.query",
        429,
        {"code": "rate_limited", "message": "Slow down"},
        "retry",
        "The answer was 429: Slow down",
        headers={"retry-after": "2"},
        retry_after="2",
    ),
    Answered(
        "notion.find_page",
        401,
        {"code": "unauthorized", "message": "API token is invalid."},
        "refused",
        "The answer was 401: API token is invalid.",
    ),
    Answered(
        "notion.query",
        200,
        {"results": [NOTION_PAGE], "has_more": False, "next_cursor": None},
        "succeeded",
        outputs={"id": PAGE, "pages": [NOTION_PAGE], "has_more": False},
    ),
]


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.id)
def test_requests(case: Sent) -> None:
    connector, _ = registry.find(case.action)

    request = check_sent(case, CONNECTIONS[connector.key])

    if connector.key in BEARERS:
        assert request.headers["Authorization"] == f"Bearer {CONNECTIONS[connector.key]['token']}"
    if connector.key == "notion":
        assert request.headers["Notion-Version"] == "2025-09-03"


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
        ("trello.add_comment", {"card_id": CARD, "text": "x" * 16_385}, "Comment has 16385 characters"),
        ("trello.archive_card", {"card_id": "../boards"}, "Card doesn't look right"),
        ("trello.list_due_cards", {"board_id": BOARD, "hours": 0}, "Hours must be at least 1"),
        ("trello.update_card", {"card_id": CARD, "due": "soon"}, "Due must be a date and time"),
        ("asana.create_task", {"project": "12", "name": ""}, "Name is empty"),
        ("asana.update_task", {"task": "34", "due_on": "2026-02-30"}, "Due date must be a date"),
        ("todoist.create_task", {"content": "A", "priority": 5}, "Priority must be at most 4"),
        ("todoist.create_task", {"content": "x" * 501}, "Name has 501 characters"),
        ("notion.append_text", {"page_id": PAGE, "text": "x" * 2001}, "Text has 2001 characters"),
        ("notion.create_page", {"data_source_id": "orders", "title": "A"}, "Database doesn't look right"),
        ("notion.query", {"data_source_id": SOURCE, "page_size": 101}, "Number of pages must be at most 100"),
    ],
)
def test_limits_of_the_services(action: str, inputs: dict[str, Any], message: str) -> None:
    connector, _ = registry.find(action)

    with pytest.raises(RequestRefused, match=message):
        build(action, inputs, CONNECTIONS[connector.key])


# What is due


def at(hours: float) -> str:
    """The time in a number of hours, as Trello and Asana write it."""
    return (datetime.now(UTC) + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def keys(rows: list[dict[str, Any]]) -> str:
    return "".join(row["name"] for row in rows)


CARDS = [
    {"name": "a", "due": at(23.9), "dueComplete": False},
    {"name": "b", "due": at(1), "dueComplete": False},
    {"name": "c", "due": at(2), "dueComplete": True},
    {"name": "d", "due": None, "dueComplete": False},
    {"name": "e", "due": at(30), "dueComplete": False},
    {"name": "f", "due": at(-1), "dueComplete": False},
]


@pytest.mark.parametrize(
    ("inputs", "found"),
    [({}, "ba"), ({"overdue": True}, "fba"), ({"hours": 1.5 * 48}, "bae"), ({"hours": "2"}, "b")],
)
def test_cards_that_are_due(inputs: dict[str, Any], found: str) -> None:
    verdict = judge("trello.list_due_cards", 200, CARDS, inputs={"board_id": BOARD, **inputs})

    assert keys(verdict.outputs["cards"]) == found


TASKS = [
    {"name": "a", "due_at": at(5), "due_on": at(5)[:10]},
    {"name": "b", "due_at": None, "due_on": at(24)[:10]},
    {"name": "c", "due_at": None, "due_on": at(48)[:10]},
    {"name": "d", "due_at": None, "due_on": None},
    {"name": "e", "due_at": at(25), "due_on": at(25)[:10]},
    {"name": "f", "due_at": None, "due_on": at(-25)[:10]},
    {"name": "g", "due_at": at(-2), "due_on": at(-2)[:10]},
]


@pytest.mark.parametrize(("inputs", "found"), [({}, "ab"), ({"overdue": True}, "agbf"), ({"hours": 49}, "aebc")])
def test_tasks_that_are_due(inputs: dict[str, Any], found: str) -> None:
    verdict = judge("asana.list_due_tasks", 200, {"data": TASKS}, inputs={"project": "12", **inputs})

    assert keys(verdict.outputs["tasks"]) == found


@pytest.mark.parametrize("body", [{"error": "?"}, "no JSON", [{"due": 5}], [None], {"data": [{"due_at": {}}]}])
@pytest.mark.parametrize("action", ["trello.list_due_cards", "asana.list_due_tasks"])
def test_an_answer_of_another_form_is_a_failure_or_nothing(action: str, body: Any) -> None:
    verdict = judge(action, 200, body)

    found = next((value for key, value in verdict.outputs.items() if key in ("cards", "tasks")), None)
    assert (verdict.kind, found) == ("succeeded", []) or (
        verdict.kind == "failed" and verdict.message.startswith("The answer was 200, but it is not as expected: ")
    )
