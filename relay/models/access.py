"""Ways in: invitations to a workspace and tokens for its API. Only digests are kept of what opens something."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.utils import timezone

from relay.models.accounts import Role, User, Workspace

TOKEN_BYTES = 24  # 192 random bits
API_PREFIX = "relay_"  # by which people and scanners know such a token again


def digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


class Open(models.QuerySet[Any]):
    """Rows with an end date."""

    def open(self) -> Open:
        return self.filter(models.Q(ends_at__isnull=True) | models.Q(ends_at__gt=timezone.now()))


class Invitation(models.Model):
    """A link that makes whoever opens it a member, once and until a date."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="invitations")
    digest = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=10, choices=Role.choices)
    note = models.CharField(max_length=100, blank=True, help_text="for whom")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    ends_at = models.DateTimeField()

    objects = Open.as_manager()

    if TYPE_CHECKING:
        workspace_id: int

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
    """A key to the API of one workspace; who holds it acts in its name."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=8, help_text="its last letters, to know it again")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    created_at = models.DateTimeField(auto_now_add=True)
    # Null: made by a command. A token goes with the account that made it.
    created_by: Any = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="+")
    ends_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = Open.as_manager()

    if TYPE_CHECKING:
        workspace_id: int
        created_by_id: int | None
        limited: bool

    def __str__(self) -> str:
        return self.name

    def allows(self, role: str | None) -> Scope | None:
        """What it may, by the role that its maker has now: never more than that person; None for nothing."""
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
        """Note the use, unless one was noted within the last `every` seconds."""
        if self.last_used_at is None or (at - self.last_used_at).total_seconds() >= every:
            ApiToken.objects.filter(pk=self.pk).update(last_used_at=at)
