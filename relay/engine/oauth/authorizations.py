"""Leads a person to a service to give permissions, and takes the answer that the service sends back.

The state in the URL names a row that is bound to the person, to the session and to the connection. Taking the answer
deletes the row, so that each state works once; it also ends after STATE_SECONDS.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from django.conf import settings

from relay.connectors import oauth_requests
from relay.connectors.definition import TOKENS, Connector, OAuth2
from relay.connectors.oauth_requests import TokenAnswer
from relay.engine.database import statements
from relay.engine.oauth import clients, identities, token_endpoint, tokens
from relay.errors import RelayError, TokenDelayed
from relay.models import Connection, PendingAuthorization, User, Workspace
from relay.models.fields import micros, moment

STATE_SECONDS = 600
MAX_PARAMETER_CHARACTERS = 8_000
_UNKNOWN = (
    "This answer belongs to no authorization that you have started here: it was used already, it is older than "
    f"{STATE_SECONDS // 60} minutes, or it was started in another browser. Choose Connect again, at {{url}}."
)


def start(connection: Connection, user: User, session_key: str) -> str:
    """Begin to connect, and return the URL of the service to send the person to; "" if none is needed.

    A connector without an authorization page gives a token for the client's credentials at once.
    """
    connector, auth = clients.oauth_of(connection.connector)
    values = connection.unseal()
    client = clients.client_of(connection, connector, values)
    if not auth.authorize_url:
        request = oauth_requests.renewal_request(connector, client, values)
        sent = (client.secret,) if client.secret else ()
        _connect(connection, auth, token_endpoint.ask(connector, connection, request, sent), sent)
        return ""
    state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    url = oauth_requests.authorization_url(
        connector, client, values, redirect=clients.redirect_address(), state=state, verifier=verifier
    )
    _remember(connection, user, session_key, state, verifier)
    return url


def _remember(connection: Connection, user: User, session_key: str, state: str, verifier: str) -> None:
    """Store the state in place of an earlier one of the same person, and forget all that have ended."""
    PendingAuthorization.objects.filter(expires_at__lt=moment(statements.now())).delete()
    PendingAuthorization.objects.filter(connection=connection, user=user).delete()
    row = PendingAuthorization(
        state_digest=_digest(state),
        session_digest=_digest(session_key),
        user=user,
        connection=connection,
        expires_at=moment(statements.now() + STATE_SECONDS * 1_000_000),
    )
    row.seal({"verifier": verifier})
    row.save()


def finish(workspace: Workspace, user: User, session_key: str, query: Mapping[str, str]) -> Connection:
    """Take the answer of a service and store the tokens that it leads to.

    Raises AuthorizationFailed, which names the connection, or RelayError for an answer that belongs to none.
    """
    pending = _taken(workspace, user, session_key, query.get("state", ""))
    connection = pending.connection
    try:
        connector, auth = clients.oauth_of(connection.connector)
        answer, sent = _exchange(connection, connector, pending.unseal()["verifier"], query)
        _connect(connection, auth, answer, sent)
    except RelayError as error:
        raise AuthorizationFailed(str(error), connection) from None
    return connection


class AuthorizationFailed(RelayError):
    """The person, the service or Relay did not complete an authorization."""

    def __init__(self, message: str, connection: Connection) -> None:
        super().__init__(message)
        self.connection = connection


def _taken(workspace: Workspace, user: User, session_key: str, state: str) -> PendingAuthorization:
    """The row of a state, which works only once."""
    mine = PendingAuthorization.objects.filter(
        state_digest=_digest(state), session_digest=_digest(session_key), user=user, connection__workspace=workspace
    )
    pending = mine.select_related("connection").first() if state and session_key else None
    # Of two answers at once, one deletes the row.
    if pending is None or not PendingAuthorization.objects.filter(pk=pending.pk).delete()[0]:
        raise RelayError(_UNKNOWN.format(url=settings.PUBLIC_URL))
    if micros(pending.expires_at) < statements.now():
        raise RelayError(_UNKNOWN.format(url=settings.PUBLIC_URL))
    return pending


def _exchange(
    connection: Connection, connector: Connector, verifier: str, query: Mapping[str, str]
) -> tuple[TokenAnswer, tuple[str, ...]]:
    """The answer to a code, and the secrets that were sent for it."""
    _check_issuer(connector, query.get("iss", ""))
    code = query.get("code", "")
    if query.get("error") or not code:
        description = query.get("error_description", "")
        raise RelayError(oauth_requests.said(connector, query.get("error", ""), description, ()))
    if len(code) > MAX_PARAMETER_CHARACTERS:
        raise RelayError(f"{connector.label} sent a code that is too long")
    values = connection.unseal()
    client = clients.client_of(connection, connector, values)
    request = oauth_requests.code_request(
        connector, client, values, code=code, redirect=clients.redirect_address(), verifier=verifier
    )
    sent = tuple(filter(None, (client.secret, code, verifier)))
    return token_endpoint.ask(connector, connection, request, sent), sent


def _check_issuer(connector: Connector, issuer: str) -> None:
    """Refuse an answer of another server than the one that the person was sent to, also an error (RFC 9207)."""
    expected = connector.oauth.issuer if connector.oauth else ""
    if expected and issuer != expected:
        raise RelayError(
            f"{connector.label}: the answer doesn't come from the service to which you were sent. Nothing has changed; "
            "choose Connect to try again"
        )


def _connect(connection: Connection, auth: OAuth2, answer: TokenAnswer, sent: tuple[str, ...]) -> None:
    if auth.base_url_from and auth.base_url_from not in answer.kept:
        raise RelayError("The service named no address of its API, so nothing can be sent to it. Try to connect again")
    identity = identities.of_answer(auth, answer, sent)
    tokens.connect(connection.pk, auth, answer, identity=identity)


def disconnect(connection: Connection) -> str:
    """Remove the tokens, then revoke them at the service. Returns what the person should know, or ""."""
    connector, auth = clients.oauth_of(connection.connector)
    former = tokens.disconnect(connection.pk, auth)
    try:
        return _revoke(connection, connector, former)
    except RelayError as error:
        return f"It could not be revoked at {connector.label}, so remove the access there. {error}"


def _revoke(connection: Connection, connector: Connector, former: dict[str, Any]) -> str:
    client = clients.client_of(connection, connector, former)
    request = oauth_requests.revocation_request(connector, client, former)
    if request is None:
        return f"{connector.label} keeps the access in its list until you remove it there."
    sent = (client.secret, *(str(former.get(key) or "") for key in TOKENS))
    answer = token_endpoint.send(connector, connection, request, tuple(filter(None, sent)))
    if not 200 <= answer.status < 300:
        raise TokenDelayed(f"The answer was {answer.status}.")
    return ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
