"""The state that steps keep between runs: the last value, the keys seen, and the gathered items."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay.models.fields import MomentField, SentJson
from relay.models.flows import Flow

_WITHOUT_CONSTRAINT: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


class StepState(models.Model):
    """The state of one step for one key. It changes under its own lock, together with the run that it affects."""

    flow = models.ForeignKey(Flow, related_name="step_states", db_index=False, **_WITHOUT_CONSTRAINT)
    step = models.CharField(max_length=64)
    key = models.CharField(max_length=64, help_text="SHA-256 of the key")
    value = SentJson(null=True, help_text="the last value that passed")
    source = models.CharField(max_length=96, default="", help_text="the event, and its element, that set this last")
    run_id = models.BigIntegerField(null=True, db_index=True, help_text="the run that gathers")
    count = models.IntegerField(default=0, help_text="runs gathered so far")
    size = models.BigIntegerField(null=True, help_text="bytes of the gathered items")
    until = MomentField(null=True, help_text="the end of the window; null: none")
    touched_at = MomentField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["flow", "step", "key"], name="step_state_once"),)

    def __str__(self) -> str:
        return f"{self.step} {self.key[:8]}"


class Gathered(models.Model):
    """One item that a digest has gathered, for the run that continues with all of them."""

    into_id = models.BigIntegerField(db_index=True, help_text="the run that continues with all items")
    run_id = models.BigIntegerField()
    item = SentJson()

    def __str__(self) -> str:
        return str(self.run_id)
