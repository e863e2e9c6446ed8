"""The audit log: who did what to which thing. Database triggers forbid changing and deleting its rows."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.fields import MomentField


class ActorKind(models.TextChoices):
    PERSON = "person", "Person"
    TOKEN = "token", "API token"
    COMMAND = "command", "Command line"
    LINK = "link", "Not signed in"
    UPKEEP = "upkeep", "Relay itself"


class AuditEntry(models.Model):
    """One action. `who` and `thing` are names at the time of the action: the log outlives both."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace: Any = models.ForeignKey(
        Workspace, related_name="audit", null=True, db_index=False, on_delete=models.DO_NOTHING, db_constraint=False
    )
    at = MomentField()
    kind = models.CharField(max_length=10, choices=ActorKind.choices)
    who = models.CharField(max_length=254)
    address = models.CharField(max_length=45, blank=True, default="")
    verb = models.CharField(max_length=40, help_text="flow.published, member.removed...")
    thing = models.CharField(max_length=254, blank=True, default="")
    thing_id = models.CharField(max_length=40, blank=True, default="")
    change = models.TextField(blank=True, default="", help_text="what changed, in words; never a secret")

    class Meta:
        indexes = (models.Index(fields=["workspace", "id"], name="audit_workspace"),)

    def __str__(self) -> str:
        return f"{self.who}: {self.verb} {self.thing}".strip()


def record(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry as JSON, for exports and for `relay audit --json`."""
    at = entry.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    names = ("who", "kind", "address", "verb", "thing", "thing_id", "change")
    return {"at": at, **{name: str(getattr(entry, name)) for name in names}}


_SQLITE = """
CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON relay_auditentry
BEGIN SELECT RAISE(ABORT, 'the audit log is only ever added to'); END
"""
_POSTGRES = """
CREATE OR REPLACE FUNCTION relay_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit log is only ever added to'; END $$;
CREATE TRIGGER audit_no_{verb} BEFORE {verb} ON relay_auditentry FOR EACH ROW EXECUTE FUNCTION relay_audit_refuse();
"""


def add_triggers(connection: Any) -> None:
    """Let the database refuse to change or delete entries. For the migration and for tests."""
    statement = _SQLITE if connection.vendor == "sqlite" else _POSTGRES
    with connection.cursor() as cursor:
        for verb in ("UPDATE", "DELETE"):
            cursor.execute(statement.format(verb=verb))


def drop_triggers(connection: Any) -> None:
    """Undo `add_triggers`."""
    table = "" if connection.vendor == "sqlite" else " ON relay_auditentry"
    with connection.cursor() as cursor:
        for verb in ("UPDATE", "DELETE"):
            cursor.execute(f"DROP TRIGGER IF EXISTS audit_no_{verb}{table}")
