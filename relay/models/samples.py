"""Samples: named events to build and test a flow with."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone

from relay.models.fields import SentJson
from relay.models.flows import Flow

UNDO_WINDOW = timedelta(days=1)  # in which a removed sample can be restored


class SampleQuerySet(models.QuerySet["Sample"]):
    """The samples of flows. A removed sample can be restored for a while; until then it belongs to no list."""

    def kept(self) -> Self:
        return self.filter(removed_at=None)

    def forget_removed(self) -> int:
        """Delete removed samples that can't be restored any more, and return their number."""
        return self.filter(removed_at__lt=timezone.now() - UNDO_WINDOW).delete()[0]


class Sample(models.Model):
    """A named event, without secrets of its sender. `size` is the bytes of its body."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="samples")
    name = models.CharField(max_length=100)
    event = SentJson(help_text='{"method", "headers", "query", "body"}: shape in engine/intake/event_json.py')
    size = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = SampleQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["flow", "name"], condition=models.Q(removed_at=None), name="sample_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name
