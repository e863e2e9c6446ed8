"""Members: people are invited, join, change roles, leave; a workspace never loses its last owner."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from relay.engine import accounts, audit, tokens
from relay.errors import RelayError
from relay.models import Invitation, Membership, Role, User, Workspace
from relay.models.access import digest

LONGEST_DAYS = 90


def create_workspace(name: str, *, by: User) -> Workspace:
    """A further workspace, whose owner is who makes it."""
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
    """A link by which one person joins with a role within so many days; it is told this once and never again."""
    if not 1 <= days <= LONGEST_DAYS:
        raise RelayError(f"Choose 1 to {LONGEST_DAYS} days")
    token = Invitation.new_token()
    ends_at = timezone.now() + timedelta(days=days)
    with transaction.atomic():
        made = Invitation.objects.create(
            workspace=workspace,
            digest=digest(token),
            role=role,
            note=note.strip()[:100],
            created_by=by,
            ends_at=ends_at,
        )
        audit.note(workspace, "invitation.created", made.note, ref=made.pk, change=f"{role.label}, for {days} days")
    return Invitation.url(token)


def invitation(token: str) -> Invitation | None:
    """What a link opens; None for one that was used, revoked, is over, or never was."""
    found: Invitation | None = (
        Invitation.objects.open().filter(digest=digest(token)).select_related("workspace").first()
    )
    return found


def revoke(one: Invitation, why: str = "") -> None:
    with transaction.atomic():
        if not Invitation.objects.filter(pk=one.pk).delete()[0]:
            raise RelayError("This invitation was used or revoked already")
        audit.note(one.workspace_id, "invitation.revoked", one.note, ref=one.pk, change=why)


def _revoke_of(maker: Membership, why: str) -> None:
    """End the invitations of somebody who may invite nobody any more: one could be a way back."""
    for one in Invitation.objects.filter(workspace_id=maker.workspace_id, created_by_id=maker.user_id):
        revoke(one, why)


def join(one: Invitation, user: User) -> None:
    """Make a person a member by an invitation, which is used up; RelayError for a member, or when it is gone."""
    with transaction.atomic():
        # Whoever removes the row has it: of two at once, one.
        if not Invitation.objects.open().filter(pk=one.pk).delete()[0]:
            raise RelayError("This invitation was used, revoked or is over; ask for another")
        _, made = Membership.objects.get_or_create(workspace=one.workspace, user=user, defaults={"role": one.role})
        if not made:
            raise RelayError(f"You are a member of {one.workspace.name} already")
        audit.note(one.workspace_id, "member.joined", user, ref=user.pk, change=Role(one.role).label)


def join_as_new(one: Invitation, email: str, password: str) -> User:
    """Make an account by an invitation, and a member of it."""
    with transaction.atomic():
        user = accounts.create_user(email, password)
        join(one, user)
    return user


def change_role(one: Membership, role: Role) -> None:
    """Give a member another role; RelayError for the last owner."""
    with transaction.atomic():
        current = _locked(one)
        if role != Role.OWNER:
            _keep_an_owner(current)
        Membership.objects.filter(pk=current.pk).update(role=role)
        if role != Role.OWNER:
            _revoke_of(current, f"{current.user} is no owner any more")
        if current.role != role:
            change = f"{Role(current.role).label} is now {role.label}"
            audit.note(current.workspace_id, "member.role_changed", current.user, ref=current.user_id, change=change)


def remove(one: Membership, *, by: User | None = None) -> None:
    """Take a member out, or let one leave; RelayError for the last owner."""
    with transaction.atomic():
        current = _locked(one)
        _keep_an_owner(current)
        Membership.objects.filter(pk=current.pk).delete()
        tokens.revoke_of(current.user, current.workspace)
        _revoke_of(current, f"{current.user} is no member any more")
        verb = "member.left" if by is not None and by.pk == current.user_id else "member.removed"
        audit.note(current.workspace_id, verb, current.user, ref=current.user_id)


def _locked(one: Membership) -> Membership:
    # Two owners who leave at once would each see the other: on PostgreSQL the workspace's row makes them take turns,
    # on SQLite the transaction does.
    Workspace.objects.select_for_update().get(pk=one.workspace_id)
    current = Membership.objects.filter(pk=one.pk).select_related("user", "workspace").first()
    if current is None:
        raise RelayError("This person isn't a member any more")
    return current


def _keep_an_owner(one: Membership) -> None:
    others = Membership.objects.filter(workspace_id=one.workspace_id, role=Role.OWNER).exclude(pk=one.pk)
    if one.role == Role.OWNER and not others.exists():
        raise RelayError("A workspace needs an owner: make somebody else an owner first")


def may_reset(owner: User, user: User) -> bool:
    """Whether an owner may give a person a link for a new password: they own every workspace of that person.

    Else it would open workspaces that the owner has no say in.
    """
    theirs = set(Membership.objects.filter(user=user).values_list("workspace_id", flat=True))
    owned = set(Membership.objects.filter(user=owner, role=Role.OWNER).values_list("workspace_id", flat=True))
    return theirs <= owned
