"""Batches: many runs replayed as one job that outlives its page and a crash."""

from __future__ import annotations

from django.db import models

from relay.models.accounts import User, Workspace
from relay.models.fields import JsonText, MomentField


class ReplayMode(models.TextChoices):
    FAILED_STEPS = "failed_steps", "Only the failed steps"
    FROM_START = "from_start", "From the start, on today's version"
    AS_IT_WAS = "as_it_was", "From the start, on the version of then"


class BatchState(models.TextChoices):
    GOING = "going", "Going on"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class Batch(models.Model):
    """A replay of many: which (`chosen`, a filter), how, how fast, and how far it is."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="batches")
    chosen = JsonText(help_text="the filter of the runs page: flow, state, text, dates")
    mode = models.CharField(max_length=12, choices=ReplayMode.choices)
    per_minute = models.IntegerField(default=0, help_text="0: as fast as they go")
    state = models.CharField(max_length=9, choices=BatchState.choices, default=BatchState.GOING)
    total = models.IntegerField()
    made = models.IntegerField(default=0, help_text="runs replayed so far")
    skipped = models.IntegerField(default=0, help_text="runs that could not be replayed")
    # Runs are replayed from the oldest on; only those up to `last` belong to it.
    after = models.BigIntegerField(default=0)
    last = models.BigIntegerField()
    due_at = MomentField(null=True)
    created_at = MomentField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"replay of {self.total}"
