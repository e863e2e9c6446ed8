"""Tests of the editor's form parser: malformed input is kept or reported, and never breaks anything."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import QueryDict

from relay.errors import RelayError
from relay.models import Flow
from relay.web.editor import draft_edits, draft_saving
from relay.web.ui import form_rows
from tests.web.conftest import posted, read_form


def step_from(step: dict[str, Any], data: QueryDict) -> dict[str, Any]:
    document = draft_edits.editable_copy({"steps": [{"id": "one", **step}]})
    data["step"], data["form"] = "one", "1"
    read_form(document, data)
    step_read: dict[str, Any] = document["steps"][0]
    return step_read


def test_the_rows_of_a_filter() -> None:
    data = posted(join="any", left=["{{ event.body.total }}", "x"], op=["greater_than", "is_empty"], right=["20", ""])

    step = step_from({"kind": "filter"}, data)

    assert step["when"] == {
        "any": [
            {"left": "{{ event.body.total }}", "op": "greater_than", "right": "20"},
            {"left": "x", "op": "is_empty"},
        ]
    }


@pytest.mark.parametrize(
    ("op", "right", "kept"),
    [
        ("equals", "20", 20),  # as it was, so it stays a number
        ("equals", "21", "21"),
        ("in", "EUR, USD", ["EUR", "USD"]),
        ("not_in", "{{ event.body.codes }}", "{{ event.body.codes }}"),
    ],
)
def test_the_right_side_of_a_rule(op: str, right: str, kept: Any) -> None:
    former = {"all": [{"left": "a", "op": "equals", "right": 20}]}

    step = step_from({"kind": "filter", "when": former}, posted(left="a", op=op, right=right))

    assert step["when"]["all"][0]["right"] == kept


def test_a_condition_of_groups_is_edited_as_json() -> None:
    step = step_from({"kind": "filter"}, posted(when='{"not": {"left": "a", "op": "exists"}}'))

    assert step["when"] == {"not": {"left": "a", "op": "exists"}}
    assert step_from(step, posted(when='{"not": '))["when"] == '{"not": '


def test_values_keep_their_kind_where_their_text_is_unchanged() -> None:
    former = {"count": 3, "list": [1, 2], "text": "3"}
    data = posted(**{"values.key": ["count", "list", "text", ""], "values.value": ["3", "1, 2", "3", ""]})

    assert step_from({"kind": "set", "values": former}, data)["values"] == former


def test_a_name_used_twice_loses_nothing() -> None:
    data = posted(**{"values.key": ["a", "a", ""], "values.value": ["1", "2", "3"]})

    assert step_from({"kind": "set"}, data)["values"] == {"a": "1", "a_2": "2", "value": "3"}


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        ({"in.body.kind": ""}, None),
        (
            {"in.body.kind": "json", "in.body.text": '{"a": "{{ event.body.a }}"}'},
            {"json": {"a": "{{ event.body.a }}"}},
        ),
        ({"in.body.kind": "json", "in.body.text": ""}, {"json": {}}),
        ({"in.body.kind": "json", "in.body.text": "{not json"}, {"json": "{not json"}),
        ({"in.body.kind": "form", "in.body.form.key": ["a"], "in.body.form.value": ["1"]}, {"form": {"a": "1"}}),
        ({"in.body.kind": "text", "in.body.text": "hi", "in.body.type": ""}, {"text": "hi", "type": "text/plain"}),
        ({"in.body.kind": "else"}, None),
    ],
)
def test_the_body_of_a_request(sent: dict[str, Any], body: Any) -> None:
    step = step_from({"kind": "action", "action": "http.request"}, posted(**sent))

    assert step["inputs"].get("body") == body


def test_an_actions_fields() -> None:
    data = posted(
        **{"in.text": "Hi\r\nthere\x00", "in.channel": "", "in.title": "T", "retry": "10s, 1m", "name": " Say "}
    )

    step = step_from({"kind": "action", "action": "inbox.post"}, data)

    assert step["inputs"] == {"text": "Hi\nthere", "title": "T"}
    assert step["retry"] == {"delays": ["10s", "1m"]}
    assert step["name"] == "Say"
    assert "on_error" not in step


def test_fields_that_the_action_does_not_have_are_left_out() -> None:
    data = posted(**{"in.__class__": "x", "in.": "y", "kind": "set", "id": "other", "disabled": "1", "in.text": "t"})

    step = step_from({"kind": "action", "action": "inbox.post"}, data)

    assert step == {"id": "one", "kind": "action", "action": "inbox.post", "inputs": {"text": "t"}}


def test_an_unknown_action_keeps_what_it_had() -> None:
    step = step_from({"kind": "action", "action": "gone.away", "inputs": {"a": 1}}, posted(**{"in.a": "2"}))

    assert step["inputs"] == {"a": 1}


def test_too_many_rows_are_refused() -> None:
    many = [""] * (form_rows.MAX_ROWS + 1)

    with pytest.raises(RelayError, match="may have 100 rows"):
        step_from({"kind": "filter"}, posted(left=many, op=many, right=many))


def test_a_value_that_is_too_long_is_cut() -> None:
    step = step_from({"kind": "action", "action": "inbox.post"}, posted(**{"in.text": "x" * 200_000}))

    assert len(step["inputs"]["text"]) == 100_000


@pytest.mark.parametrize("data", [{}, {"left": ["a", "b"]}, {"op": ["equals"] * 3}, {"right": "x"}, {"join": "none"}])
def test_incomplete_rows_are_completed(data: dict[str, Any]) -> None:
    step = step_from({"kind": "filter"}, posted(**data))

    assert all(set(rule) == {"left", "op", "right"} for rule in step["when"]["all"])


@pytest.mark.parametrize(
    ("sent", "trigger"),
    [
        ({"methods": ["POST", "TRACE", "GET"]}, {"kind": "webhook", "methods": ["GET", "POST"]}),
        (
            {"response.status": "200", "response.body": "ok"},
            {"kind": "webhook", "response": {"status": 200, "body": "ok"}},
        ),
        ({"response.status": "²"}, {"kind": "webhook"}),
        (
            {"response.headers.key": "X-A", "response.headers.value": "1"},
            {"kind": "webhook", "response": {"headers": {"X-A": "1"}}},
        ),
    ],
)
def test_the_trigger(sent: dict[str, Any], trigger: dict[str, Any]) -> None:
    document = draft_edits.editable_copy({"trigger": {"kind": "webhook"}})

    read_form(document, posted(step="trigger", form="1", **sent))

    assert document["trigger"] == trigger


def test_a_form_that_was_not_shown_changes_nothing() -> None:
    document = draft_edits.editable_copy({"steps": [{"id": "one", "kind": "set", "values": {"a": 1}}]})

    open_id = read_form(document, posted(step="one"))

    assert open_id == "one"
    assert document["steps"] == [{"id": "one", "kind": "set", "values": {"a": 1}}]


def test_the_form_of_a_removed_step_changes_no_other_card() -> None:
    document = draft_edits.editable_copy({"steps": [], "trigger": {"kind": "webhook", "response": {"body": "thanks"}}})

    with pytest.raises(RelayError, match="no longer exists"):
        read_form(document, posted(step="gone", form="1"))
    edited = draft_saving.read(
        Flow(draft=document), posted(step="gone", form="1", base='{"id": "gone", "kind": "set"}')
    )

    assert edited.gone
    assert edited.document == document
