"""Webhooks that Relay has made at senders, by their API, for the triggers of flows."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay.models import sealing
from relay.models.accounts import Workspace
from relay.models.connections import Connection
from relay.models.fields import MomentField
from relay.models.flows import Trigger
from relay.models.sealing import SealedField
from relay.models.secrets import TriggerSecret


class SubscriptionState(models.TextChoices):
    CONNECTING = "connecting", "Being connected"
    CONNECTED = "connected", "Connected"
    FAILING = "failing", "Can't be renewed"
    LEAVING = "leaving", "Being removed"


class TriggerSubscription(models.Model):
    """A webhook at the sender of a trigger. One without a trigger is removed at the sender, after its flow.

    `due_at`: when it is renewed or removed next. While a process does that, it is the end of the process's lease.
    """

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="subscriptions")
    trigger = models.OneToOneField(Trigger, on_delete=models.SET_NULL, null=True, related_name="subscription")
    preset = models.CharField(max_length=60)
    connection = models.ForeignKey(Connection, on_delete=models.SET_NULL, null=True, related_name="subscriptions")
    secret = models.ForeignKey(TriggerSecret, on_delete=models.SET_NULL, null=True, related_name="+")
    mark = models.CharField(max_length=32, unique=True, help_text="random; the sealed values are bound to it")
    webhook_id = models.CharField(max_length=500, default="", help_text="at the sender; empty: not known")
    # {"url", "inputs", "answer"}: the trigger's URL starts the flow, and answers may contain secrets.
    sealed = SealedField(
        owner="subscription:{row.mark}",
        what="what Relay knows of its webhook at a sender ({row.preset})",
        remedy="disconnect the trigger and connect it again",
    )
    about = models.CharField(max_length=300, default="", help_text="what a person chose: “Board: Orders”")
    state = models.CharField(max_length=10, choices=SubscriptionState.choices)
    error = models.TextField(default="", help_text="why it could not be renewed or removed")
    faults = models.IntegerField(default=0, help_text="failed tries in a row")
    made_at = models.DateTimeField(auto_now_add=True)
    made_by = models.CharField(max_length=254, default="")
    renewed_at = models.DateTimeField(null=True)
    ends_at = MomentField(null=True, help_text="null: it doesn't end")
    due_at = MomentField(null=True)

    class Meta:
        indexes = (models.Index(fields=["due_at"], condition=models.Q(due_at__isnull=False), name="subscription_due"),)

    def __str__(self) -> str:
        return f"webhook of {self.trigger_id} at {self.preset}"

    def seal(self, values: dict[str, Any]) -> None:
        self.sealed = sealing.seal(self, "sealed", values)

    def unseal(self) -> dict[str, Any]:
        return sealing.unseal(self, "sealed")
