"""Models of people, workspaces and memberships."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str, **extra: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person, who signs in with the e-mail address."""

    email = models.EmailField("e-mail address", unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return self.email


class Workspace(models.Model):
    """Owns everything else; every query of a page starts here."""

    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    retention_days = models.PositiveIntegerField(
        default=30, help_text="days for which events and runs are stored; 0: no limit"
    )
    timezone = models.CharField(
        max_length=64, default="UTC", db_default="UTC", help_text="the time zone of dates and times without one"
    )
    alert_flow: Any = models.ForeignKey(
        "Flow",
        null=True,
        related_name="+",
        on_delete=models.SET_NULL,
        help_text="the flow that receives alerts as events",
    )
    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """The rights of a member: a viewer reads, an editor changes, an owner also manages people and secrets."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"

    def allows(self, least: Role) -> bool:
        """Return whether this role has at least the rights of `least`."""
        return _RANKS[self] >= _RANKS[least]


_RANKS = {Role.VIEWER: 1, Role.EDITOR: 2, Role.OWNER: 3}


class Membership(models.Model):
    """One person in one workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.OWNER)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "user"], name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"
