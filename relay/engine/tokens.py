"""API tokens are made and revoked here; a token is told once, and only its digest is kept."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from relay.engine import audit
from relay.errors import RelayError
from relay.models import ApiToken, Scope, User, Workspace
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


def revoke(token: ApiToken) -> None:
    """End a token at once."""
    with transaction.atomic():
        audit.note(token.workspace_id, "token.revoked", token.name, ref=token.pk)
        token.delete()
