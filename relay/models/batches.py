"""Bulk replays: jobs that replay many runs in the background and survive a restart."""

from __future__ import annotations

from django.db import models

from relay.models.accounts import User, Workspace
from relay.models.fields import JsonText, MomentField


class ReplayMode(models.TextChoices):
    FAILED_STEPS = "failed_steps", "Only the failed steps"
    FROM_START = "from_start", "From the start, on the live version"
    AS_IT_WAS = "as_it_was", "From the start, on the version that the run used"


class BatchState(models.TextChoices):
    RUNNING = "running", "In progress"
    DONE = "done", "Done"
    CANCELLED = "cancelled", "Cancelled"


class Batch(models.Model):
    """A bulk replay: the filter of its runs (`chosen`), its mode, pace and progress."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="batches")
    chosen = JsonText(help_text="the filter of the runs page: flow, state, text, dates")
    mode = models.CharField(max_length=12, choices=ReplayMode.choices)
    per_minute = models.IntegerField(default=0, help_text="0: as fast as possible")
    state = models.CharField(max_length=9, choices=BatchState.choices, default=BatchState.RUNNING)
    total = models.IntegerField()
    made = models.IntegerField(default=0, help_text="runs replayed so far")
    skipped = models.IntegerField(default=0, help_text="runs that could not be replayed")
    # Runs are replayed oldest first: `after` is the last one so far, and only runs up to `last` belong to it.
    after = models.BigIntegerField(default=0)
    last = models.BigIntegerField()
    due_at = MomentField(null=True)
    created_at = MomentField()
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    def __str__(self) -> str:
        return f"replay of {self.total}"
