"""Connections: sealed credentials for a connector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from relay.models.accounts import Workspace
from relay.models.flows import open_vault


class Connection(models.Model):
    """A named, sealed credential; flow documents name it, never hold it."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="connections")
    name = models.CharField(max_length=100)
    connector = models.CharField(max_length=60)
    sealed = models.BinaryField()
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
        self.sealed = open_vault().seal(self._owner(), values)

    def unseal(self) -> dict[str, Any]:
        return open_vault().open(self._owner(), bytes(self.sealed))

    def _owner(self) -> str:
        return connection_owner(self.workspace_id, self.name)


def connection_owner(workspace_id: int, name: str) -> str:
    """What a sealed value is bound to: it can't be opened under another name or workspace."""
    return f"connection:{workspace_id}:{name}"
