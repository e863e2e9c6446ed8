"""`relay connectors` and `relay connector`."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relay.connectors import registry
from relay.connectors.conformance.checks import faults
from relay.connectors.conformance.request_checks import request_of
from relay.connectors.conformance.samples import variants
from relay.connectors.definition import Action, Connector, Field
from relay.connectors.service_page import service_page
from relay.errors import DocumentFaults, RelayError, SetupError
from relay.flows.checks.validation import parse_document
from relay.management import connector_scaffold
from tests.commands.conftest import Shell
from tests.connectors.conformance import descriptions
from tests.support.offering import offer


def test_every_connector_is_listed_with_its_actions_and_presets(shell: Shell) -> None:
    rows = {row["key"]: row for row in shell.json("connectors", "--json")}

    assert list(rows) == [connector.key for connector in registry.list_connectors()]
    assert rows["trello"]["auth"] == "query"
    assert rows["inbox"]["auth"] == "none"
    card = next(action for action in rows["trello"]["actions"] if action["key"] == "create_card")
    name = next(field for field in card["inputs"] if field["key"] == "name")
    assert name == {
        "key": "name",
        "label": "Name",
        "kind": "string",
        "required": True,
        "example": "Pack order 1001",
        "max_length": 16_384,
    }
    assert card["outputs"][0] == {"key": "id", "label": "Card id", "path": "id"}
    assert (card["repeatable"], card["proof"]) == (True, "spec")
    assert rows["github"]["presets"][0].keys() == {"key", "label", "samples"}
    assert all(sample["name"] for row in rows.values() for preset in row["presets"] for sample in preset["samples"])


def test_each_action_can_be_built_from_what_is_printed(shell: Shell) -> None:
    rows = shell.json("connectors", "--json")

    steps = [
        {"action": f"{row['key']}.{action['key']}", "inputs": built(action["inputs"])}
        for row in rows
        for action in row["actions"]
    ]
    faults = {step["action"]: input_faults(step["action"], step["inputs"]) for step in steps}

    assert {action: found for action, found in faults.items() if found} == {}


def built(fields: list[dict[str, Any]]) -> dict[str, Any]:
    """A value for each required field, by what is printed about it: its example, its first option, or its parts."""
    values = {field["key"]: field["default"] for field in fields if "default" in field}
    for field in fields:
        when = field.get("when")
        if when is not None and values.get(when["field"]) not in when["values"]:
            values.pop(field["key"], None)
        elif field["required"]:
            values[field["key"]] = value_of(field)
    return values


def value_of(field: dict[str, Any]) -> Any:
    # An object may need no single part, as an address that is given by its id.
    if field["example"] is not None:
        return field["example"]
    if "fields" in field:
        # An object of which no part is required still needs one.
        parts = built(field["fields"]) or {part["key"]: value_of(part) for part in field["fields"][:1]}
        return [parts] if field["kind"] == "rows" else parts
    return field["options"][0]


def input_faults(action: str, inputs: dict[str, Any]) -> list[str]:
    step = {"id": "do", "kind": "action", "action": action, "inputs": inputs}
    if registry.connector(action.split(".", maxsplit=1)[0]).needs_connection:
        step["connection"] = "C"
    try:
        parse_document({"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": [step]})
    except DocumentFaults as error:
        return [f"{fault.path}: {fault.message}" for fault in error.faults]
    return []


def test_a_table_for_people(shell: Shell) -> None:
    table = shell("connectors")
    shown = shell("connectors", "trello")

    assert "trello" in table
    assert "create_card" in table
    assert "trello.create_card  Create a card; may run twice; proof: spec" in shown
    assert "up to 16,384 characters" in shown


def test_the_page_of_the_documentation_is_printed(shell: Shell) -> None:
    page = shell("connectors", "trello", "--markdown")

    assert page == service_page([registry.connector("trello")])
    assert "## Trello\n" in page
    assert "| `trello.create_card`: Create a card. | `list_id`, `name` |" in page


def test_parts_of_objects_are_listed(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    city = Field("city", "City", example="Berlin")
    action = Action("add", "Add", inputs=(Field("to", "To", kind="object", fields=(city,)),))
    offer(monkeypatch, Connector("shop", "Shop", (action,)))

    (row,) = shell.json("connectors", "shop", "--json")

    assert row["actions"][0]["inputs"][0]["fields"][0]["key"] == "city"


def test_an_unknown_connector_is_refused_with_a_similar_one(shell: Shell) -> None:
    for verb in ("connectors", "connector"):
        words = ["check", "trelo"] if verb == "connector" else ["trelo"]
        with pytest.raises(RelayError, match="There is no connector “trelo”; did you mean trello"):
            shell(verb, *words)


def test_the_catalogue_passes_its_check(shell: Shell) -> None:
    assert shell("connector", "check", "trello", "slack").strip() == "2 of 2 connectors follow the rules"
    assert shell.json("connector", "check", "trello", "--json") == [{"connector": "trello", "faults": []}]


def test_a_connector_with_faults_fails_the_check(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    trello = registry.connector("trello")
    offer(monkeypatch, replace(trello, hosts=("other.example",)))

    with pytest.raises(SystemExit) as ended:
        shell("connector", "check", "trello")

    assert ended.value.code == 1


@pytest.mark.parametrize(
    ("label", "shown"), [("", "Kiwi crm"), ('Kiwi "CRM" \\ \n $key', "Kiwi CRM $key")], ids=["none", "hostile"]
)
def test_a_new_connector_is_whole_at_once(tmp_path: Path, label: str, shown: str) -> None:
    file, fixture = connector_scaffold.write("kiwi_crm", label, catalog_folder=tmp_path, services=tmp_path)
    spec = importlib.util.spec_from_file_location("kiwi_crm", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    connector: Connector = module.KIWI_CRM
    own = json.loads(fixture.read_text())
    described = descriptions.described_by("own", {"openapi": "3.1.0", "info": {"title": "", "version": "1"}, **own}, {})

    assert connector.label == shown
    assert list(faults(connector)) == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(descriptions, "of_service", lambda _: (described,))
        descriptions.validator_of.cache_clear()
        for _, inputs in variants(connector.actions[0]):
            request = request_of(connector, connector.actions[0], inputs)
            operation = descriptions.operation_of(connector, request)
            assert operation is not None
            assert descriptions.faults(connector, request, operation) == []


@pytest.mark.parametrize("key", ["", "Kiwi", "../x", "class", "x" * 41, "1x", "a-b", "slack", "ki wi"])
def test_a_key_that_is_none_or_taken_is_refused(tmp_path: Path, key: str) -> None:
    with pytest.raises(RelayError, match=r"is no key|already"):
        connector_scaffold.write(key, catalog_folder=tmp_path, services=tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_and_nothing_is_written_outside_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "kiwi.json").write_text("{}")

    with pytest.raises(RelayError, match="exists already"):
        connector_scaffold.write("kiwi", catalog_folder=tmp_path, services=tmp_path)
    with pytest.raises(SetupError, match="in a checkout of Relay"):
        connector_scaffold.write("kiwi", catalog_folder=tmp_path, services=tmp_path / "no")

    assert [path.name for path in tmp_path.iterdir()] == ["kiwi.json"]


def test_every_input_has_an_example_but_a_file(shell: Shell) -> None:
    found = shell.json("connectors", "--json")

    def inputs(fields: list[dict[str, Any]], place: str) -> Iterator[tuple[str, dict[str, Any]]]:
        for field in fields:
            yield f"{place}.{field['key']}", field
            yield from inputs(field.get("fields", []), f"{place}.{field['key']}")

    without = [
        place
        for row in found
        for action in row["actions"]
        for place, field in inputs(action["inputs"], f"{row['key']}.{action['key']}")
        if field["example"] in ("", None) and field["kind"] != "file"
    ]

    assert without == []
