"""Rejected requests: kept for people to see why, the newest few of a flow for a short time, and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.fields import JsonText, MomentField
from relay.models.flows import Flow

_FREE: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


class Why(models.TextChoices):
    """The kind of reason for which a request was rejected; `reason` says it in words."""

    SIGNATURE = "signature", "Signature"
    METHOD = "method", "Method"
    SIZE = "size", "Size"
    RATE = "rate", "Rate"
    ADDRESS = "address", "Address"
    TIME = "time", "Too slow"
    ENCODING = "encoding", "Encoding"
    LOOP = "loop", "Loop"
    HANDSHAKE = "handshake", "Handshake"  # answered as the sender asked, and no event


class Rejection(models.Model):
    """One rejected request. `headers` and `body` are cut; `size` is the whole body's, None where it's not known."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, related_name="rejections", db_index=False, **_FREE)
    flow = models.ForeignKey(Flow, related_name="rejections", db_index=False, **_FREE)
    why = models.CharField(max_length=10, choices=Why.choices)
    reason = models.TextField()
    status = models.SmallIntegerField(help_text="what the sender was answered")
    method = models.CharField(max_length=20)
    query = models.TextField(blank=True, default="")
    headers = JsonText()
    content_type = models.CharField(max_length=255, blank=True, default="")
    body = models.BinaryField(default=b"")
    size = models.BigIntegerField(null=True, help_text="bytes that came or were declared")
    remote = models.CharField(max_length=45, blank=True, default="")

    if TYPE_CHECKING:
        flow_id: int
        workspace_id: int

    class Meta:
        indexes = (
            models.Index(fields=["flow", "id"], name="rejection_flow"),
            models.Index(fields=["workspace", "id"], name="rejection_workspace"),
        )

    def __str__(self) -> str:
        return f"{self.why}: {self.reason}"

    @property
    def ref(self) -> str:
        return ids.text(self.pk)


class Unkept(models.Model):
    """How many rejected requests of a flow were counted only: they came faster than a few a second."""

    flow = models.OneToOneField(Flow, primary_key=True, related_name="unkept", **_FREE)
    workspace = models.ForeignKey(Workspace, related_name="unkept", **_FREE)
    count = models.BigIntegerField(default=0)
    last_at = MomentField()

    if TYPE_CHECKING:
        flow_id: int
        workspace_id: int

    def __str__(self) -> str:
        return f"{self.count} of {self.flow_id}"
