"""Schedules: the next start of each scheduled flow."""

from __future__ import annotations

from django.db import models

from relay.models.fields import MomentField
from relay.models.flows import Flow


class Schedule(models.Model):
    """The next start of a live, scheduled flow; advanced only where `next_at` still has its old value."""

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, primary_key=True, related_name="schedule")
    next_at = MomentField(db_index=True, null=True, help_text="null: never again")
    times = models.CharField(
        max_length=400, help_text="the times from which `next_at` was computed; computed again when they change"
    )

    def __str__(self) -> str:
        return f"{self.flow_id}: {self.next_at}"
