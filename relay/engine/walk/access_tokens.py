"""Decides whether the access token of a connection can be used. A walk never renews one: it asks its worker to."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple, NoReturn, Protocol

from django.conf import settings

from relay.connectors import oauth_requests
from relay.connectors.definition import Connector
from relay.engine.flow_control import circuit_breaker
from relay.engine.walk.exceptions import Ended
from relay.engine.walk.walk import Walk
from relay.engine.walk.work_item import OAuthConnection, TokenRenewal
from relay.models import HeldBy
from relay.timestamps import micros

# A token is renewed this long before it expires, or in the last fifth of its lifetime if that is shorter.
MARGIN_SECONDS = 300.0
MARGIN_SHARE = 0.2
# A token that is refused although it is younger than this is not renewed again: the service refuses the account.
YOUNG_SECONDS = 60.0
# How soon a run looks again while its token is being renewed; longer where that takes long.
MIN_WAIT_SECONDS = 0.25
MAX_WAIT_SECONDS = 5.0
# The number of faults of a token endpoint in a row after which runs are held, as for a destination that keeps failing.
HOLD_AFTER_FAULTS = 3
# A process has the lease of a renewal for this much longer than its request may take.
LEASE_MARGIN_SECONDS = 15.0
_MAX_SKEW = 60_000_000  # by which the clocks of hosts may differ


class TokenState(NamedTuple):
    """Whether a token can be used, and otherwise what becomes of the run.

    `renewing`: it looks again after `seconds`. `waiting`: until `until`. `failing`: the token endpoint keeps failing.
    `refused`: a person has to connect again. `renewal`: what the worker is asked for.
    """

    kind: Literal["usable", "renewing", "waiting", "failing", "refused"]
    reason: str = ""
    seconds: float = 0.0
    until: int = 0
    renewal: TokenRenewal | None = None


def lease_seconds() -> float:
    return float(settings.HTTP_TIMEOUT) + LEASE_MARGIN_SECONDS


def latest_lease(now: int) -> int:
    """The latest time until which a token can be leased: one that is later was stored before the clock was set back."""
    return now + int(lease_seconds() * 1e6) + _MAX_SKEW


def is_leased(until: int | None, now: int) -> bool:
    """Whether nobody may renew a token before `until`."""
    return until is not None and now < until <= latest_lease(now)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The access token of a connection, as it was when its run was claimed. `values`: those of the connection."""

    connector: Connector
    row: OAuthConnection
    values: Mapping[str, Any]

    def state(self, now: int) -> TokenState:
        """The state at `now`, in microseconds since 1970."""
        row, until = self.row, _micros(self.row.renewing_until)
        is_leased_now = is_leased(until, now)
        if self._is_valid(now):
            may_renew = self._can_renew and not is_leased_now and not self._is_refused
            return TokenState("usable", renewal=self._renewal() if may_renew and self._is_due(now) else None)
        if self._is_refused:
            return TokenState("refused", row.token_fault)
        if not self._can_renew:
            return TokenState("refused", self._unconnected)
        if not is_leased_now or until is None:
            return TokenState("renewing", seconds=MIN_WAIT_SECONDS, renewal=self._renewal())
        if row.token_fault:
            kind: Literal["failing", "waiting"] = "failing" if row.renewal_faults >= HOLD_AFTER_FAULTS else "waiting"
            return TokenState(kind, row.token_fault, until=until)
        elapsed = lease_seconds() - (until - now) / 1e6
        return TokenState("renewing", seconds=min(max(MIN_WAIT_SECONDS, elapsed / 2), MAX_WAIT_SECONDS))

    def renewal_after_refusal(self, now: int) -> TokenRenewal | None:
        """What the worker is asked for after a service has refused the token; None if a new one would not help."""
        is_young = now / 1e6 - self._renewed_at < YOUNG_SECONDS
        return None if is_young or self._is_refused or not self._can_renew else self._renewal(is_refused=True)

    def _renewal(self, *, is_refused: bool = False) -> TokenRenewal:
        return TokenRenewal(self.row.pk, self.row.token_revision or 0, is_refused)

    @property
    def _renewed_at(self) -> float:
        return float(self.values.get("renewed_at") or 0)

    @property
    def _is_refused(self) -> bool:
        return bool(self.row.token_fault) and self.row.renewing_until is None

    @property
    def _can_renew(self) -> bool:
        auth = self.connector.oauth
        return auth is not None and oauth_requests.can_renew(auth, self.values)

    def _is_valid(self, now: int) -> bool:
        expires_at = _micros(self.row.token_expires_at)
        return bool(self.values.get("access_token")) and (expires_at is None or expires_at > now)

    def _is_due(self, now: int) -> bool:
        expires_at = _micros(self.row.token_expires_at)
        if expires_at is None:
            return False
        lifetime = expires_at / 1e6 - self._renewed_at
        return (expires_at - now) / 1e6 < min(MARGIN_SECONDS, lifetime * MARGIN_SHARE)

    @property
    def _unconnected(self) -> str:
        label = self.connector.label
        if self.values.get("access_token"):
            return f"The access token has expired, and {label} gave none to renew it with; connect it again"
        return f"It isn't connected to {label}; choose Connect under Connections"


def _micros(when: datetime | None) -> int | None:
    return None if when is None else micros(when)


__all__ = ["AccessToken", "TokenState", "is_leased", "latest_lease", "lease_seconds"]


class _Hold(Protocol):
    def __call__(self, held_by: str, reason: str, /) -> NoReturn: ...


def check(token: AccessToken, walk: Walk, connection: str, hold: _Hold) -> None:
    """End the walk unless the access token can be used now; this does not count as a try.

    `hold(held_by, reason)` ends it with a held run. `connection`: the name of the token's connection.
    """
    outcome, state = walk.outcome, token.state(time.time_ns() // 1000)
    outcome.renewal = state.renewal or outcome.renewal
    if state.kind == "renewing":
        walk.put_back(state.seconds)
    if state.kind == "waiting":
        outcome.wait(state.until, state.reason, tries=walk.tries)
        raise Ended
    target = circuit_breaker.connection_target(walk.work_item.workspace_id, connection)
    if state.kind == "failing":
        outcome.failing_target = target
        hold(HeldBy.DESTINATION, state.reason)
    if state.kind == "refused":
        outcome.refused_target = target
        hold(HeldBy.CREDENTIAL, state.reason)


def renew_refused(token: AccessToken, walk: Walk) -> None:
    """Put the run back until an access token that the service refused is renewed, if that can help."""
    renewal = token.renewal_after_refusal(time.time_ns() // 1000)
    if renewal is not None:
        walk.outcome.renewal = renewal
        walk.put_back(MIN_WAIT_SECONDS)
