"""Tests the requests and answers of GitHub."""

from __future__ import annotations

from typing import Any

import pytest

from relay import redaction
from relay.connectors import registry
from relay.connectors.masked_request import outline, shown_connection
from relay.errors import RequestRefused
from tests.support.service_cases import Answered, Sent, build, check_answered, check_sent

TOKEN = {"token": "github_pat_0123456789SECRETSECRET"}
SHOP = "https://api.github.com/repos/acme/shop.js"
HERE = {"repository": "acme/shop.js"}

SENT = [
    Sent("github.create_issue", {**HERE, "title": "A"}, "POST", f"{SHOP}/issues", {"title": "A"}),
    Sent(
        "github.create_issue",
        {**HERE, "title": "A", "body": "B", "labels": "bug, shop", "assignees": ["ada"]},
        "POST",
        f"{SHOP}/issues",
        {"title": "A", "body": "B", "labels": ["bug", "shop"], "assignees": ["ada"]},
    ),
    Sent(
        "github.add_comment",
        {**HERE, "number": "42", "body": "B"},
        "POST",
        f"{SHOP}/issues/42/comments",
        {"body": "B"},
    ),
    Sent(
        "github.close_issue",
        {**HERE, "number": 42},
        "PATCH",
        f"{SHOP}/issues/42",
        {"state": "closed", "state_reason": "completed"},
    ),
    Sent(
        "github.close_issue",
        {**HERE, "number": 42, "reason": "not_planned"},
        "PATCH",
        f"{SHOP}/issues/42",
        {"state": "closed", "state_reason": "not_planned"},
    ),
    Sent("github.reopen_issue", {**HERE, "number": 42}, "PATCH", f"{SHOP}/issues/42", {"state": "open"}),
    Sent(
        "github.add_labels",
        {**HERE, "number": 42, "labels": ["bug"]},
        "POST",
        f"{SHOP}/issues/42/labels",
        {"labels": ["bug"]},
    ),
    Sent(
        "github.find_issue",
        {**HERE, "text": "counted & twice"},
        "GET",
        "https://api.github.com/search/issues"
        "?q=repo%3Aacme%2Fshop.js+is%3Aissue+is%3Aopen+counted+%26+twice&per_page=10",
    ),
    Sent(
        "github.find_issue",
        {**HERE, "text": "label:bug", "state": "any"},
        "GET",
        "https://api.github.com/search/issues?q=repo%3Aacme%2Fshop.js+is%3Aissue+label%3Abug&per_page=10",
    ),
    Sent(
        "github.dispatch_workflow",
        {**HERE, "workflow": "deploy.yml"},
        "POST",
        f"{SHOP}/actions/workflows/deploy.yml/dispatches",
        {"ref": "main"},
    ),
    Sent(
        "github.dispatch_workflow",
        {**HERE, "workflow": 161335, "ref": "v1.2", "inputs": {"environment": "test"}},
        "POST",
        f"{SHOP}/actions/workflows/161335/dispatches",
        {"ref": "v1.2", "inputs": {"environment": "test"}},
    ),
]
ISSUE = {"number": 42, "html_url": "https://github.com/acme/shop/issues/42", "state": "open", "title": "A"}
CHANGED = {"number": 42, "url": "https://github.com/acme/shop/issues/42", "state": "open"}
LIMIT = "API rate limit exceeded for user ID 1."
ANSWERED = [
    Answered("github.create_issue", 201, ISSUE, "succeeded", outputs=CHANGED),
    Answered(
        "github.create_issue",
        422,
        {"message": "Validation Failed", "errors": [{"code": "missing_field", "field": "title"}]},
        "failed",
        "The answer was 422: Validation Failed",
    ),
    Answered(
        "github.create_issue",
        403,
        {"message": "Resource not accessible by personal access token"},
        "failed",
        "The answer was 403: Resource not accessible by personal access token",
        headers={"x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1060"},
    ),
    Answered(
        "github.create_issue",
        403,
        {"message": LIMIT},
        "retry",
        f"The answer was 403: {LIMIT}",
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1060"},
        retry_after="60.000",
    ),
    Answered(
        "github.add_comment",
        403,
        {"message": "You have exceeded a secondary rate limit."},
        "retry",
        "The answer was 403: You have exceeded a secondary rate limit.",
        headers={"retry-after": "90", "x-ratelimit-remaining": "100", "x-ratelimit-reset": "1060"},
        retry_after="90",
    ),
    Answered(
        "github.add_comment", 401, {"message": "Bad credentials"}, "refused", "The answer was 401: Bad credentials"
    ),
    Answered(
        "github.add_comment",
        410,
        {"message": "Issues are disabled for this repo"},
        "failed",
        "The answer was 410: Issues are disabled for this repo",
    ),
    Answered(
        "github.add_comment",
        201,
        {"id": 7, "html_url": "https://github.com/x"},
        "succeeded",
        outputs={"id": 7, "url": "https://github.com/x"},
    ),
    Answered("github.close_issue", 404, {"message": "Not Found"}, "failed", "The answer was 404: Not Found"),
    Answered("github.reopen_issue", 200, ISSUE, "succeeded", outputs=CHANGED),
    Answered("github.add_labels", 200, [{"name": "bug"}], "succeeded"),
    Answered(
        "github.find_issue",
        200,
        {"total_count": 1, "items": [ISSUE]},
        "succeeded",
        outputs={"count": 1, "number": 42, "url": ISSUE["html_url"], "issues": [ISSUE]},
    ),
    Answered(
        "github.find_issue", 200, {"total_count": 0, "items": []}, "succeeded", outputs={"count": 0, "issues": []}
    ),
    Answered("github.dispatch_workflow", 204, "", "succeeded"),
    Answered(
        "github.dispatch_workflow",
        422,
        {"message": "Workflow does not have 'workflow_dispatch' trigger"},
        "failed",
        "The answer was 422: Workflow does not have 'workflow_dispatch' trigger",
    ),
]


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.id)
def test_requests(case: Sent) -> None:
    request = check_sent(case, TOKEN)

    assert request.headers["Authorization"] == f"Bearer {TOKEN['token']}"
    assert request.headers["Accept"] == "application/vnd.github+json"
    assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: case.id)
