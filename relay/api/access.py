"""Authenticates calls by a workspace's bearer token, and limits their rate; a browser's session grants nothing."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import cast

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer

from relay.api.errors import ApiError
from relay.engine import audit
from relay.engine.people import api_tokens
from relay.engine.sandbox import workspace_shares
from relay.models import ActorKind, ApiToken, Scope, Workspace

CALLS_A_MINUTE = 600  # of one token
INVALID_A_MINUTE = 30  # calls from one address with an invalid token
USED_SECONDS = 60.0  # between two updates of a token's last use
_SAFE = {"GET", "HEAD"}


class ApiRequest(HttpRequest):
    """A call with a valid token; every query starts at its workspace."""

    workspace: Workspace
    auth: ApiToken
    may_write: bool
    until_answered: ExitStack


class Bearer(HttpBearer):
    """`Authorization: Bearer relay_...`"""

    def authenticate(self, request: HttpRequest, token: str) -> ApiToken:
        grant = api_tokens.authenticate(token)
        if grant is None:
            _count(f"api:wrong:{audit.address()}", INVALID_A_MINUTE)
            raise ApiError(401, "This token is not known, was revoked or is over: make one under Workspace, API tokens")
        api_token, scope = grant
        _count(f"api:{api_token.pk}", CALLS_A_MINUTE)
        if request.method not in _SAFE and scope != Scope.WRITE:
            raise ApiError(403, _only_reads(api_token))
        api_token.used(timezone.now(), every=USED_SECONDS)
        cast(ApiRequest, request).until_answered.enter_context(workspace_shares.hold(api_token.workspace_id))
        cast(ApiRequest, request).workspace = api_token.workspace
        cast(ApiRequest, request).may_write = scope == Scope.WRITE
        audit.act_as(audit.Actor(ActorKind.TOKEN, api_token.name, audit.address()))
        return api_token


def forbid_flows(request: HttpRequest) -> None:
    """Refuse a call that a flow sends: a run that replays itself would never end."""
    if "Relay-Hops" in request.headers:
        raise ApiError(403, "A flow can't replay runs: one that replays itself would never end. Post to the flow's URL")


def _only_reads(token: ApiToken) -> str:
    if token.scope == Scope.WRITE:
        return "This token only reads now: who made it is a viewer. Have somebody else make one"
    return "This token only reads: make one that may change things"


def _count(subject: str, limit: int) -> None:
    """Count a call in this minute, over all processes; raises ApiError if there were too many."""
    now = time.time()
    key = f"{subject}:{int(now // 60)}"
    cache.add(key, 0, 120)
    try:
        number = cache.incr(key)
    except ValueError:
        return  # Redis has stopped since the line before
    if number > limit:
        raise ApiError(429, f"Too many calls: {limit} a minute are taken", retry_after=int(60 - now % 60) + 1)
