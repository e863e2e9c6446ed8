"""Invites members, changes their roles and removes them. A workspace never loses its last owner."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from relay.engine import audit
from relay.engine.people import accounts, api_tokens
from relay.errors import RelayError
from relay.models import Invitation, Membership, Role, User, Workspace
from relay.models.invitations_and_tokens import digest

MAX_DAYS = 90
INVITING_ROLE = Role.OWNER


def create_workspace(name: str, *, by: User) -> Workspace:
    """Create another workspace, owned by `by`."""
    if not name.strip():
        raise RelayError("A workspace needs a name")
    with transaction.atomic():
        workspace = Workspace.objects.create(name=name.strip()[:100])
        Membership.objects.create(workspace=workspace, user=by, role=Role.OWNER)
        audit.note(workspace, "workspace.created", workspace)
    return workspace


def rename(workspace: Workspace, name: str) -> None:
    if not name.strip():
        raise RelayError("A workspace needs a name")
    former, workspace.name = workspace.name, name.strip()[:100]
    workspace.save(update_fields=["name"])
    if former != workspace.name:
        audit.note(workspace, "workspace.renamed", workspace, change=f"“{former}” is now “{workspace.name}”")


def invite(workspace: Workspace, role: Role, *, days: int, note: str = "", by: User | None = None) -> str:
    """Create an invitation for one person and return its link, which is not stored and can't be shown again."""
    if not 1 <= days <= MAX_DAYS:
        raise RelayError(f"Choose 1 to {MAX_DAYS} days")
    token = Invitation.new_token()
    ends_at = timezone.now() + timedelta(days=days)
    with transaction.atomic():
        record = Invitation.objects.create(
            workspace=workspace,
            digest=digest(token),
            role=role,
            note=note.strip()[:100],
            created_by=by,
            ends_at=ends_at,
        )
        audit.note(workspace, "invitation.created", record.note, ref=record.pk, change=f"{role.label}, for {days} days")
    return Invitation.url(token)


def find_invitation(token: str) -> Invitation | None:
    """The invitation of a link; None if it was used or revoked, has expired, or its creator may no longer invite."""
    return _usable().filter(digest=digest(token)).select_related("workspace").first()


def _usable() -> QuerySet[Invitation]:
    """Open invitations whose creators may still invite."""
    owners = Membership.objects.filter(
        workspace=OuterRef("workspace"), user=OuterRef("created_by"), user__is_active=True, role=INVITING_ROLE
    )
    usable: QuerySet[Invitation] = Invitation.objects.open().filter(Q(created_by=None) | Exists(owners))
    return usable


def revoke(invitation: Invitation, why: str = "") -> None:
    with transaction.atomic():
        if not Invitation.objects.filter(pk=invitation.pk).delete()[0]:
            raise RelayError("This invitation was used or revoked already")
        audit.note(invitation.workspace_id, "invitation.revoked", invitation.note, ref=invitation.pk, change=why)


def _revoke_all(creator: Membership, why: str) -> None:
    """Revoke the invitations of a person who may no longer invite and could use them to join again."""
    for invitation in Invitation.objects.filter(workspace_id=creator.workspace_id, created_by_id=creator.user_id):
        revoke(invitation, why)


def join(invitation: Invitation, user: User) -> None:
    """Make a user a member by an invitation, which is used up; RelayError for a member, or if it is not usable."""
    with transaction.atomic():
        # With these locks no role changes meanwhile, and no password link that predates this membership is used.
        Workspace.objects.select_for_update().get(pk=invitation.workspace_id)
        User.objects.select_for_update().get(pk=user.pk)
        # Of two concurrent uses, the one that deletes the row succeeds.
        if (
            not _usable().filter(pk=invitation.pk).exists()
            or not Invitation.objects.filter(pk=invitation.pk).delete()[0]
        ):
            raise RelayError("This invitation was used or revoked, or has expired; ask for another")
        _, is_new = Membership.objects.get_or_create(
            workspace=invitation.workspace, user=user, defaults={"role": invitation.role}
        )
        if not is_new:
            raise RelayError(f"You are a member of {invitation.workspace.name} already")
        audit.note(invitation.workspace_id, "member.joined", user, ref=user.pk, change=Role(invitation.role).label)


def join_as_new(invitation: Invitation, email: str, password: str) -> User:
    """Create an account that becomes a member by an invitation."""
    user = accounts.build_user(email, password)
    with transaction.atomic():
        accounts.save_user(user)
        join(invitation, user)
    return user


def change_role(membership: Membership, role: Role) -> None:
    """Give a member another role; RelayError for the last owner."""
    with transaction.atomic():
        current = _lock(membership)
        if role != Role.OWNER:
            _require_another_owner(current)
        Membership.objects.filter(pk=current.pk).update(role=role)
        if role != Role.OWNER:
            _revoke_all(current, f"{current.user} is no longer an owner")
        if current.role != role:
            change = f"{Role(current.role).label} is now {role.label}"
            audit.note(current.workspace_id, "member.role_changed", current.user, ref=current.user_id, change=change)


def remove(membership: Membership, *, by: User | None = None) -> None:
    """Remove a member, who may be `by`; RelayError for the last owner."""
    with transaction.atomic():
        current = _lock(membership)
        _require_another_owner(current)
        Membership.objects.filter(pk=current.pk).delete()
        api_tokens.revoke_all(current.user, current.workspace)
        _revoke_all(current, f"{current.user} is no longer a member")
        verb = "member.left" if by is not None and by.pk == current.user_id else "member.removed"
        audit.note(current.workspace_id, verb, current.user, ref=current.user_id)


def _lock(membership: Membership) -> Membership:
    # Two owners who leave at the same time would each see the other. The lock on the workspace's row makes them take
    # turns on PostgreSQL, the transaction itself does on SQLite.
    Workspace.objects.select_for_update().get(pk=membership.workspace_id)
    current = Membership.objects.filter(pk=membership.pk).select_related("user", "workspace").first()
    if current is None:
        raise RelayError("This person is no longer a member")
    return current


def _require_another_owner(membership: Membership) -> None:
    owners = Membership.objects.filter(workspace_id=membership.workspace_id, role=Role.OWNER)
    others = owners.exclude(pk=membership.pk)
    if membership.role == Role.OWNER and not others.exists():
        raise RelayError("A workspace needs an owner: make somebody else an owner first")
