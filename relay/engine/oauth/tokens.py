"""Stores the tokens of connections, each under the revision of the tokens that it replaces.

Every change reads the sealed values and writes them in one short transaction, so that a person who changes other
fields of the connection at the same time loses nothing, and neither do the tokens.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog
from django.db import transaction
from django.utils import timezone

from relay.connectors.definition import Connector, OAuth2
from relay.connectors.oauth_requests import TokenAnswer
from relay.engine import audit
from relay.engine.database import statements
from relay.engine.flow_control import circuit_breaker
from relay.errors import VaultError
from relay.models import Connection
from relay.models.fields import moment
from relay.templating import names

log = structlog.get_logger()

MAX_BACK_OFF_SECONDS = 10.0
_SETTLED: dict[str, Any] = {"renewing_until": None, "renewal_faults": 0, "token_fault": ""}


def with_kept_tokens(connection: Connection, connector: Connector, values: dict[str, Any]) -> dict[str, Any]:
    """The values that a person enters for a connection, with the tokens that it has; its columns are set accordingly.

    Call it with the row locked, or for a new one. The tokens end if one is entered instead of connecting, if a field
    has changed that a host or an endpoint of the service contains, or if the client is a part of the connection.
    """
    auth, revision, former = connector.oauth, connection.token_revision, _opened(connection)
    if auth is None:
        return values
    if auth.is_replaced(values):
        connection.token_revision, connection.token_expires_at = None, None
        _settle(connection)
        return values
    connection.token_revision = revision or 0
    if connection.token_fault and connection.renewing_until is None:
        _settle(connection)
    if former is not None and auth.authorize_url and not _moves(connector, former, values):
        return values | {key: former[key] for key in auth.own_keys if key in former}
    connection.token_revision, connection.token_expires_at = (revision or 0) + 1, None
    connection.connected_at, connection.connected_as, connection.granted_scopes = None, "", ""
    _settle(connection)
    return values


def _moves(connector: Connector, former: dict[str, Any], values: dict[str, Any]) -> bool:
    """Whether the values lead to another host or endpoint than the former ones."""
    auth = connector.oauth
    endpoints = (auth.token_url, auth.authorize_url, auth.revoke_url) if auth else ()
    used = {name for template in (*connector.hosts, connector.base_url, *endpoints) for name in names(template)}
    keys = {name.removeprefix("connection.") for name in used}
    return any(former.get(key) != values.get(key) for key in keys - set(auth.own_keys if auth else ()))


def _opened(connection: Connection) -> dict[str, Any] | None:
    """The former values; {} of a new connection, None if they can't be opened any more."""
    try:
        return connection.unseal() if connection.pk else {}
    except VaultError:
        return None


def _settle(connection: Connection) -> None:
    for name, value in _SETTLED.items():
        setattr(connection, name, value)


def connect(connection_id: int, auth: OAuth2, answer: TokenAnswer, *, identity: str) -> None:
    """Store the tokens of a new authorization in place of all former ones, and release the runs that waited for it."""
    with transaction.atomic():
        connection = _locked(connection_id)
        values = _without(auth, connection.unseal(), auth.instead)
        connection.seal(values | _sealed(answer))
        scopes = answer.scopes if answer.scopes is not None else tuple(scope.name for scope in auth.scopes)
        who = audit.actor()
        _write(
            connection,
            token_expires_at=_expiry(answer),
            granted_scopes=" ".join(scopes)[:10_000],
            connected_as=identity[:200],
            connected_by=who[:254],
            connected_at=timezone.now(),
        )
        _release(connection)
        as_whom = f"Connected as {identity}" if identity else "Connected"
        audit.note(connection.workspace_id, "connection.connected", connection, ref=connection.pk, change=as_whom)


def renew(connection_id: int, revision: int, answer: TokenAnswer) -> bool:
    """Store a renewed token; False if the tokens of that revision were replaced or removed meanwhile.

    An answer without a refresh token leaves the former one valid.
    """
    with transaction.atomic():
        connection = _locked(connection_id)
        if connection.token_revision != revision:
            return False
        sealed = _sealed(answer)
        sealed = sealed if answer.refresh_token else {key: sealed[key] for key in sealed if key != "refresh_token"}
        connection.seal(connection.unseal() | sealed)
        connected_at = connection.connected_at or timezone.now()
        _write(connection, token_expires_at=_expiry(answer), connected_at=connected_at)
    log.info("oauth.renewed", connection=connection_id)
    return True


def disconnect(connection_id: int, auth: OAuth2) -> dict[str, Any]:
    """Remove the tokens, and return the values that the connection had. Runs that need it are held from now on."""
    with transaction.atomic():
        connection = _locked(connection_id)
        former = connection.unseal()
        connection.seal(_without(auth, former))
        _write(
            connection, token_expires_at=None, granted_scopes="", connected_as="", connected_by="", connected_at=None
        )
        audit.note(connection.workspace_id, "connection.disconnected", connection, ref=connection.pk)
    return former


def note_refused(connection_id: int, revision: int, until: int, reason: str) -> None:
    """Record that no token can be had until a person acts, unless another process has the lease or has renewed it."""
    with transaction.atomic():
        rows = Connection.objects.filter(pk=connection_id, token_revision=revision, renewing_until=moment(until))
        if not rows.update(token_fault=reason, renewing_until=None):
            return
        connection = Connection.objects.defer("sealed").get(pk=connection_id)
        audit.note(connection.workspace_id, "connection.token_refused", connection, ref=connection.pk, change=reason)
    log.warning("oauth.refused", connection=connection_id, reason=reason)


def note_delayed(connection_id: int, revision: int, until: int, reason: str) -> None:
    """Record a fault that may pass: the next process may try after a moment, longer after each fault in a row."""
    rows = Connection.objects.filter(pk=connection_id, token_revision=revision, renewing_until=moment(until))
    faults = rows.values_list("renewal_faults", flat=True).first()
    if faults is None:
        return
    pause = min(2.0**faults, MAX_BACK_OFF_SECONDS)
    again = moment(statements.now() + int(pause * 1e6))
    rows.update(token_fault=reason, renewal_faults=faults + 1, renewing_until=again)
    log.warning("oauth.delayed", connection=connection_id, reason=reason)


def _locked(connection_id: int) -> Connection:
    return Connection.objects.select_for_update().get(pk=connection_id)


def _write(connection: Connection, **columns: Any) -> None:
    """Store the sealed values and columns as the next revision."""
    revision = (connection.token_revision or 0) + 1
    changes = {"sealed": connection.sealed, "token_revision": revision, **_SETTLED, **columns}
    Connection.objects.filter(pk=connection.pk).update(**changes)


def _sealed(answer: TokenAnswer) -> dict[str, Any]:
    return {
        "access_token": answer.access_token,
        "refresh_token": answer.refresh_token,
        "renewed_at": statements.now() / 1e6,
        **answer.kept,
    }


def _expiry(answer: TokenAnswer) -> datetime | None:
    return None if answer.lifetime is None else moment(statements.now() + int(answer.lifetime * 1e6))


def _without(auth: OAuth2, values: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in {*auth.own_keys, *keys}}


def _release(connection: Connection) -> None:
    target = circuit_breaker.connection_target(connection.workspace_id, connection.name)
    circuit_breaker.release_target(target)
