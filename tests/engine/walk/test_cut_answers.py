"""Truncated answers fail the steps that use their body, and no others."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.support.walking import POST, Recorder, answer, walk, work_item

CUT = "the answer was cut at 256 KiB"
TYPES = ["application/json", "application/problem+json", "text/plain", "application/xml", "text/csv", ""]


def after(step: dict[str, Any], kind: str) -> Any:
    said = answer(200, b'{"id": "A1", "x": "', **{"content-type": kind})
    return walk(work_item(POST, step), Recorder(replace(said, truncated=True, fault=CUT)))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "template",
    [
        "{{ steps.send.body }}",
        "{{ steps.send.body.id }}",
        "got {{ steps.send.body }}",
        "{{ steps.send['body'] | length }}",
        "{% for a in steps.send.body %}{{ a }}{% endfor %}",
    ],
)
def test_the_body_of_a_cut_answer_fails_who_uses_it(kind: str, template: str) -> None:
    outcome = after({"id": "s", "kind": "set", "values": {"x": template}}, kind)

    assert outcome.state == "failed"
    assert f"is missing ({CUT})" in outcome.reason


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ steps.send.status }}", 200),
        ("{{ steps.send.headers['content-type'] }}", "application/json"),
        ("{{ steps.send.body_start }}", '{"id": "A1", "x": "'),
        ("{{ steps.send.body_error }}", CUT),
        ("{{ steps.send.body | default('none') }}", "none"),
        ("{{ steps.send.body is defined }}", False),
    ],
)
def test_all_else_of_a_cut_answer_can_be_used(template: str, value: Any) -> None:
    outcome = after({"id": "s", "kind": "set", "values": {"x": template}}, "application/json")

    assert outcome.state == "succeeded", outcome.reason
    assert outcome.trail[-1].outputs == {"x": value}
    assert json.loads(msgspec.json.encode(outcome.trail))[-1]["outputs"] == {"x": value}


def test_an_answer_that_cannot_be_unpacked_says_so_in_the_reason_of_a_failure() -> None:
    fault = "the body is packed with gzip, and ends too early"

    outcome = walk(work_item({**POST, "retry": {"delays": []}}), Recorder(replace(answer(422), fault=fault)))

    assert outcome.reason == f"The answer was 422, and {fault}"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("https://new.example/orders", "https://new.example/orders"),
        ("/elsewhere?a=1", "/elsewhere?a=1"),
        ("https://ada:pw@new.example/?api_key=s3cret&b=1", "https://••••••@new.example/?api_key=••••••&b=1"),
    ],
)
def test_a_redirect_says_where_to(status: int, location: str, told: str) -> None:
    outcome = walk(work_item({**POST, "retry": {"delays": []}}), Recorder(answer(status, location=location)))

    assert outcome.reason == f"The answer was {status} to {told}; redirects are not followed"


def test_other_answers_with_a_location_are_no_redirects() -> None:
    outcome = walk(work_item({**POST, "retry": {"delays": []}}), Recorder(answer(404, b"no", location="/x")))

    assert outcome.reason == "The answer was 404: no"
