"""What steps remember from run to run: the last value, the keys that came, and what is being gathered."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay.models.fields import JsonText, MomentField
from relay.models.flows import Flow

_FREE: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


class StepState(models.Model):
    """What one step of a flow remembers for one key. Changed under its own lock, together with the run it decides."""

    flow = models.ForeignKey(Flow, related_name="step_states", db_index=False, **_FREE)
    step = models.CharField(max_length=64)
    key = models.CharField(max_length=64, help_text="SHA-256 of the key")
    value = JsonText(null=True, help_text="the last value that went on")
    source = models.CharField(max_length=96, default="", help_text="the event, and the entry of it, that set this last")
    run_id = models.BigIntegerField(null=True, db_index=True, help_text="the run that gathers")
    count = models.IntegerField(default=0, help_text="runs gathered so far")
    until = MomentField(null=True, help_text="the end of the window; null: none")
    touched_at = MomentField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["flow", "step", "key"], name="step_state_once"),)

    def __str__(self) -> str:
        return f"{self.step} {self.key[:8]}"


class Gathered(models.Model):
    """One event that a digest has gathered, for the run that goes on with it."""

    into_id = models.BigIntegerField(db_index=True, help_text="the run that goes on with all")
    run_id = models.BigIntegerField()
    item = JsonText()

    def __str__(self) -> str:
        return str(self.run_id)
