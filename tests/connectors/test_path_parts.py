"""Tests that a value in the path of a URL stays one part, and never leads to another address."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.connectors import path_parts, registry, request_builder
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.intake.event_data import EventData
from relay.errors import ValueRefused
from relay.flows.checks.validation import parse_document

PLAIN = "https://h.example/api/{{ event.body.x }}/issues"
ENCODED = "https://h.example/api/{{ event.body.x | urlencode }}/issues"
PATH = "https://h.example/api/{{ event.body.x | urlencode_path }}/issues"


def tried(url: str, value: Any) -> dict[str, Any]:
    """The only step of a dry run: the request that it would send, or its error."""
    step = {"id": "s", "kind": "action", "action": "http.request", "inputs": {"url": url}}
    document = parse_document({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [step]})
    entry: dict[str, Any] = dry_run(document, EventData.from_json({"body": {"x": value}}), DryRunContext("F"))["steps"][
        0
    ]
    return entry


@pytest.mark.parametrize(
    ("url", "value"),
    [
        (PLAIN, ".."),
        (PLAIN, "."),
        (PLAIN, "../admin"),
        (PLAIN, "a/../../admin"),
        (PLAIN, "%2e%2e"),
        (PLAIN, ".%2E"),
        (PLAIN, "%252e%252e"),
        (PLAIN, "..;"),
        (PLAIN, "..;x=1"),
        (PLAIN, "..%3Bx"),
        (PLAIN, "..%20"),
        (PLAIN, "\uff0e\uff0e"),
        (PLAIN, "..?a=1"),
        (PLAIN, "..#a"),
        (ENCODED, ".."),
        (ENCODED, "."),
        (ENCODED, "%2e%2e"),
        (ENCODED, "..;"),
        (ENCODED, "../"),
        (ENCODED, "../.."),
        (ENCODED, "..\\"),
        (ENCODED, ".. "),
        (PATH, "../admin"),
        (PATH, "docs/./b"),
        ("https://h.example/api/.{{ event.body.x }}/issues", "."),
        ("https://h.example/api/{{ event.body.x }}./issues", "."),
        ("https://h.example/api/{{ event.body.x }}", ".."),
        ("https://h.example/api/{{ event.body.x }}?a=1", ".."),
        ("{{ 'https://h.example/api/' ~ event.body.x }}", ".."),
        ("{{ event.body.x }}", "https://h.example/api/../admin"),
        ("{% if true %}https://h.example/api/..{% endif %}", ""),
    ],
)
def test_a_dot_part_that_a_template_made_fails_before_it_is_sent(url: str, value: str) -> None:
    entry = tried(url, value)

    assert entry["state"] == "failed"
    assert "The path of the URL has a part that is “." in entry["error"]


@pytest.mark.parametrize(
    ("url", "value", "called"),
    [
        (ENCODED, "group/proj", "https://h.example/api/group%2Fproj/issues"),
        (ENCODED, "../admin", "https://h.example/api/..%2Fadmin/issues"),
        (ENCODED, "ö/ü", "https://h.example/api/%C3%B6%2F%C3%BC/issues"),
        (ENCODED, "a?b#c;d", "https://h.example/api/a%3Fb%23c%3Bd/issues"),
        (ENCODED, "100%", "https://h.example/api/100%25/issues"),
        (ENCODED, "...", "https://h.example/api/.../issues"),
        (ENCODED, "v1.2..3", "https://h.example/api/v1.2..3/issues"),
        (PATH, "group/proj x", "https://h.example/api/group/proj%20x/issues"),
        (PLAIN, "group/proj", "https://h.example/api/group/proj/issues"),
        (PLAIN, "x?next=/a/../b", "https://h.example/api/x?next=/a/../b/issues"),
        ("https://h.example/?q={{ event.body.x }}", "..", "https://h.example/?q=.."),
        ("{{ event.body.x }}", "https://other.example:8443/a/b?c=d", "https://other.example:8443/a/b?c=d"),
        ("{{ event.body.x }}/v2", "https://other.example", "https://other.example/v2"),
        ("https://h.example/a/../b", "", "https://h.example/b"),
    ],
)
def test_other_values_are_sent_as_they_are_written(url: str, value: str, called: str) -> None:
    entry = tried(url, value)

    assert (entry.get("error"), entry["request"]["url"]) == (None, called)


@pytest.mark.parametrize("value", ["..", ".", "%2e%2e", "..;x"])
def test_actions_of_services_refuse_dot_parts_too(value: str) -> None:
    connector, action = registry.find("easypost.buy_label")
    loose = replace(action, inputs=tuple(replace(one, pattern="") for one in action.inputs))

    with pytest.raises(ValueRefused, match="The path of the URL has a part"):
        request_builder.build(connector, loose, {"shipment_id": value, "rate_id": "r"}, {"api_key": "k"}, key="k")


def test_an_author_writes_dots_without_a_template() -> None:
    _, action = registry.find("http.request")

    path_parts.check_written(action, {"url": "https://h.example/a/../b"}, {"url": "https://h.example/a/../b"})
