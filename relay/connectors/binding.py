"""Binding: what a connection holds goes only to the hosts of its connector, or to the one that it names itself."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from relay.connectors.definition import Action, Connector
from relay.connectors.fitting import plain
from relay.errors import RequestRefused
from relay.outbound import origin_of
from relay.templating import Tree, compile_tree, names


def origins_of(connector: Connector, action: Action, connection: Mapping[str, Any]) -> tuple[str, ...]:
    """The only origins that a request may go to; () where nothing of the connection leaves with it.

    Raises RequestRefused where there is none, or where the connection's own can't be read.
    """
    if not connector.hosts and _reveals(action):
        raise RequestRefused(f"{connector.label} names no host that its credentials may go to")
    places = _hosts(connector)
    return _fixed(connector) if places.constant else _named(places.render({"connection": connection}), connector)


def check_origin(connector: Connector, only: tuple[str, ...], url: str) -> None:
    """Raises RequestRefused where `url` is none of `only`; the sender does too, this says the service's name."""
    if only and (origin := origin_of(url)) not in only:
        raise RequestRefused(f"The credentials of {connector.label} are not sent to {origin}")


@functools.cache
def _fixed(connector: Connector) -> tuple[str, ...]:
    return _named(connector.hosts, connector)


def _named(places: Iterable[Any], connector: Connector) -> tuple[str, ...]:
    return tuple(_origin(plain(place), template) for place, template in zip(places, connector.hosts, strict=True))


def _origin(place: str, template: str) -> str:
    if "://" in place and _is_one_expression(template):
        return origin_of(place)
    origin = origin_of(f"https://{place}")
    # A connection that fills in a part of a host must not end it: evil.example/ before .example.com.
    if origin != f"https://{place.lower()}":
        raise RequestRefused(f"The host that the connection names can't be one: {template}")
    return origin


_is_one_expression = re.compile(r"\{\{[^{}]*\}\}").fullmatch


@functools.cache
def _hosts(connector: Connector) -> Tree:
    return compile_tree(list(connector.hosts))


@functools.cache
def _reveals(action: Action) -> bool:
    """Whether anything of the connection leaves; a secret that only signs does not."""
    sent = [action.method, action.url, action.headers, action.query, action.basic, action.json, action.body]
    return any(name.startswith("connection") for text in _texts(sent) for name in names(text))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from _texts(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _texts(one)
