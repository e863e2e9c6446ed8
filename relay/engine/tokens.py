"""API tokens are made and revoked here; a token is told once, and only its digest is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from relay.engine import audit
from relay.errors import RelayError
from relay.models import ApiToken, Membership, Scope, User, Workspace
from relay.models.access import digest

LONGEST_DAYS = 3650


def create(workspace: Workspace, name: str, scope: Scope, *, days: int, by: User | None = None) -> str:
    """A token for the workspace's API, for so many days; 0: until it is revoked."""
    name = name.strip()
    if not name or len(name) > 100:
        raise RelayError("A token needs a name of up to 100 characters")
    if not 0 <= days <= LONGEST_DAYS:
        raise RelayError(f"Choose up to {LONGEST_DAYS} days, or 0 for no end")
    token = ApiToken.new_token()
    ends_at = timezone.now() + timedelta(days=days) if days else None
    with transaction.atomic():
        made = workspace.tokens.create(
            name=name, digest=digest(token), hint=token[-4:], scope=scope, ends_at=ends_at, created_by=by
        )
        ends = f"for {days} days" if days else "without an end"
        audit.note(workspace, "token.created", name, ref=made.pk, change=f"{scope.label}, {ends}")
    return token


def known(text: str) -> tuple[ApiToken, Scope] | None:
    """A token, and what it may now by its maker's role; None for one that opens nothing."""
    role = Membership.objects.filter(workspace=OuterRef("workspace"), user=OuterRef("created_by")).values("role")
    tokens = ApiToken.objects.open().exclude(created_by__is_active=False).select_related("workspace")
    found: Any = tokens.annotate(role=Subquery(role[:1])).filter(digest=digest(text)).first()
    scope = found.allows(found.role) if found else None
    return (found, scope) if scope else None


def listing(workspace: Workspace) -> list[ApiToken]:
    """The tokens of a workspace by name; `limited`: it says more than its maker may."""
    roles = dict(workspace.memberships.values_list("user_id", "role"))
    found = list(workspace.tokens.select_related("created_by").order_by("name", "pk"))
    for token in found:
        token.limited = token.allows(roles.get(token.created_by_id)) != token.scope
    return found


def revoke(token: ApiToken, why: str = "") -> None:
    """End a token at once."""
    with transaction.atomic():
        audit.note(token.workspace_id, "token.revoked", token.name, ref=token.pk, change=why)
        token.delete()


def revoke_of(user: User, workspace: Workspace) -> None:
    """End what a person made who is no member any more."""
    for token in workspace.tokens.filter(created_by=user):
        revoke(token, f"{user} is no member any more")
