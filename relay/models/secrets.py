"""Secrets with which a trigger verifies its sender: sealed, several valid at once, and outside of versions."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.utils import timezone

from relay.models import sealing
from relay.models.flows import Trigger
from relay.models.sealing import SealedField


class TriggerSecretQuerySet(models.QuerySet["TriggerSecret"]):
    def for_senders(self, *senders: str) -> Self:
        """Filter secrets that are valid for one of these senders."""
        return self.filter(sender__in=("", *senders))

    def for_other_senders(self, *senders: str) -> Self:
        """Filter secrets that are valid for none of these senders."""
        return self.exclude(sender__in=("", *senders))


class TriggerSecret(models.Model):
    """One secret, with one part or several. It is valid until `ends_at`; its row stays, and prevents a handshake."""

    trigger = models.ForeignKey(Trigger, on_delete=models.CASCADE, related_name="secrets")
    sealed = SealedField(
        owner="trigger-secret:{row.trigger_id}",
        what="a secret by which the flow “{row.trigger.flow}” of {row.trigger.flow.workspace} knows its sender",
        remedy="remove it in the flow's trigger and enter it again",
    )
    sender = models.CharField(
        max_length=130,
        blank=True,
        default="",
        db_default="",
        help_text="the sender it is for: flows.verification; empty: any",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    by_handshake = models.BooleanField(default=False, help_text="the sender set it; people may need to see it")

    objects = TriggerSecretQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"secret of {self.trigger}"

    @property
    def is_over(self) -> bool:
        return self.ends_at is not None and self.ends_at <= timezone.now()

    def seal(self, values: dict[str, str]) -> None:
        self.sealed = sealing.seal(self, "sealed", values)

    def unseal(self) -> dict[str, Any]:
        return sealing.unseal(self, "sealed")
