"""Who may call the API: whoever holds a token of a workspace; nothing of a browser's sign-in counts."""

from __future__ import annotations

import time
from typing import cast

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from relay.api.errors import Refused
from relay.engine import audit, tokens
from relay.models import ActorKind, ApiToken, Scope, Workspace

A_MINUTE = 600  # calls of one token
WRONG_A_MINUTE = 30  # calls from one address with what is no token
USED_EVERY = 60.0  # seconds between two notes of a token's use
_SAFE = {"GET", "HEAD"}


class ApiRequest(HttpRequest):
    """A call with a token; every query starts at its workspace."""

    workspace: Workspace
    auth: ApiToken
    may_write: bool


class Bearer(HttpBearer):
    """`Authorization: Bearer relay_...`"""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        found = tokens.known(token)
        if found is None:
            _count(f"api:wrong:{audit.address()}", WRONG_A_MINUTE)
            raise Refused(401, "This token is not known, was revoked or is over: make one under Workspace, API tokens")
        known, scope = found
        _count(f"api:{known.pk}", A_MINUTE)
        if request.method not in _SAFE and scope != Scope.WRITE:
            raise Refused(403, _only_reads(known))
        known.used(timezone.now(), every=USED_EVERY)
        cast(ApiRequest, request).workspace = known.workspace
        cast(ApiRequest, request).may_write = scope == Scope.WRITE
        audit.act_as(audit.Actor(ActorKind.TOKEN, known.name, audit.address()))
        return known


def _only_reads(token: ApiToken) -> str:
    if token.scope == Scope.WRITE:
        return "This token only reads now: who made it is a viewer. Have somebody else make one"
    return "This token only reads: make one that may change things"


def _count(what: str, most: int) -> None:
    """Count a call of this minute, over all processes; Refused when there were too many."""
    now = time.time()
    key = f"{what}:{int(now // 60)}"
    cache.add(key, 0, 120)
    try:
        number = cache.incr(key)
    except ValueError:
        return  # counted in Redis a moment ago, and that is away now
    if number > most:
        raise Refused(429, f"Too many calls: {most} a minute are taken", retry_after=int(60 - now % 60) + 1)
