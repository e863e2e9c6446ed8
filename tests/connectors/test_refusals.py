"""Tests the reasons with which actions refuse inputs that don't fit what their service has."""

from __future__ import annotations

from typing import Any

import pytest

from relay.connectors import masked_request, request_builder, status_checks
from relay.connectors.definition import Action, BearerAuth, Connector, Field, Inquiry
from relay.errors import ActionRefused
from relay.masking import MASK

INPUTS = (Field("name", "Name", example="a"),)
HAS_NO = "{% if inputs.name not in calls.list.body %}There is no “{{ inputs.name }}”{% endif %}"
TOKEN = "SECRETSECRETSECRET"


def connector(refuse: str, **more: Any) -> Connector:
    action = Action(
        "save", "Save", inputs=INPUTS, url="/things", json={"n": "{{ inputs.name }}"}, refuse=refuse, **more
    )
    return Connector(
        "acme",
        "Acme",
        connection=(Field("token", "Token", required=True, secret=True),),
        hosts=("api.acme.example",),
        base_url="https://api.acme.example",
        auth=BearerAuth(),
        actions=(action,),
    )


def build(refuse: str, name: str = "a", known: Any = ("a",)) -> Any:
    acme = connector(refuse)
    names = {"calls": {"list": {"status": 200, "body": list(known)}}}
    return request_builder.build(acme, acme.actions[0], {"name": name}, {"token": TOKEN}, key="k", names=names)


@pytest.mark.parametrize("refuse", ["", HAS_NO, "  \n "])
def test_without_a_reason_the_request_is_made(refuse: str) -> None:
    assert build(refuse).body == b'{"n":"a"}'


def test_the_reason_is_the_error() -> None:
    with pytest.raises(ActionRefused, match=r"^There is no “b”$"):
        build(HAS_NO, "b")


def test_a_reason_sees_no_value_of_the_connection() -> None:
    with pytest.raises(ActionRefused, match=r"connection\.token"):
        build("{{ connection.token }}")


def test_a_reason_has_the_limits_of_templates() -> None:
    with pytest.raises(ActionRefused, match="limit: work"):
        build("{% for a in range(90000) %}{% for b in range(90000) %}{% endfor %}{% endfor %}")


@pytest.mark.parametrize(("name", "is_shown"), [("a", True), (MASK, False), (f"x{MASK}", False)])
def test_a_reason_that_depends_on_a_secret_is_not_one(name: str, is_shown: bool) -> None:
    acme = connector(HAS_NO)
    names = {"calls": {"list": {"status": 200, "body": ["a"]}}}
    public = masked_request.shown_connection(acme, {"token": TOKEN})

    found = masked_request.outline(acme, acme.actions[0], {"name": name}, public, key="k", names=names)

    assert (found is not masked_request.NOTHING) is is_shown


def test_the_outline_of_a_refused_request_says_why_beside_a_connection() -> None:
    acme = connector(HAS_NO)
    names = {"calls": {"list": {"status": 200, "body": ["a"]}}}
    public = masked_request.shown_connection(acme, {"token": TOKEN})

    with pytest.raises(ActionRefused, match="There is no “b”"):
        masked_request.outline(acme, acme.actions[0], {"name": "b"}, public, key="k", names=names)


def test_an_inquiry_about_what_was_sent_is_not_refused() -> None:
    inquiry = Inquiry(url="/things/1", about=("name", "{{ inputs.name }}"), made="id")
    asking = status_checks.inquiry_action(connector(HAS_NO, inquiry=inquiry, repeatable=False).actions[0])

    assert asking.refuse == ""
