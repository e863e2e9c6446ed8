"""Models of invitations to a workspace and of API tokens; only digests of their secrets are stored."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from relay.models.accounts import Role, User, Workspace

TOKEN_BYTES = 24  # 192 random bits
API_PREFIX = "relay_"  # by which people and secret scanners recognise a token


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class ExpiringQuerySet(models.QuerySet[Any]):
    """Rows that may have an end date."""

    def open(self) -> ExpiringQuerySet:
        return self.filter(models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=timezone.now()))


class Invitation(models.Model):
    """A link that makes the person who opens it a member, once and until a date."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    note = models.CharField(max_length=100, blank=True, help_text="who it is for")
    created_at = models.DateTimeField(auto_now_add=True)
    # Null: made by a command. An invitation is deleted with the account that made it.
    created_by = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    ends_at = models.DateTimeField()

    objects = ExpiringQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.get_role_display()} of {self.workspace}"

    @classmethod
    def new_token(cls) -> str:
        return secrets.token_urlsafe(TOKEN_BYTES)

    @staticmethod
    def url(token: str) -> str:
        return f"{settings.PUBLIC_URL}/join/{token}/"


class Scope(models.TextChoices):
    READ = "read", "Read"
    WRITE = "write", "Read and change"


class ApiToken(models.Model):
    """A token for the API of one workspace; its holder acts in its name."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8, help_text="its last letters, to recognise it")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    # Null: made by a command. A token is deleted with the account that made it.
    created_by: Any = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    ends_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = ExpiringQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

    def allows(self, role: str | None) -> Scope | None:
        """Return the token's rights, limited by the current role of its maker; None for no rights."""
        if self.created_by_id is None:
            return Scope(self.scope)
        if role is None:
            return None
        return Scope(self.scope) if Role(role).allows(Role.EDITOR) else Scope.READ

    @classmethod
    def new_token(cls) -> str:
        return API_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)

    @property
    def is_over(self) -> bool:
        return self.ends_at is not None and self.ends_at <= timezone.now()

    def used(self, at: datetime, *, every: float) -> None:
        """Store the time of use, unless one was stored within the last `every` seconds."""
        if self.last_used_at is None or (at - self.last_used_at).total_seconds() >= every:
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=at)
