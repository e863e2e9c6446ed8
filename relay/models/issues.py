"""Issues: identical failures, grouped by flow, step and cause."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.fields import MomentField
from relay.models.flows import Flow

# As for runs: plain SQL writes rows while their flow may be removed, which removes them, too.
_WITHOUT_CONSTRAINT: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


class IssueState(models.TextChoices):
    OPEN = "open", "Open"
    RESOLVED = "resolved", "Resolved"
    MUTED = "muted", "Muted"


class IssueKind(models.TextChoices):
    """The state of its runs: they failed, or they are held for one of the other reasons (see HeldBy).

    An issue of the kind `webhook` has no runs: it counts failed tries.
    """

    FAILED = "failed", "Failed"
    DESTINATION = "destination", "Held: the destination keeps failing"
    CREDENTIAL = "credential", "Held: the credential is refused"
    KEY = "key", "Held: the key of a secret is lost"
    UNKNOWN = "unknown", "Held: unknown outcome"
    WORKER = "worker", "Held: it keeps ending its worker"
    WEBHOOK = "webhook", "The webhook at the sender can't be renewed"


class Issue(models.Model):
    """Runs that failed, or are held, at one step for one cause.

    Its id is a digest of flow, step and cause, so that every worker computes it without a query. An alert is due at
    `alert_at` and was last sent at `alerted_at`; its mail is due at `mail_at`. Each is null if there is none.
    """

    id = models.BigIntegerField(primary_key=True)
    workspace = models.ForeignKey(Workspace, related_name="issues", db_index=False, **_WITHOUT_CONSTRAINT)
    flow = models.ForeignKey(Flow, related_name="issues", **_WITHOUT_CONSTRAINT)
    step = models.CharField(max_length=64, blank=True, help_text="id of the step; empty: before the first step")
    step_name = models.CharField(max_length=200, blank=True)
    kind = models.CharField(max_length=11, choices=IssueKind.choices)
    cause = models.CharField(max_length=300, help_text="in the service's words")
    reason = models.TextField(help_text="the reason of the last run, as stored with it")
    state = models.CharField(max_length=8, choices=IssueState.choices, default=IssueState.OPEN)
    first_at = MomentField(help_text="since it was opened, or opened again")
    last_at = MomentField()
    count = models.IntegerField(help_text="runs since then")
    last_run_id = models.BigIntegerField(help_text="0: it has no runs")
    silence = models.BigIntegerField(help_text="microseconds without another alert after one, as the flow says")
    alert_at = MomentField(null=True)
    alerted_at = MomentField(null=True)
    mail_at = MomentField(null=True)
    mail_tries = models.IntegerField(default=0, db_default=0)

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
        """Return the reference of its last run; "" if it has no runs."""
        return ids.text(self.last_run_id) if self.last_run_id else ""
