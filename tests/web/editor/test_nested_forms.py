"""The form of an action with objects, rows, conditions and limits, without scripts: nothing that is typed is lost."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from relay.engine.configuration import flow_lifecycle
from relay.errors import RelayError
from relay.models import Flow, Workspace
from relay.web.editor import draft_edits, form_fields, form_parser
from tests.support.offering import offer
from tests.support.shop import SHOP

ITEM = {"name": "Pen", "quantity": 2}
INPUTS: dict[str, Any] = {
    "note": "x",
    "to": {"name": "{{ event.body.name }}", "email": "ada@example.com"},
    "items": [ITEM, {"name": "Salt", "quantity": "{{ event.body.n }}", "unit": "kilograms", "weight": 2.5}],
    "pay": "invoice",
    "due": "2026-01-31",
}


@pytest.fixture(autouse=True)
def _shop(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, SHOP)


@pytest.fixture
def draft(alices: tuple[Client, Workspace]) -> Flow:
    return flow_lifecycle.create_flow(alices[1], document(INPUTS))


def document(inputs: Any) -> dict[str, Any]:
    step = {"id": "order", "kind": "action", "action": "shop.order", "inputs": inputs}
    return {"relay": 1, "name": "New", "trigger": {"kind": "webhook"}, "steps": [step]}


class Form(HTMLParser):
    """The fields of the editor's form as a browser posts them, and which parts are hidden."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.hidden: list[str] = []
        self._select = self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name") or ""
        if tag == "input" and name.startswith("in."):
            self.fields[name] = found.get("value") or ""
        elif tag == "textarea" and name.startswith("in."):
            self.fields[name], self._text = "", name
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select.startswith("in."):
            is_first = self._select not in self.fields
            self.fields.update({self._select: found.get("value") or ""} if is_first or "selected" in found else {})
        if "data-when" in found and "hidden" in found:
            self.hidden.append(str(found["data-when"]))

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._text = ""
        elif tag == "select":
            self._select = ""


def form(client: Client, flow: Flow) -> Form:
    return Form(client.get(f"/flows/{flow.pk}/?step=order").content.decode())


def press(client: Client, flow: Flow, do: str, fields: dict[str, str]) -> str:
    sent = {"do": do, "step": "order", "form": "1", **fields}
    answer = client.post(f"/flows/{flow.pk}/edit/", sent, follow=True)
    assert answer.status_code == 200
    flow.refresh_from_db()
    return answer.content.decode()


def inputs(flow: Flow) -> dict[str, Any]:
    found: dict[str, Any] = flow.draft["steps"][0]["inputs"]
    return found


def test_saving_the_form_as_it_is_changes_nothing(alice: Client, draft: Flow) -> None:
    press(alice, draft, "save", form(alice, draft).fields)

    assert inputs(draft) == INPUTS


def test_parts_and_rows_are_filled_in(alice: Client, draft: Flow) -> None:
    draft.draft = document({})
    draft.save()
    fields = form(alice, draft).fields
    assert fields.keys() >= {"in.to.name", "in.items.0.name", "in.items.0.price.amount", "in.due"}

    press(alice, draft, "more in.items", {**fields, "in.to.name": "Ada", "in.items.0.quantity": "{{ event.body.n }}"})
    fields = form(alice, draft).fields
    press(alice, draft, "save", {**fields, "in.items.1.name": "Ink", "in.items.1.price.amount": "1.5"})

    assert inputs(draft)["to"] == {"name": "Ada"}
    assert inputs(draft)["items"] == [{"quantity": "{{ event.body.n }}"}, {"name": "Ink", "price": {"amount": 1.5}}]


def test_a_row_is_removed_with_what_was_typed_elsewhere(alice: Client, draft: Flow) -> None:
    fields = {**form(alice, draft).fields, "in.note": "typed", "in.items.1.name": "Sugar"}

    press(alice, draft, "drop in.items 0", fields)

    assert inputs(draft)["items"] == [{**INPUTS["items"][1], "name": "Sugar"}]
    assert inputs(draft)["note"] == "typed"


@pytest.mark.parametrize("row", ["9", "-1", "x", "", "99999999999"])
def test_a_row_that_is_not_there_removes_nothing(alice: Client, draft: Flow, row: str) -> None:
    press(alice, draft, f"drop in.items {row}", form(alice, draft).fields)

    assert inputs(draft) == INPUTS


def test_rows_become_one_expression_and_rows_again(alice: Client, draft: Flow) -> None:
    page = press(alice, draft, "whole in.items", form(alice, draft).fields)

    text = inputs(draft)["items"]
    assert '"name": "Pen"' in text
    assert '"{{ event.body.n }}"' in text
    fields = Form(page).fields
    assert fields["in.items"] == text
    press(alice, draft, "save", {**fields, "in.items": "{{ event.body.lines }}"})
    assert inputs(draft)["items"] == "{{ event.body.lines }}"
    press(alice, draft, "save", {**form(alice, draft).fields, "in.items": ""})
    assert "items" not in inputs(draft)
    assert "in.items.0.name" in form(alice, draft).fields


