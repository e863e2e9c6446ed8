"""Issues: identical failures, grouped by flow, step and cause."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.fields import MomentField
from relay.models.flows import Flow

# As in the ledger: rows are written by plain SQL while their flow may be removed, which takes them along.
_FREE: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


class IssueState(models.TextChoices):
    OPEN = "open", "Open"
    RESOLVED = "resolved", "Resolved"
    MUTED = "muted", "Muted"


class IssueKind(models.TextChoices):
    """What became of its runs: they failed, or are held by what the other words say (as HeldBy has them)."""

    FAILED = "failed", "Failed"
    DESTINATION = "destination", "Held: the destination keeps failing"
    CREDENTIAL = "credential", "Held: the credential is refused"
    KEY = "key", "Held: the key of a secret is lost"
    UNKNOWN = "unknown", "Held: nobody knows whether it was done"


class Issue(models.Model):
    """Runs that failed, or are held, at one step for one cause.

    Its id is a digest of flow, step and cause, so that every worker knows it without asking. An alert is due at
    `alert_at`, was told last at `alerted_at`, and its mail is due at `mail_at`; each null where there is none.
    """

    id = models.BigIntegerField(primary_key=True)
    workspace = models.ForeignKey(Workspace, related_name="issues", db_index=False, **_FREE)
    flow = models.ForeignKey(Flow, related_name="issues", **_FREE)
    step = models.CharField(max_length=64, blank=True, help_text="its id; empty: before the first step")
    step_name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=11, choices=IssueKind.choices)
    cause = models.CharField(max_length=300, help_text="in the service's words")
    reason = models.TextField(help_text="that of the last run, as it was stored with it")
    state = models.CharField(max_length=8, choices=IssueState.choices, default=IssueState.OPEN)
    first_at = MomentField(help_text="since it was opened, or opened again")
    last_at = MomentField()
    count = models.IntegerField(help_text="runs since then")
    last_run_id = models.BigIntegerField()
    silence = models.BigIntegerField(help_text="microseconds after an alert without another, as the flow says")
    alert_at = MomentField(null=True)
    alerted_at = MomentField(null=True)
    mail_at = MomentField(null=True)
    mail_tries = models.IntegerField(default=0, db_default=0)

    if TYPE_CHECKING:
        workspace_id: int
        flow_id: int

    class Meta:
        indexes = (
            models.Index(fields=["workspace", "state", "-last_at"], name="issue_workspace"),
            models.Index(fields=["alert_at"], condition=models.Q(alert_at__isnull=False), name="issue_alert"),
            models.Index(fields=["mail_at"], condition=models.Q(mail_at__isnull=False), name="issue_mail"),
        )

    def __str__(self) -> str:
        return self.cause

    @property
    def ref(self) -> str:
        return ids.text(self.pk)

    @property
    def run_ref(self) -> str:
        """The last of its runs."""
        return ids.text(self.last_run_id)
