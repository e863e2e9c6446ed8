"""Samples: named events kept to build and check a flow against."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone

from relay.models.fields import JsonText
from relay.models.flows import Flow

TAKEN_BACK = timedelta(days=1)  # for which what was removed can be


class SampleQuerySet(models.QuerySet["Sample"]):
    """The samples of flows; what was removed can be taken back for a while, and is nobody's until then."""

    def kept(self) -> Self:
        return self.filter(removed_at=None)

    def forget_removed(self) -> int:
        """Delete what can't be taken back any more; how many those are."""
        return self.filter(removed_at__lt=timezone.now() - TAKEN_BACK).delete()[0]


class Sample(models.Model):
    """One event by a name, without the secrets that it came with. `size`: bytes of its body."""

    flow = models.ForeignKey(Flow, on_delete=models.CASCADE, related_name="samples")
    name = models.CharField(max_length=100)
    event = JsonText(help_text='{"method", "headers", "query", "body"}: shape in engine/eventshape.py')
    size = models.IntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = SampleQuerySet.as_manager()

    if TYPE_CHECKING:
        flow_id: int

    class Meta:
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(
                fields=["flow", "name"], condition=models.Q(removed_at=None), name="sample_name_once"
            ),
        )

    def __str__(self) -> str:
        return self.name
