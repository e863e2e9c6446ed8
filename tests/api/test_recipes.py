"""Recipes in the API."""

from __future__ import annotations

from typing import Any

import pytest

from relay.engine.configuration.connections import set_connection
from relay.models import Flow, Workspace
from relay.recipes import loader
from tests.api.conftest import Caller
from tests.support.recipe_services import CONNECTIONS


def test_recipes_are_listed_and_shown(reader: Caller) -> None:
    listed = reader("GET", "/recipes")["recipes"]

    one = reader("GET", "/recipes/low-stock")

    assert {one["slug"] for one in listed} == {one.slug for one in loader.list_recipes()}
    assert {"slug", "title", "job", "summary"} == listed[0].keys()
    assert one["document"]["constants"]["threshold"] == 3
    assert one["samples"][0]["expect"]["state"] == "succeeded"


def test_a_flow_is_made_of_one(call: Caller, workspace: Workspace) -> None:
    set_connection(workspace, "Ops", *CONNECTIONS["Slack"])

    made = call("POST", "/recipes/low-stock/use?publish_it=true", {"constants": {"threshold": 5}})

    flow = Flow.objects.get(pk=made["id"])
    assert (made["state"], made["missing"]) == ("live", [])
    assert made["live"]["document"]["constants"]["threshold"] == 5
    assert made["live"]["document"]["steps"][-1]["connection"] == "Ops"
    assert flow.samples.count() == 4


def test_what_is_missing_is_named(call: Caller) -> None:
    made = call("POST", "/recipes/lead-to-crm/use?publish_it=true")

    assert made["state"] == "draft"
    assert made["missing"][0] == "Sender of mails (the constant mail_from)"
    assert len(made["missing"]) == 4


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("nonsense", {}, 404, ""),
        ("low-stock", {"constants": []}, 422, "The body is"),
        ("low-stock", {"colour": "red"}, 422, "The body is"),
        ("low-stock", {"constants": {"threshold": "many"}}, 422, "The constant threshold is a number"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Caller, path: str, body: Any, status: int, error: str) -> None:
    said = call("POST", f"/recipes/{path}/use", body, status=status)

    assert error in said["error"]
    assert not Flow.objects.exists()


def test_a_reading_token_creates_none(reader: Caller) -> None:
    reader("POST", "/recipes/low-stock/use", {}, status=403)

    assert not Flow.objects.exists()
