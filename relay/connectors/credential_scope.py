"""Limits the hosts to which a connection's values are sent: those of its connector, or the one that it names."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relay.connectors.definition import Action, Connector
from relay.connectors.input_coercion import as_text
from relay.errors import RequestRefused, ValueRefused
from relay.outbound import origin_of
from relay.templating import Tree, compile_tree, names


def origins_of(connector: Connector, action: Action, connection: Mapping[str, Any]) -> tuple[str, ...]:
    """The only origins to which a request may be sent; () if it contains no secret of the connection.

    Raises RequestRefused if the connector has no hosts, or the host in the connection is invalid.
    """
    if not connector.hosts and _sends_secrets(connector, action):
        raise ValueRefused(f"{connector.label} names no host that its credentials may go to")
    return destinations(connector, connection)


def destinations(connector: Connector, connection: Mapping[str, Any]) -> tuple[str, ...]:
    """The only origins to which values of this connection may be sent.

    Raises RequestRefused if the host in the connection is invalid.
    """
    hosts = _hosts(connector)
    return (
        _constant_origins(connector)
        if hosts.constant
        else _origins(hosts.render({"connection": connection}), connector)
    )


def names_host(connector: Connector) -> bool:
    """Whether the connection, and not the connector alone, says to which host it is sent."""
    return not _hosts(connector).constant


def check_origin(connector: Connector, only: tuple[str, ...], url: str) -> None:
    """Raises RequestRefused with the service's name if `url` is at none of the origins `only`."""
    if only and (origin := origin_of(url)) not in only:
        raise RequestRefused(f"The credentials of {connector.label} are not sent to {origin}")


@functools.cache
def _constant_origins(connector: Connector) -> tuple[str, ...]:
    return _origins(connector.hosts, connector)


def _origins(hosts: Iterable[Any], connector: Connector) -> tuple[str, ...]:
    return tuple(_origin(as_text(host), template) for host, template in zip(hosts, connector.hosts, strict=True))


def _origin(host: str, template: str) -> str:
    if "://" in host and _is_one_expression(template):
        return origin_of(host)
    origin = origin_of(f"https://{host}")
    # A connection that fills in a part of a host must not end the host: evil.example/ before .example.com.
    if origin != f"https://{host.lower()}":
        raise ValueRefused(f"The host that the connection names can't be one: {template}")
    return origin


_is_one_expression = re.compile(r"\{\{[^{}]*\}\}").fullmatch


@functools.cache
def _hosts(connector: Connector) -> Tree:
    return compile_tree(list(connector.hosts))


@functools.cache
def _sends_secrets(connector: Connector, action: Action) -> bool:
    """Whether a request contains secrets of the connection. A secret that only signs is not part of the request."""
    sent = [action.method, action.url, action.headers, action.query, action.basic, action.json, action.body]
    public = {f"connection.{field.key}" for field in connector.connection if not field.secret}
    used = {name for text in template_texts(sent) for name in names(text) if name.startswith("connection")}
    return not used <= public


def template_texts(value: Any) -> Iterator[str]:
    """Yields every text of a JSON value but the names of objects, which are literal."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from template_texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from template_texts(item)
