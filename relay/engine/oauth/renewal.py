"""Renews access tokens: one process at a time for each connection, under a lease in the database.

The lease is a conditional update of the connection's row, its end is the fence, and no lock is held while the request
is on the network. A token is stored only over the revision that it renews. If the process ends between the answer of
the service and that commit, the lease ends, and another one asks again with the former refresh token. A service that
has ended that one refuses it: the runs are then held until a person connects again.
"""

from __future__ import annotations

import time
from typing import NamedTuple

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models import Case, F, Q, TextField, Value, When

from relay.connectors import oauth_requests
from relay.connectors.definition import TOKENS
from relay.connectors.oauth_requests import TokenAnswer
from relay.engine.database import statements
from relay.engine.database.write_lock import hold_write_lock
from relay.engine.flow_control import circuit_breaker
from relay.engine.oauth import clients, token_endpoint, tokens
from relay.engine.walk import access_tokens
from relay.engine.walk.work_item import TokenRenewal
from relay.errors import RelayError, TokenDelayed, TokenRefused, VaultError
from relay.models import Connection
from relay.models.fields import moment

log = structlog.get_logger()

# For how long a token that a service has given is kept in memory while the database is away.
STORE_SECONDS = 120.0
STORE_PAUSE_SECONDS = 0.2
# While an endpoint keeps failing, its fault stays, so that runs are held and not put back again and again.
_FAULT_MEANWHILE = Case(
    When(renewal_faults__lt=access_tokens.HOLD_AFTER_FAULTS, then=Value("")),
    default=F("token_fault"),
    output_field=TextField(),
)


class RenewalLease(NamedTuple):
    """The right to renew the token of a revision, until a time in microseconds since 1970."""

    connection_id: int
    revision: int
    until: int


def take(wanted: TokenRenewal) -> RenewalLease | None:
    """Take the lease; None if another process has it, or the token was replaced meanwhile."""
    now = statements.now()
    until = now + int(access_tokens.lease_seconds() * 1e6)
    rows = Connection.objects.filter(pk=wanted.connection_id, token_revision=wanted.revision)
    leased = Q(renewing_until__gt=moment(now), renewing_until__lte=moment(access_tokens.latest_lease(now)))
    with hold_write_lock():
        if wanted.is_refused:
            # No walk may use it until some process has renewed it.
            rows.update(token_expires_at=moment(now))
        is_taken = rows.filter(Q(renewing_until=None) | ~leased).update(
            renewing_until=moment(until), token_fault=_FAULT_MEANWHILE
        )
    return RenewalLease(wanted.connection_id, wanted.revision, until) if is_taken else None


def renew(lease: RenewalLease) -> None:
    """Ask the service for a new token and store it, or why there is none."""
    connection = Connection.objects.filter(pk=lease.connection_id, token_revision=lease.revision).first()
    if connection is None:
        return
    try:
        answer = _ask(connection)
    except (TokenDelayed, VaultError) as error:
        tokens.note_delayed(*lease, str(error))
    except RelayError as error:
        tokens.note_refused(*lease, str(error))
    else:
        _store(lease, answer)


def _ask(connection: Connection) -> TokenAnswer:
    connector, auth = clients.oauth_of(connection.connector)
    values = connection.unseal()
    client = clients.client_of(connection, connector, values)
    if not oauth_requests.can_renew(auth, values):
        raise TokenRefused(f"{connector.label} gave no token to renew the access with; connect it again")
    request = oauth_requests.renewal_request(connector, client, values)
    secrets = (client.secret, *(str(values[key]) for key in TOKENS if values.get(key)))
    return token_endpoint.ask(connector, connection, request, tuple(filter(None, secrets)))


def _store(lease: RenewalLease, answer: TokenAnswer) -> None:
    """Store a token. It may be the only valid one, so it is kept while the database is away."""
    end = time.monotonic() + STORE_SECONDS
    while True:
        try:
            if not tokens.renew(lease.connection_id, lease.revision, answer):
                log.warning("oauth.late", connection=lease.connection_id)
        except (OperationalError, InterfaceError) as error:
            log.warning("oauth.database", reason=str(error).strip())
            if time.monotonic() > end:
                raise
            statements.disconnect()
            time.sleep(STORE_PAUSE_SECONDS)
        else:
            return


def renew_now(connection: Connection) -> None:
    """Renew the token of a connection for a person who waits, and release its runs. Raises RelayError if that fails."""
    lease = take(TokenRenewal(connection.pk, connection.token_revision or 0))
    if lease is None:
        raise RelayError("The access token is being renewed already; look again in a moment")
    renew(lease)
    connection.refresh_from_db()
    if connection.token_fault:
        raise RelayError(connection.token_fault)
    circuit_breaker.release_target(circuit_breaker.connection_target(connection.workspace_id, connection.name))
