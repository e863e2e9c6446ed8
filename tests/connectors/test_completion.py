"""Tests that a connector completes its actions and calls with what they share."""

from __future__ import annotations

import dataclasses

import pytest

from relay.connectors import request_builder, status_checks
from relay.connectors.definition import (
    Action,
    Auth,
    BasicAuth,
    BearerAuth,
    Call,
    ConnectionTest,
    Connector,
    Field,
    HeaderAuth,
    Inquiry,
    NoAuth,
    OAuth2,
    OptionSource,
    QueryAuth,
    Reply,
)
from relay.outbound import Request

BASE = "https://api.example.com/v1"
VALUES = {"token": "t0k3n", "access_token": "acc3ss"}
CALL = Call("all", "All", url="/all")


def connector(*actions: Action, auth: Auth = NoAuth(), **shared: object) -> Connector:  # noqa: B008
    fields = tuple(Field(key, key.title(), secret=True) for key in VALUES)
    parts = {"base_url": BASE, "hosts": ("api.example.com",), **shared}
    return Connector("x", "X", actions, connection=fields, auth=auth, **parts)  # type: ignore[arg-type]


def request(made: Connector, action: Action | None = None) -> Request:
    return request_builder.build(made, action or made.actions[0], {"id": "7"}, VALUES, key="k")


@pytest.mark.parametrize(
    ("url", "called"),
    [("/things", f"{BASE}/things"), ("https://api.example.com/v2/x", "https://api.example.com/v2/x")],
)
def test_a_path_follows_the_base_url(url: str, called: str) -> None:
    assert request(connector(Action("a", "A", url=url))).url == called


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        (HeaderAuth("X-Token", "{{ connection.token }}"), "X-Token", "t0k3n"),
        (BearerAuth(), "Authorization", "Bearer t0k3n"),
        (BearerAuth("{{ connection.access_token }}", "Token"), "Authorization", "Token acc3ss"),
        (BasicAuth("u", "{{ connection.token }}"), "Authorization", "Basic dTp0MGszbg=="),
        (OAuth2("https://api.example.com/token"), "Authorization", "Bearer acc3ss"),
        (OAuth2("https://api.example.com/token", header="X-T", value="{{ connection.access_token }}"), "X-T", "acc3ss"),
    ],
)
def test_each_auth_adds_its_header(auth: Auth, name: str, value: str) -> None:
    assert request(connector(Action("a", "A", url="/x"), auth=auth)).headers[name] == value


def test_a_query_auth_adds_its_parameters() -> None:
    made = connector(Action("a", "A", url="/x", query={"page": 1}), auth=QueryAuth({"key": "{{ connection.token }}"}))

    assert request(made).url == f"{BASE}/x?key=t0k3n&page=1"


def test_the_entries_of_an_action_replace_shared_ones_of_the_same_name() -> None:
    own = Action("a", "A", url="/x", headers={"Accept": "text/csv"}, query={"v": "2"}, basic=("me", "pw"))
    made = connector(own, headers={"Accept": "a/b", "X-One": "1"}, query={"v": "1"}, auth=BasicAuth("you", "no"))

    sent = request(made)

    assert (sent.headers["Accept"], sent.headers["X-One"]) == ("text/csv", "1")
    assert sent.url == f"{BASE}/x?v=2"
    assert sent.headers["Authorization"] == "Basic bWU6cHc="


def test_headers_that_are_an_input_take_no_shared_ones() -> None:
    made = connector(Action("a", "A", url="/x", headers="{{ inputs.id }}"), headers={"Accept": "a/b"})

    assert made.actions[0].headers == "{{ inputs.id }}"


def test_a_reply_is_shared_unless_the_action_has_one() -> None:
    shared, own = Reply(ok="ok"), Reply(error="message")

    made = connector(Action("a", "A", url="/x"), Action("b", "B", url="/x", reply=own), reply=shared)

    assert [action.reply for action in made.actions] == [shared, own]


def test_an_inquiry_is_completed_with_its_action() -> None:
    inquiry = Inquiry(url="/things/{{ inputs.id | urlencode }}", about=("id", "{{ inputs.id }}"), made="done")
    action = Action("a", "A", inputs=(Field("id", "Id"),), url="/things", inquiry=inquiry, repeatable=False)
    made = connector(action, auth=QueryAuth({"key": "{{ connection.token }}"}))

    asked = request(made, status_checks.inquiry_action(made.actions[0]))

    assert (asked.method, asked.url) == ("GET", f"{BASE}/things/7?key=t0k3n")


def test_calls_before_an_action_of_sources_and_of_the_test_are_completed() -> None:
    made = connector(
        Action("a", "A", url="/x", before=(CALL,)),
        auth=BearerAuth(),
        sources=(OptionSource("all", CALL),),
        test=ConnectionTest(CALL, "{{ body.name }}"),
        reply=Reply(ok="ok"),
    )

    assert made.test is not None
    for call in (*made.actions[0].before, made.sources[0].call, made.test.call):
        assert call.url == f"{BASE}/all"
        assert call.headers == {"Authorization": "Bearer {{ connection.token }}"}
        assert call.reply == Reply(ok="ok")
    assert made.source("all") is made.sources[0]


def test_completing_twice_changes_nothing() -> None:
    made = connector(Action("a", "A", url="/x"), auth=BearerAuth(), query={"v": "1"})

    again = dataclasses.replace(made)

    assert request(again) == request(made)