def test_answers(case: Answered) -> None:
    check_answered(case)


@pytest.mark.parametrize("case", SENT, ids=lambda case: case.id)
def test_what_is_shown_has_no_secret(case: Sent) -> None:
    connector, action = registry.find(case.action)
    public = shown_connection(connector, TOKEN)

    shown = redaction.request_record(outline(connector, action, case.inputs, public, key="k"), ())

    assert "SECRET" not in str(shown)


@pytest.mark.parametrize(
    ("action", "inputs", "message"),
    [
        ("github.create_issue", {"repository": "acme", "title": "A"}, "Repository doesn't look right"),
        ("github.create_issue", {"repository": "../..", "title": "A"}, "Repository doesn't look right"),
        ("github.create_issue", {"repository": "acme/..", "title": "A"}, "leads to another address"),
        ("github.create_issue", {"repository": "acme/a/b", "title": "A"}, "Repository doesn't look right"),
        ("github.create_issue", {**HERE, "title": "x" * 257}, "Title has 257 characters"),
        ("github.create_issue", {**HERE, "title": "A", "assignees": list("abcdefghijk")}, "Assigned to has 11 items"),
        ("github.add_comment", {**HERE, "number": "4.5", "body": "B"}, "Issue must be a whole number"),
        ("github.dispatch_workflow", {**HERE, "workflow": "../../issues"}, "Workflow doesn't look right"),
    ],
)
def test_limits_of_the_service(action: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(RequestRefused, match=message):
        build(action, inputs, TOKEN)
