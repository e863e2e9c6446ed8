"""Holds every connector and action to the checks of `relay connector check`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from relay.connectors.conformance.checks import ACTION_CHECKS, CONNECTOR_CHECKS, faults
from relay.connectors.definition import Action, BearerAuth, Call, Connector, Field, OptionSource, Output, Reply
from tests.connectors.conformance.actions import ACTIONS, CONNECTORS


@pytest.mark.parametrize("connector", CONNECTORS, ids=lambda connector: connector.key)
def test_a_connector_follows_the_rules(connector: Connector) -> None:
    found = [(check.__name__, fault) for check in CONNECTOR_CHECKS for fault in check(connector)]

    assert found == []


@pytest.mark.parametrize(("connector", "action"), ACTIONS)
def test_an_action_follows_the_rules(connector: Connector, action: Action) -> None:
    found = [(check.__name__, fault) for check in ACTION_CHECKS for fault in check(connector, action)]

    assert found == []


NAME = Field("name", "Name", required=True, example="Ada")
TOKEN = Field("token", "Token", secret=True, required=True)

PATTERNED = replace(TOKEN, pattern="(?=q)q")
MISFIT = replace(TOKEN, pattern="[a-z0-9]{32}", example="A")


def shop(*fields: Field, connector: dict[str, Any] | None = None, **changes: Any) -> Connector:
    """A connector without a fault, unless `fields`, or the changes of its action or of itself, have one."""
    inputs = (NAME, *fields)
    body = {one.key: f"{{{{ inputs.{one.key} }}}}" for one in inputs}
    action = replace(Action("add", "Add", inputs=inputs, url="/x", json=body), **changes)
    parts: dict[str, Any] = {"label": "Shop", "connection": (TOKEN,), "hosts": ("shop.example",), **(connector or {})}
    return Connector("shop", actions=(action,), base_url="https://shop.example", auth=BearerAuth(), **parts)


def test_a_whole_connector_has_no_fault() -> None:
    parts = (
        Field("city", "City", required=True, example="Berlin", max_length=10),
        Field("zip", "Zip", example="10115"),
    )
    made = shop(
        Field("kind", "Kind", kind="choice", options=("a", "b")),
        Field("note", "Note", kind="text", example="x", required=True, when=("kind", ("b",))),
        Field("to", "To", kind="object", fields=parts, required=True),
        Field("items", "Items", kind="rows", fields=parts, max_items=3),
        Field("count", "Count", kind="integer", example=3, minimum=1, maximum=5),
        Field("on", "On", kind="date", example="2026-01-31"),
        outputs=(Output("id", "Id", "data.0.id"),),
        reply=Reply(
            ok="ok",
            error="message",
            permanent=("gone",),
            retry=("busy",),
            refusing=("revoked",),
            meanings={"gone": "The shop is closed", "revoked": "Enter a new token"},
        ),
    )

    assert list(faults(made)) == []


@pytest.mark.parametrize(
    ("made", "fault"),
    [
        (shop(Field("a", "A")), "inputs.a: has neither an example nor a default"),
        (shop(Field("a", "A", kind="integer", example="x")), "inputs.a: its example does not fit: A must be a whole"),
        (shop(Field("a", "A", example="xyz", max_length=2)), "inputs.a: its example does not fit: A has 3 characters"),
        (shop(Field("a", "", example="x")), "inputs.a: has no label"),
        (shop(Field("a b", "A", example="x")), "inputs.a b: a key has letters, digits and _"),
        (shop(Field("name", "A", example="x")), "inputs: two are called name"),
        (shop(Field("a", "A", kind="choice")), "inputs.a: a choice has options, and nothing else has"),
        (shop(Field("a", "A", kind="rows")), "inputs.a: an object and rows have fields, and nothing else has"),
        (shop(Field("a", "A", example="x", source="all")), "inputs.a: there is no source all"),
        (shop(Field("a", "A", example="x", maximum=3)), "inputs.a: maximum is for integer, number"),
        (shop(Field("a", "A", example="x", when=("z", (1,)))), "inputs.a: when: z is no earlier field"),
        (
            shop(Field("k", "K", kind="choice", options=("a",)), Field("a", "A", example="x", when=("k", ("b",)))),
            "inputs.a: when: K is one of a",
        ),
        (
            shop(Field("o", "O", kind="object", fields=(Field("p", "P"),))),
            "inputs.o.p: has neither an example nor a default",
        ),
        (shop(json={"name": "{{ inputs.name }}", "x": "{{ inputs.nome }}"}), "there is no inputs.nome"),
        (shop(json={"name": "{{ inputs.name }}", "x": "{{ connection.key }}"}), "there is no connection.key"),
        (shop(json={"name": "{{ inputs.name"}), "{{ inputs.name: "),
        (shop(json={}), "inputs.name: is sent nowhere"),
        (shop(url="https://other.example/"), "The credentials of Shop are not sent to https://other.example"),
        (shop(url="not a url"), "required inputs: "),
        (shop(connector={"hosts": ()}), "hosts: name the hosts"),
        (shop(connector={"connection": (Field("token", "Token"),)}), "connection: no field is secret"),
        (
            shop(connector={"connection": (replace(TOKEN, pattern="(?=q)q"),)}),
            "connection.token: needs an example that fits",
        ),
        (
            shop(connector={"connection": (replace(TOKEN, pattern="[a-z0-9]{32}", example="A"),)}),
            "connection.token: its example does",
        ),
        (shop(outputs=(Output("id", "Id", ""),)), "outputs.id: has no label or no path"),
        (shop(reply=Reply(partly=(200,))), "the expected answer counts as failed"),
        (shop(reply=Reply(permanent=("gone",), retry=("gone",))), "“gone” with the status 400 counts as failed"),
        (shop(reply=Reply(refused=(429,))), "an answer with the status 429 counts as refused, not as retry"),
        (shop(connector={"label": ""}), "has no label"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_check_finds_its_fault(made: Connector, fault: str) -> None:
    assert any(fault in found for found in faults(made)), list(faults(made))


def test_a_secret_that_is_stored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relay.connectors.masked_request.shown_connection", lambda _, connection: connection)

    body = {"name": "{{ inputs.name }}", "sent": "{{ connection.token }}"}

    assert "shop.add: the stored request contains a secret of the connection" in list(faults(shop(json=body)))


def test_a_source_of_the_connector_is_known() -> None:
    made = shop(Field("a", "A", example="x", source="all"))

    assert list(faults(replace(made, sources=(OptionSource("all", Call("all", "All", url="/all")),)))) == []
