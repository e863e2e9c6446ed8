"""Connections: sealed credentials for a connector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from relay.models import sealing
from relay.models.accounts import Workspace
from relay.models.sealing import SealedField


class Connection(models.Model):
    """A named, sealed credential; flow documents name it, never hold it."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="connections")
    name = models.CharField(max_length=100)
    connector = models.CharField(max_length=60)
    sealed = SealedField(
        owner="connection:{row.workspace_id}:{row.name}",
        what="the connection “{row.name}”",
        remedy="enter its fields again under Connections",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    rate = models.CharField(max_length=20, blank=True, default="", help_text="requests at most: 1/s, 30/m, 500/h")
    succeeded_at = models.DateTimeField(null=True)

    if TYPE_CHECKING:
        workspace_id: int

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "name"], name="connection_name_once"),)

    def __str__(self) -> str:
        return self.name

    def seal(self, values: dict[str, Any]) -> None:
        self.sealed = sealing.seal(self, "sealed", values)

    def unseal(self) -> dict[str, Any]:
        return sealing.unseal(self, "sealed")
