"""Schedules: when each flow that starts by the clock starts next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models

from relay.models.fields import MomentField
from relay.models.flows import Flow


class Schedule(models.Model):
    """One row for each live flow that starts by the clock; moved on under the moment that it had."""

    flow = models.OneToOneField(Flow, on_delete=models.CASCADE, primary_key=True, related_name="schedule")
    next_at = MomentField(db_index=True, null=True, help_text="null: never again")
    times = models.CharField(max_length=400, help_text="what it was reckoned from; another, and it is reckoned anew")

    if TYPE_CHECKING:
        flow_id: int

    def __str__(self) -> str:
        return f"{self.flow_id}: {self.next_at}"
