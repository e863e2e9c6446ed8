"""Secrets inside objects and rows are sent, and are masked where the request and its errors are stored."""

from __future__ import annotations

import json
from typing import Any

import pytest

from relay.connectors.definition import Action, BearerAuth, Connector, Field, Reply, Wait
from relay.engine.walk.variables import Variables
from relay.engine.walk.work_item import Outcome
from relay.timestamps import now
from tests.support.leaks import leaked
from tests.support.offering import offer
from tests.support.walking import Held, Recorder, answer, walk, work_item

SECRET = 'qZ7^xK@w"ö 8%Jv&Tq/3#Wj'
TOKEN = "t0k3n-" + "5" * 20
PARTS = (
    Field("name", "Name", max_length=200),
    Field("qty", "Quantity", kind="integer", maximum=99),
    Field("mail", "E-mail", kind="email"),
    Field("on", "Day", kind="date"),
    Field("at", "Time", kind="datetime"),
    Field("kind", "Kind", kind="choice", options=("a", "b")),
    Field("a", "A", required=True, when=("kind", ("a",))),
    Field("deep", "Deep", kind="object", fields=(Field("text", "Text", required=True),)),
)
SHOP = Connector(
    "shop",
    "Shop",
    hosts=("shop.example",),
    base_url="https://shop.example",
    auth=BearerAuth(),
    connection=(Field("token", "Token", required=True, secret=True),),
    actions=(
        Action(
            "order",
            "Order",
            inputs=(Field("to", "To", kind="object", fields=PARTS), Field("items", "Items", kind="rows", fields=PARTS)),
            url="/orders",
            json={"to": "{{ inputs.to }}", "items": "{{ inputs.items }}"},
            reply=Reply(wait=(Wait("x-reset", "milliseconds"),), refusing=("bad_token",)),
        ),
    ),
)
MADE = ["{{ vars.k }}", "{{ vars.k | upper }}", "x{{ vars.k[:9] }}", "{{ vars.k | base64_encode | reverse }}"]


@pytest.fixture(autouse=True)
def _shop(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, SHOP)


def ordered(sender: Recorder, **inputs: Any) -> Outcome:
    step = {"id": "a", "kind": "action", "action": "shop.order", "connection": "Shop", "inputs": inputs}
    variables = Variables({}, {"k": lambda: SECRET})
    return walk(work_item(step, connections={"Shop": Held({"token": TOKEN})}, variables=variables), sender)


def stored(outcome: Outcome) -> list[tuple[str, str]]:
    return [("attempt", f"{one.request} {one.answer} {one.error}") for one in outcome.attempts] + [
        ("trail", repr(outcome.trail)),
        ("reason", outcome.reason),
    ]


@pytest.mark.parametrize("template", MADE)
@pytest.mark.parametrize(
    "place",
    [
        lambda value: {"to": {"name": value, "deep": {"text": value}}},
        lambda value: {"items": [{"name": "x"}, {"name": value, "deep": {"text": value}}]},
        lambda value: {"to": json.dumps({"name": value})},
    ],
    ids=["object", "rows", "text of an object"],
)
def test_a_secret_inside_is_sent_and_stored_as_a_mask(template: str, place: Any) -> None:
    sender = Recorder()

    outcome = ordered(sender, **place(template))

    if sender.sent:  # A quote in the secret ends the JSON text; then there is no request.
        assert json.loads(sender.sent[0].body or b"")["items" if "items" in place("") else "to"]
        assert outcome.attempts[0].request is not None
        assert "••••••" in outcome.attempts[0].request
    else:
        assert outcome.state == "failed"
    assert not leaked(SECRET, stored(outcome))
    assert TOKEN not in repr(stored(outcome))


@pytest.mark.parametrize("key", [part.key for part in PARTS])
def test_a_secret_that_does_not_fit_its_field_is_not_in_the_error(key: str) -> None:
    for template in MADE:
        inner = {"text": template} if key == "deep" else template
        for inputs in ({"to": {key: inner}}, {"items": [{key: inner}]}):
            assert not leaked(SECRET, stored(ordered(Recorder(), **inputs)))


@pytest.mark.parametrize("value", ["{{ vars.k }}", "{{ [vars.k] }}", "{{ {'name': vars.k} }}", "{{ [{'x': vars.k}] }}"])
def test_a_whole_object_or_list_of_rows_that_is_made_of_a_secret(value: str) -> None:
    for inputs in ({"to": value}, {"items": value}, {"items": [value]}):
        assert not leaked(SECRET, stored(ordered(Recorder(), **inputs)))


def test_a_service_that_repeats_a_secret_from_inside_a_row_repeats_a_mask() -> None:
    echo = answer(422, f"Name {SECRET} is taken; so is {SECRET.upper()}".encode())

    outcome = ordered(Recorder(echo), items=[{"name": "{{ vars.k }}", "deep": {"text": "{{ vars.k | upper }}"}}])

    assert outcome.state == "failed"
    assert not leaked(SECRET, stored(outcome))


def test_a_named_row_and_field_are_in_the_reason() -> None:
    outcome = ordered(Recorder(), items=[{"name": "a"}, {"name": "b", "qty": "{{ event.body.n * 100 }}"}])

    assert outcome.reason == "Items, row 2: Quantity must be at most 99"


def test_a_list_from_the_event_fills_the_rows() -> None:
    sender = Recorder()
    lines = {"lines": [{"name": "Pen", "qty": "3", "colour": "red"}, {"name": "Ink"}]}
    step = {"id": "a", "kind": "action", "action": "shop.order", "connection": "Shop"}
    step["inputs"] = {"items": "{{ event.body.lines }}"}

    walk(work_item(step, body=json.dumps(lines).encode(), connections={"Shop": Held({"token": TOKEN})}), sender)

    assert json.loads(sender.sent[0].body or b"") == {"items": [{"name": "Pen", "qty": 3}, {"name": "Ink"}]}


def test_a_header_of_the_connector_delays_the_retry() -> None:
    slow, hostile = answer(429, b"", **{"x-reset": "3600000"}), answer(429, b"", **{"x-reset": "9" * 5_000})

    started = now()
    hour, day = (ordered(Recorder(one), to={"name": "a"}).due_at for one in (slow, hostile))

    assert hour is not None
    assert day is not None
    assert 3_600 <= (hour - started) / 1e6 < 3_660
    assert 86_400 <= (day - started) / 1e6 < 86_460


def test_a_word_that_refuses_the_credential_holds_the_run() -> None:
    held = ordered(Recorder(answer(400, b'{"error": "bad_token"}')), to={"name": "a"})

    assert held.held_by == "credential"
    assert held.refused_target is not None
