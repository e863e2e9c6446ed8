"""The built-in inbox: where `inbox.post` puts its messages."""

from __future__ import annotations

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.fields import MomentField


class InboxMessage(models.Model):
    """A message shown on the inbox page, as a chat service would show it."""

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
