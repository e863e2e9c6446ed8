"""Decides which stored secrets a changed connection keeps: none, if its values are sent to another host than before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.connectors import credential_scope
from relay.connectors.definition import Connector, Field
from relay.errors import RelayError, VaultError
from relay.models import Connection


def stored(connection: Connection | None) -> dict[str, Any]:
    """The values of a connection; none if there is no connection, or if they can't be opened and are lost."""
    try:
        return connection.unseal() if connection is not None else {}
    except VaultError:
        return {}


def merged(connector: Connector, values: Mapping[str, Any], kept: Mapping[str, Any]) -> dict[str, Any]:
    """The new values without empty ones, and the stored secrets in place of those that are empty or missing."""
    found = {key: value for key, value in values.items() if value is not None and value != ""}
    return {**{field.key: kept[field.key] for field in _kept(connector, values, kept)}, **found}


def check_host(
    connector: Connector, values: Mapping[str, Any], new: Mapping[str, Any], kept: Mapping[str, Any]
) -> None:
    """Raise RelayError if the new values name an invalid host, or an address to which a stored secret would be sent.

    On one host, another path may belong to somebody else, as it does at providers of shared hosting.
    `values`: as they were entered; `new`: with the stored secrets that they keep.
    """
    own = connector.oauth.own_keys if connector.oauth else ()
    new = {**{key: kept[key] for key in own if key in kept}, **new}
    if not credential_scope.names_host(connector) or any(_names(connector, key) and key not in new for key in own):
        return
    after = credential_scope.destinations(connector, new)
    secrets = _kept(connector, values, kept)
    before = _destinations(connector, kept)
    paths_before, paths_after = (_paths(connector, values_) for values_ in (kept, new))
    if (before, paths_before) == (after, paths_after) or not secrets:
        return  # The tokens of a connection by OAuth end with its address: engine/oauth/tokens.py
    labels = ", ".join(field.label for field in secrets)
    hosts = [_hosts(before, paths_before), _hosts(after, paths_after)]
    shown = f" from {hosts[0]} to {hosts[1]}" if before and not _is_host_secret(connector) else ""
    raise RelayError(
        f"The address of {connector.label} changes{shown}. A stored secret is not sent to another address: "
        f"enter {labels} as well"
    )


def _kept(connector: Connector, values: Mapping[str, Any], kept: Mapping[str, Any]) -> list[Field]:
    """The fields whose stored secret is kept: those that are empty or missing. An entered null removes a secret."""
    return [
        field
        for field in connector.connection
        if field.secret and kept.get(field.key) and values.get(field.key, "") == ""
    ]


def _destinations(connector: Connector, values: Mapping[str, Any]) -> tuple[str, ...]:
    """The origins to which stored values are sent; () if they name no valid host."""
    try:
        return credential_scope.destinations(connector, values)
    except RelayError:
        return ()


def _paths(connector: Connector, values: Mapping[str, Any]) -> tuple[str, ...]:
    """What follows the host in the URLs that are the address of a service, in its own case, unlike the host."""
    named = (str(values.get(field.key) or "") for field in connector.connection if _names(connector, field.key))
    urls = (value.partition("://")[2] for value in named if "://" in value)
    return tuple(url[url.find("/") :].rstrip("/") if "/" in url else "" for url in urls)


def _hosts(origins: tuple[str, ...], paths: tuple[str, ...]) -> str:
    """The addresses for people, who know a mail server by its name."""
    shown = [origin.removeprefix("https://") for origin in origins]
    return f"{shown[0]}{paths[0]}" if len(shown) == len(paths) == 1 else ", ".join(shown)


def _is_host_secret(connector: Connector) -> bool:
    """Whether a secret field may name the host, so that the host isn't shown."""
    return any(field.secret and _names(connector, field.key) for field in connector.connection)


def _names(connector: Connector, key: str) -> bool:
    """Whether a value of the connection is a part of its host."""
    return f"connection.{key}" in " ".join(connector.hosts)
