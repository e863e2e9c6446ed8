"""People, workspaces and who belongs to which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from relay.models.connections import Connection
    from relay.models.flows import Flow
    from relay.models.inbox import InboxMessage
    from relay.models.issues import Issue
    from relay.models.ledger import Event, Run
    from relay.models.rejections import Rejection, Unkept


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str, **extra: Any) -> User:
        user = self.model(email=self.normalize_email(email).lower(), **extra)
        user.set_password(password)
        user.save()
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").lower())


class User(AbstractBaseUser):
    """A person; the e-mail address is the name to sign in with."""

    email = models.EmailField("e-mail address", unique=True)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    if TYPE_CHECKING:
        memberships: RelatedManager[Membership]

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    objects = UserManager()

    def __str__(self) -> str:
        return self.email


class Workspace(models.Model):
    """Owns everything; every query of a page starts here."""

    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    retention_days = models.PositiveIntegerField(
        default=30, help_text="days that events and runs are kept; 0: for ever"
    )
    timezone = models.CharField(
        max_length=64, default="UTC", db_default="UTC", help_text="of dates and times that name none"
    )
    alert_flow: Any = models.ForeignKey(
        "Flow",
        null=True,
        related_name="+",
        on_delete=models.SET_NULL,
        help_text="what is told of issues, as events of its trigger",
    )
    members = models.ManyToManyField(User, through="Membership", related_name="workspaces")

    if TYPE_CHECKING:
        alert_flow_id: int | None
        issues: RelatedManager[Issue]
        flows: RelatedManager[Flow]
        runs: RelatedManager[Run]
        events: RelatedManager[Event]
        connections: RelatedManager[Connection]
        inbox_messages: RelatedManager[InboxMessage]
        memberships: RelatedManager[Membership]
        rejections: RelatedManager[Rejection]
        unkept: RelatedManager[Unkept]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    """What a member may do: a viewer sees, an editor changes, an owner also decides about people and secrets."""

    OWNER = "owner", "Owner"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"

    def allows(self, least: Role) -> bool:
        """Whether this role may do what asks for at least `least`."""
        return _RANKS[self] >= _RANKS[least]


_RANKS = {Role.VIEWER: 1, Role.EDITOR: 2, Role.OWNER: 3}


class Membership(models.Model):
    """One person in one workspace."""

    workspace = models.ForeignKey(Workspace, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.OWNER)

    if TYPE_CHECKING:
        workspace_id: int
        user_id: int

    class Meta:
        constraints = (models.UniqueConstraint(fields=["workspace", "user"], name="membership_once"),)

    def __str__(self) -> str:
        return f"{self.user} in {self.workspace}"
