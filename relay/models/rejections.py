"""Rejected requests: the newest of each flow, stored for a short time so that people see why; never run."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay import ids
from relay.models.accounts import Workspace
from relay.models.fields import JsonText, MomentField
from relay.models.flows import Flow

_WITHOUT_CONSTRAINT: Any = {"on_delete": models.DO_NOTHING, "db_constraint": False}


class Why(models.TextChoices):
    """The kind of a rejection; its `reason` is a sentence."""

    SIGNATURE = "signature", "Signature"
    METHOD = "method", "Method"
    SIZE = "size", "Size"
    RATE = "rate", "Rate"
    ADDRESS = "address", "Address"
    TIME = "time", "Too slow"
    ENCODING = "encoding", "Encoding"
    LOOP = "loop", "Loop"
    HANDSHAKE = "handshake", "Handshake"  # answered, and not stored as an event


class Rejection(models.Model):
    """One rejected request. `headers` and `body` are cut; `size` is the whole body's, None if unknown."""

    id = models.BigIntegerField(primary_key=True, default=ids.new)
    workspace = models.ForeignKey(Workspace, related_name="rejections", db_index=False, **_WITHOUT_CONSTRAINT)
    flow = models.ForeignKey(Flow, related_name="rejections", db_index=False, **_WITHOUT_CONSTRAINT)
    why = models.CharField(max_length=10, choices=Why.choices)
    reason = models.TextField()
    status = models.SmallIntegerField(help_text="the status that the sender got")
    method = models.CharField(max_length=20)
    query = models.TextField(blank=True, default="")
    headers = JsonText()
    content_type = models.CharField(max_length=255, blank=True, default="")
    body = models.BinaryField(default=b"")
    size = models.BigIntegerField(null=True, help_text="bytes that were received or declared")
    remote = models.CharField(max_length=45, blank=True, default="")

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
    """The number of rejected requests of a flow that were only counted, because there were too many a second."""

    flow = models.OneToOneField(Flow, primary_key=True, related_name="unkept", **_WITHOUT_CONSTRAINT)
    workspace = models.ForeignKey(Workspace, related_name="unkept", **_WITHOUT_CONSTRAINT)
    count = models.BigIntegerField(default=0)
    last_at = MomentField()

    def __str__(self) -> str:
        return f"{self.count} of {self.flow_id}"