def test_an_object_becomes_one_expression(alice: Client, draft: Flow) -> None:
    fields = {name: "" if name.startswith("in.to.") else value for name, value in form(alice, draft).fields.items()}

    press(alice, draft, "whole in.to", fields)
    press(alice, draft, "whole in.items.0.price", form(alice, draft).fields)

    assert inputs(draft)["to"] == "{{ event.body.to }}"
    assert inputs(draft)["items"][0]["price"] == "{{ event.body.price }}"
    press(alice, draft, "save", form(alice, draft).fields)
    assert inputs(draft)["to"] == "{{ event.body.to }}"


@pytest.mark.parametrize("name", ["in", "in.", "in.x", "in.items.7", "in.items.0.x.y.z", "x", "in.items.0", "in.note"])
def test_an_expression_in_a_place_that_is_none_breaks_nothing(name: str) -> None:
    step = document({"items": [dict(ITEM)], "note": "x"})["steps"][0]

    draft_edits.write_as_text(step, name.split(".")[1:])

    assert step["inputs"]["note"] == "x"


def test_fields_with_a_condition_are_hidden_and_keep_what_they_hold(alice: Client, draft: Flow) -> None:
    shown = form(alice, draft)
    press(alice, draft, "save", {**shown.fields, "in.pay": "card"})
    hidden = form(alice, draft)
    press(alice, draft, "save", {**hidden.fields, "in.pay": "invoice", "in.remind": "true"})

    # The reminder's time, and the weight of the row in pieces and of the empty row.
    assert shown.hidden == ["in.items.0.unit", "in.items.2.unit", "in.remind"]
    assert hidden.hidden == ["in.items.0.unit", "in.items.2.unit", "in.pay", "in.pay", "in.remind"]
    assert inputs(draft)["due"] == "2026-01-31"
    assert form(alice, draft).hidden == ["in.items.0.unit", "in.items.2.unit"]


def test_a_field_whose_condition_is_a_template_is_shown(alice: Client, draft: Flow) -> None:
    draft.draft = document({**INPUTS, "pay": "{{ event.body.pay }}"})
    draft.save()

    assert "in.pay" not in form(alice, draft).hidden


def test_limits_are_shown_as_help(alice: Client, draft: Flow) -> None:
    page = alice.get(f"/flows/{draft.pk}/?step=order").content.decode()

    helps = {
        " ".join(re.sub("<.*?>", "", text).split())
        for text in re.findall(r'<p class="help">(.*?)</p>', page, re.DOTALL)
    }
    assert "Plain text. Up to 16,384 characters." in helps
    assert {"Up to 50 rows.", "From 1 to 99.", "At least 0."} <= helps


def test_a_hostile_value_is_text_on_the_page(alice: Client, draft: Flow) -> None:
    hostile = '"><script>alert(1)</script>'
    draft.draft = document({"to": {"name": hostile, hostile: hostile}, "items": [{"name": hostile}, hostile]})
    draft.save()

    page = alice.get(f"/flows/{draft.pk}/?step=order").content.decode()
    press(alice, draft, "save", Form(page).fields)

    assert "<script>alert" not in page
    assert inputs(draft)["items"] == [{"name": hostile}, hostile]
    assert inputs(draft)["to"][hostile] == hostile


@pytest.mark.parametrize(
    "value",
    [7, "text", True, [1], [[]], {"to": 1}, [{"name": {"a": 1}}], [{"price": 3}], [{"price": [1]}], [None], [{}] * 150],
    ids=lambda value: str(value)[:30],
)
def test_a_value_of_another_type_is_edited_as_text_and_kept(value: Any) -> None:
    for key in ("to", "items"):
        step = document({key: value})["steps"][0]
        built = form_fields.build_form(step, None)
        posted = QueryDict(mutable=True)
        for shown in built.shown():
            posted[shown.name] = shown.value

        form_parser.apply("order", step, posted)

        assert step["inputs"][key] == value


def test_too_many_rows_are_refused() -> None:
    posted = QueryDict(mutable=True)
    for index in range(101):
        posted[f"in.items.{index}.name"] = "x"

    with pytest.raises(RelayError, match="A step may have 100 rows here; this one has 101"):
        form_parser.apply("order", document({})["steps"][0], posted)


def test_names_of_rows_that_are_none_are_ignored() -> None:
    step = document({})["steps"][0]
    posted = QueryDict(
        "in.items.x.name=1&in.items.-1.name=1&in.items.123456.name=1&in.itemsx.0.name=1&in.items..name=1"
    )

    form_parser.apply("order", step, posted)

    assert "items" not in step["inputs"]
