"""Messages of the built-in inbox, which the action `inbox.post` creates."""

from __future__ import annotations

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.fields import MomentField


class InboxMessage(models.Model):
    """A message on the inbox page, shown as in a chat service."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="inbox_messages")
    run_id = models.BigIntegerField()
    channel = models.CharField(max_length=80)
    title = models.CharField(max_length=200, blank=True)
    text = models.TextField()
    created_at = MomentField()

    class Meta:
        indexes = (models.Index(fields=["workspace", "-id"], name="inbox_newest"),)

    def __str__(self) -> str:
        return f"#{self.channel}: {self.text[:40]}"

    @property
    def run_ref(self) -> str:
        return ids.text(self.run_id)
