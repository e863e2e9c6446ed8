"""Creates, checks and revokes API tokens. A token is shown once; only its digest is stored."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from relay.engine import audit
from relay.errors import RelayError
from relay.models import ApiToken, Membership, Scope, User, Workspace
from relay.models.invitations_and_tokens import digest

MAX_DAYS = 3650


def create(workspace: Workspace, name: str, scope: Scope, *, days: int, by: User | None = None) -> str:
    """Create a token for the workspace's API that is valid for `days`; 0: until it is revoked. Returns its text."""
    name = name.strip()
    if not name or len(name) > 100:
        raise RelayError("A token needs a name of up to 100 characters")
    if not 0 <= days <= MAX_DAYS:
        raise RelayError(f"Choose up to {MAX_DAYS} days, or 0 for no end")
    token = ApiToken.new_token()
    ends_at = timezone.now() + timedelta(days=days) if days else None
    with transaction.atomic():
        record = workspace.tokens.create(
            name=name, digest=digest(token), hint=token[-4:], scope=scope, ends_at=ends_at, created_by=by
        )
        ends = f"for {days} days" if days else "without an end"
        audit.note(workspace, "token.created", name, ref=record.pk, change=f"{scope.label}, {ends}")
    return token


def authenticate(text: str) -> tuple[ApiToken, Scope] | None:
    """The token, and its scope as limited by its creator's present role; None if it gives no access."""
    role = Membership.objects.filter(workspace=OuterRef("workspace"), user=OuterRef("created_by")).values("role")
    tokens = ApiToken.objects.open().exclude(created_by__is_active=False).select_related("workspace")
    token: Any = tokens.annotate(role=Subquery(role[:1])).filter(digest=digest(text)).first()
    scope = token.allows(token.role) if token else None
    return (token, scope) if scope else None


def list_tokens(workspace: Workspace) -> list[ApiToken]:
    """The tokens of a workspace by name. `limited`: its creator's role allows less than its scope."""
    roles = dict(workspace.memberships.values_list("user_id", "role"))
    tokens = list(workspace.tokens.select_related("created_by").order_by("name", "pk"))
    for token in tokens:
        token.limited = token.allows(roles.get(token.created_by_id)) != token.scope
    return tokens


def revoke(token: ApiToken, why: str = "") -> None:
    """Revoke a token at once."""
    with transaction.atomic():
        audit.note(token.workspace_id, "token.revoked", token.name, ref=token.pk, change=why)
        token.delete()


def revoke_all(user: User, workspace: Workspace) -> None:
    """Revoke the tokens of a person who is no longer a member."""
    for token in workspace.tokens.filter(created_by=user):
        revoke(token, f"{user} is no longer a member")
