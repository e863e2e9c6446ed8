"""Destinations whose circuit breaker or credential holds runs."""

from __future__ import annotations

from django.db import models

from relay.models.accounts import Workspace
from relay.models.fields import MomentField


class DestinationState(models.TextChoices):
    OPEN = "open", "Held: it keeps failing"  # the breaker is open
    CLOSING = "closing", "It answers again; held runs are being released"
    REFUSED = "refused", "Held: it refuses the credential"
    LOCKED = (
        "locked",
        "Held: the key of its secret is lost",
    )  # no origin; `connection` is a connection, or `vars.<name>`


class Destination(models.Model):
    """An origin, as one connection calls it; a row exists only while runs are held for it or being released."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="destinations")
    origin = models.CharField(max_length=300)
    connection = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=8, choices=DestinationState.choices)
    reason = models.TextField(blank=True, default="")
    since = MomentField()
    probe_at = MomentField(null=True)
    probes = models.IntegerField(default=0, help_text="probes that failed in a row")
    letting_out = models.IntegerField(default=0, help_text="runs released in the last round; doubles each second")

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "origin", "connection"], name="destination_once"),)

    def __str__(self) -> str:
        return f"{self.origin} ({self.connection})" if self.connection else self.origin
