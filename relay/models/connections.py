"""Connections: sealed credentials for connectors, the clients of OAuth 2.0, and authorizations under way."""

from __future__ import annotations

from typing import Any

from django.db import models

from relay.models import sealing
from relay.models.accounts import User, Workspace
from relay.models.fields import MomentField
from relay.models.sealing import SealedField


class Connection(models.Model):
    """A named, sealed credential; flow documents contain its name, never its value."""

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
    rate = models.CharField(max_length=20, blank=True, default="", help_text="limit of requests: 1/s, 30/m, 500/h")
    # Of runs, up to a minute late (engine/settle/connection_use.py), and of tests.
    used_at = models.DateTimeField(null=True, help_text="when a run used it last")
    succeeded_at = models.DateTimeField(null=True, help_text="when a request or a test succeeded last")
    tested_at = models.DateTimeField(null=True, help_text="when it was tested last")
    test_error = models.TextField(
        blank=True, default="", db_default="", help_text="why the last test failed; empty: it succeeded"
    )
    tested_as = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="whom the last test says it is connected as"
    )
    # Of a connection by OAuth 2.0. Columns, so that a walk knows without a query whether its token is valid.
    token_revision = models.IntegerField(
        null=True, help_text="counts the changes of its tokens, 0 before the first; null: it isn't connected by OAuth"
    )
    token_expires_at = MomentField(null=True, help_text="null: the access token doesn't expire")
    renewing_until = MomentField(
        null=True, help_text="until then one process renews the token or, after a fault, none does"
    )
    renewal_faults = models.IntegerField(default=0, db_default=0, help_text="faults of the token endpoint in a row")
    token_fault = models.TextField(
        default="", db_default="", help_text="why there is no token; for good if `renewing_until` is null"
    )
    connected_as = models.CharField(max_length=200, default="", db_default="")
    connected_by = models.CharField(max_length=254, default="", db_default="")
    connected_at = models.DateTimeField(null=True)
    granted_scopes = models.TextField(default="", db_default="", help_text="separated by spaces")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "name"], name="connection_name_once"),)

    def __str__(self) -> str:
        return self.name

    def seal(self, values: dict[str, Any]) -> None:
        self.sealed = sealing.seal(self, "sealed", values)

    def unseal(self) -> dict[str, Any]:
        return sealing.unseal(self, "sealed")


class OAuthClient(models.Model):
    """Relay as a service knows it: the id and secret that an owner has registered, once for each connector."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="oauth_clients")
    connector = models.CharField(max_length=60)
    sealed = SealedField(
        owner="oauth-client:{row.workspace_id}:{row.connector}",
        what="the OAuth client for {row.connector}",
        remedy="enter its id and secret again under Connections",
    )
    changed_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "connector"], name="oauth_client_once"),)

    def __str__(self) -> str:
        return self.connector

    def seal(self, values: dict[str, Any]) -> None:
        self.sealed = sealing.seal(self, "sealed", values)

    def unseal(self) -> dict[str, Any]:
        return sealing.unseal(self, "sealed")


class PendingAuthorization(models.Model):
    """An authorization that a person has started and whose answer has not arrived. The row is deleted when it does.

    `state_digest` and `session_digest`: SHA-256 of the state in the URL and of the key of the person's session.
    """

    state_digest = models.CharField(max_length=64, unique=True)
    session_digest = models.CharField(max_length=64)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="+")
    sealed = SealedField(
        owner="authorization:{row.state_digest}",
        what="an authorization that somebody has started",
        remedy="connect again",
    )
    expires_at = MomentField(db_index=True)

    def __str__(self) -> str:
        return f"authorization of {self.connection_id}"

    def seal(self, values: dict[str, Any]) -> None:
        self.sealed = sealing.seal(self, "sealed", values)

    def unseal(self) -> dict[str, Any]:
        return sealing.unseal(self, "sealed")
