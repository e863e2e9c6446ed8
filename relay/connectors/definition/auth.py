"""Defines how a connector's requests authenticate. Each kind adds to the headers or the query of every call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# The secrets that a service gives, by their names in the connection.
TOKENS = ("access_token", "refresh_token")


@dataclass(frozen=True, slots=True)
class NoAuth:
    """The calls contain what they need themselves, such as a secret webhook URL."""


@dataclass(frozen=True, slots=True)
class HeaderAuth:
    """A header. `value`: a template over `connection`."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class QueryAuth:
    """Parameters of the query, as templates over `connection`."""

    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """User name and password, as templates over `connection`."""

    user: str
    password: str = ""


@dataclass(frozen=True, slots=True)
class BearerAuth:
    """A token that a person enters."""

    token: str = "{{ connection.token }}"  # noqa: S105
    scheme: str = "Bearer"


@dataclass(frozen=True, slots=True)
class Scope:
    """A permission that is asked for. `means`: what it allows, in words, to continue “Relay can ...”.

    `is_listed`: whether the service names it among the permissions that it has granted.
    """

    name: str
    means: str
    is_listed: bool = True


@dataclass(frozen=True, slots=True)
class OAuth2:
    """OAuth 2.0: an authorization code with PKCE and a state, or the client's own credentials.

    The access token and the refresh token are kept sealed in the connection as `access_token` and `refresh_token`,
    with `renewed_at` (Unix seconds); when the access token expires is a column of the connection. The client's id and
    secret are those that an owner of the workspace enters once for the connector, or fields of the connection called
    `client_id` and `client_secret`.

    `token_url`, `authorize_url` and `revoke_url` are https URLs, and may be templates over `connection`; a template
    in the host may only insert a `choice`, unless the connection has its own client. Without `authorize_url`, the
    grant is `client_credentials`. `client`: where the token endpoint expects the client's secret. `parameters`: more
    parameters of the authorization request, such as one that asks for a refresh token. `token_parameters`: more of the
    token request. `revoke_url`: where a token is revoked (RFC 7009). `separator`: between scopes. `lifetime`: seconds
    until a token expires if the answer doesn't say; None: it doesn't expire.
    `setup`: the steps for an owner to register the client, in plain words.
    `keeps`: fields of the token endpoint's answer that are kept in the connection under the same name, such as the
    number of the account. `base_url_from`: the field of that answer with the https address of the account's API, whose
    origin is kept in the connection under the same name, for the `base_url` and `hosts` of the connector.
    `identity`: a template over `answer`, that answer, and `claims`, those of its `id_token`: whom it is connected as;
    without it, the connector's test says so. `instead`: the key of a field of the connection that may be filled in
    instead of connecting, such as the token of a private app. `issuer`: the issuer that the service's metadata
    declares, if it also declares that authorization responses name it (RFC 9207); a response that doesn't, or that
    names another one, is refused.
    """

    token_url: str
    authorize_url: str = ""
    scopes: tuple[Scope, ...] = ()
    client: Literal["basic", "body"] = "basic"
    uses_pkce: bool = True
    separator: str = " "
    parameters: dict[str, str] = field(default_factory=dict)
    token_parameters: dict[str, str] = field(default_factory=dict)
    revoke_url: str = ""
    lifetime: int | None = None
    header: str = "Authorization"
    value: str = "Bearer {{ connection.access_token }}"
    setup: tuple[str, ...] = ()
    keeps: tuple[str, ...] = ()
    base_url_from: str = ""
    identity: str = ""
    instead: str = ""
    issuer: str = ""

    @property
    def own_keys(self) -> tuple[str, ...]:
        """The names in the connection that no person enters."""
        return (*TOKENS, "renewed_at", *self.public_keys)

    @property
    def public_keys(self) -> tuple[str, ...]:
        """The values among them that are not secret: what the service says about the account with its tokens."""
        return (*self.keeps, *filter(None, [self.base_url_from]))

    def is_replaced(self, values: Mapping[str, Any]) -> bool:
        """Whether the connection's values contain what may be filled in instead of connecting."""
        return bool(self.instead and values.get(self.instead))


Auth = NoAuth | HeaderAuth | QueryAuth | BasicAuth | BearerAuth | OAuth2


def headers_of(auth: Auth) -> dict[str, str]:
    """The headers that an authentication adds, as templates."""
    match auth:
        case HeaderAuth(name, value):
            return {name: value}
        case BearerAuth(token, scheme):
            return {"Authorization": f"{scheme} {token}"}
        case OAuth2():
            return {auth.header: auth.value}
    return {}
