"""Tests that the audit log has each action without secrets, can be filtered and exported, and never changes."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client

from relay.engine import audit as verbs
from relay.engine.configuration import connections, flow_lifecycle
from relay.models import ActorKind, AuditEntry, Flow, User, Workspace, audit
from relay.web.workspace.audit_log import escape_formula
from tests.commands.conftest import Shell, shell

__all__ = ["shell"]
CANARY = "CANARY-4711-SECRET"


def entries(workspace: Workspace) -> list[tuple[str, str, str]]:
    return [(one.who, one.verb, one.change) for one in AuditEntry.objects.filter(workspace=workspace).order_by("id")]


def test_who_did_what_is_noted(alice: Client, flow: Flow) -> None:
    alice.post(f"/flows/{flow.pk}/switch/", {"to": "paused"}, REMOTE_ADDR="203.0.113.9")

    last = AuditEntry.objects.latest("id")
    assert (last.who, last.kind, last.verb, last.thing, last.thing_id, last.address) == (
        "alice@example.com",
        ActorKind.PERSON,
        "flow.paused",
        "Orders",
        str(flow.pk),
        "203.0.113.9",
    )


def test_what_changed_is_said(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices

    alice.post("/workspace/", {"days": "7", "name": "Mugs"})

    assert entries(workspace) == [
        ("alice@example.com", "workspace.renamed", "“alice@example.com” is now “Mugs”"),
        ("alice@example.com", "workspace.retention", "30 days are now 7; 0 is no limit"),
    ]


def test_what_a_new_version_changes_is_said(alices: tuple[Client, Workspace], flow: Flow) -> None:
    fresh = Flow.objects.get(pk=flow.pk)
    fresh.draft["steps"][1]["inputs"]["text"] = "Another text"
    flow_lifecycle.publish(fresh)

    assert AuditEntry.objects.latest("id").change.startswith("Version 2: Step")


def test_signing_in_and_what_secures_it_are_noted(client: Client, workspace: Workspace, owner: User) -> None:
    new = "another long phrase"
    client.post("/sign-in/", {"login": owner.email, "password": "wrong"})
    client.post("/sign-in/", {"login": owner.email, "password": "correct horse battery"})
    client.post("/account/password/", {"oldpassword": "correct horse battery", "password1": new, "password2": new})

    assert [(one.who, one.verb) for one in AuditEntry.objects.order_by("id")] == [
        ("Not signed in", "account.sign_in_failed"),
        ("owner@example.com", "account.signed_in"),
        ("owner@example.com", "account.password_changed"),
    ]


def test_no_secret_is_noted(alices: tuple[Client, Workspace], flow: Flow) -> None:
    alice, workspace = alices
    hook = f"https://hooks.slack.com/services/T000/B000/{CANARY.replace('-', '')}"
    connections.set_connection(workspace, "Board", "slack", {"webhook_url": hook})
    alice.post("/account/password/", {"oldpassword": CANARY, "password1": CANARY, "password2": CANARY})
    alice.post("/sign-in/", {"login": "alice@example.com", "password": CANARY})

    kept = str(list(AuditEntry.objects.values()))

    assert "Board" in kept
    assert CANARY not in kept
    assert CANARY.replace("-", "") not in kept
    assert flow.trigger.token not in kept


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("change", ["UPDATE relay_auditentry SET who = 'nobody'", "DELETE FROM relay_auditentry"])
def test_the_database_refuses_to_change_an_entry(change: str) -> None:
    verbs.note(None, "test.happened")
    audit.add_triggers(connection)
    try:
        with pytest.raises(DatabaseError, match="only ever added to"), transaction.atomic():
            connection.cursor().execute(change)
    finally:
        audit.drop_triggers(connection)

    assert AuditEntry.objects.get().who == "Relay"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, {"flow.created", "flow.published", "flow.paused"}),
        ({"text": "paused"}, {"flow.paused"}),
        ({"text": "orders VERSION"}, {"flow.published"}),
        ({"who": "alice@example.com"}, {"flow.paused"}),
        ({"since": "2020-01-01", "until": "2020-12-31"}, set()),
        ({"since": "nonsense"}, {"flow.created", "flow.published", "flow.paused"}),
        ({"text": "%"}, set()),
    ],
)
def test_it_is_searched_and_narrowed(alice: Client, flow: Flow, query: dict[str, str], found: set[str]) -> None:
    alice.post(f"/flows/{flow.pk}/switch/", {"to": "paused"})

    rows = json.loads(alice.get("/workspace/audit.json", query).content)
    page = alice.get("/workspace/audit/", query)

    assert {row["verb"] for row in rows} == found
    assert page.status_code == 200
    assert ("Flow: paused" in page.content.decode()) is ("flow.paused" in found)


def test_it_is_paged(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    for number in range(130):
        verbs.note(workspace, "test.happened", f"thing {number}.")

    first = alice.get("/workspace/audit/").content.decode()
    older = first.partition('href="?before=')[2].partition('"')[0]
    second = alice.get(f"/workspace/audit/?before={older}").content.decode()

    assert "thing 129." in first
    assert "thing 29." not in first
    assert "thing 29." in second
    assert "thing 30." not in second


def test_another_workspaces_log_is_not_there(bob: Client, flow: Flow) -> None:
    assert json.loads(bob.get("/workspace/audit.json").content) == []


def test_a_table_holds_no_formula(alices: tuple[Client, Workspace]) -> None:
    alice, workspace = alices
    verbs.note(workspace, "test.happened", '=HYPERLINK("http://evil.example")', change="+1, -1")

    rows = list(csv.DictReader(io.StringIO(alice.get("/workspace/audit.csv").content.decode())))

    assert rows[0]["thing"] == '\'=HYPERLINK("http://evil.example")'
    assert rows[0]["change"] == "'+1, -1"


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        *((f"{start}cmd|'/c calc'!A1", f"'{start}cmd|'/c calc'!A1") for start in "=+-@\t\r\n＝＋－＠"),
        *((f" {start}1", f"' {start}1") for start in "=+-@"),
        ("\u200b=1", "'\u200b=1"),
        ("\t=1", "'\t=1"),
        ("'=1", "'=1"),
        ("a=1", "a=1"),
        ("", ""),
    ],
)
def test_cells(text: str, cell: str) -> None:
    assert escape_formula(text) == cell


def test_the_command_line_is_named_and_prints_it(shell: Shell, workspace: Workspace) -> None:
    flow = flow_lifecycle.import_document(
        workspace, {"relay": 1, "name": "A", "trigger": {"kind": "webhook"}, "steps": []}
    )
    shell("user", "add", "ada@example.com", given="correct horse battery\n")

    rows: list[dict[str, Any]] = shell.json("audit", "--json")

    assert {row["verb"] for row in rows} >= {"account.created", "flow.created"}
    assert rows[-1]["thing"] == flow.name
    assert any(row["who"].startswith("command line") for row in rows)
    assert "account.created" in shell("audit", "--limit", "5")
    assert shell.json("audit", "--json", "--since", "2099-01-01") == []
