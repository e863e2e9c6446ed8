"""`relay import`, `export` and `flows`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from relay.errors import DocumentFaults, RelayError
from relay.models import Flow, Workspace
from tests.commands.conftest import Shell

MakeFlow = Callable[..., dict[str, Any]]
NEEDS_SLACK = {
    "relay": 1,
    "name": "Needs Slack",
    "trigger": {"kind": "webhook"},
    "steps": [
        {
            "id": "tell",
            "kind": "action",
            "action": "slack.post_message",
            "connection": "Team Slack",
            "inputs": {"text": "x"},
        }
    ],
}


def test_import_prints_the_url_of_a_live_flow(make_flow: MakeFlow) -> None:
    made = make_flow()

    flow = Flow.objects.get()
    assert made == {"flow": flow.pk, "name": "Orders", "url": flow.trigger.url, "live": True}


def test_import_reads_yaml_from_a_file(shell: Shell, workspace: Workspace, tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text("relay: 1\nname: From YAML\ntrigger: {kind: webhook}\nsteps: []\n")

    made = shell.json("import", str(file))

    assert made["name"] == "From YAML"
    assert made["live"] is False


def test_flow_without_its_connection_stays_a_draft(shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(SystemExit) as ended:
        shell("import", "-", "--publish", given=json.dumps(NEEDS_SLACK))

    assert ended.value.code == 1
    assert "Team Slack" in shell.complaints
    assert Flow.objects.get().live_version is None


def test_import_says_each_fault_with_its_path(shell: Shell, workspace: Workspace) -> None:
    step = {"id": "a", "kind": "nonsense"}

    with pytest.raises(DocumentFaults, match=r"steps\[0\]"):
        shell("import", "-", given=json.dumps({**NEEDS_SLACK, "steps": [step]}))

    assert not Flow.objects.exists()


@pytest.mark.parametrize("given", ["", "[]", "{", "null", "\x00"])
def test_import_of_no_document(given: str, shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(RelayError):
        shell("import", "-", given=given)


def test_import_of_no_file(shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(RelayError, match="no-such-file can't be read: No such file"):
        shell("import", "no-such-file")


def test_import_into_a_named_workspace(shell: Shell, workspace: Workspace) -> None:
    other = Workspace.objects.create(name="Other")

    shell("import", "-", "--workspace", "Other", given=json.dumps(NEEDS_SLACK))

    assert Flow.objects.get().workspace == other
    with pytest.raises(RelayError, match="no workspace called Nowhere"):
        shell("import", "-", "--workspace", "Nowhere", given=json.dumps(NEEDS_SLACK))


def test_without_a_workspace_the_way_out_is_named(shell: Shell) -> None:
    with pytest.raises(RelayError, match="relay user add"):
        shell("import", "-", given=json.dumps(NEEDS_SLACK))


def test_export_gives_back_what_was_imported(shell: Shell, make_flow: MakeFlow) -> None:
    made = make_flow(description="As it was")

    by_name, by_id = shell.json("export", "Orders"), shell.json("export", str(made["flow"]))

    assert by_name == by_id
    assert by_name["description"] == "As it was"
    again = shell.json("import", "-", given=json.dumps({**by_name, "name": "Copy"}))
    assert shell.json("export", "Copy") == {**by_name, "name": "Copy"}
    assert again["url"] != made["url"]


@pytest.mark.parametrize("word", ["Nothing", "999999", "-1", "٣", "9" * 30])
def test_unknown_flow(word: str, shell: Shell, workspace: Workspace) -> None:
    with pytest.raises(RelayError, match="There is no flow"):
        shell("export", "--", word)


def test_flows_with_the_same_name_are_named_by_id(shell: Shell, make_flow: MakeFlow) -> None:
    first, second = make_flow(), make_flow()

    with pytest.raises(RelayError, match=f"{first['flow']}, {second['flow']}"):
        shell("export", "Orders")


def test_flows_are_listed(shell: Shell, make_flow: MakeFlow) -> None:
    made = make_flow("Ünïcode\nand a line")

    table, rows = shell("flows"), shell.json("flows", "--json")

    assert rows == [
        {"flow": made["flow"], "name": made["name"], "state": "live", "url": made["url"], "workspace": "Acme"}
    ]
    head, line = table.splitlines()
    assert head.split() == ["ID", "STATE", "NAME", "URL"]
    assert made["url"] in line
