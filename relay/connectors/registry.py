"""Loads every connector in the catalog folder, and finds connectors, actions, presets and schemes by key."""

from __future__ import annotations

import difflib
import functools
import importlib
import pkgutil

from relay.connectors import catalog
from relay.connectors.definition import Action, Connector, Preset
from relay.errors import RelayError
from relay.signatures import Handshake, Named, Scheme


@functools.cache
def _connectors() -> dict[str, Connector]:
    connectors: dict[str, Connector] = {}
    for module in pkgutil.iter_modules(catalog.__path__):
        for value in vars(importlib.import_module(f"{catalog.__name__}.{module.name}")).values():
            if isinstance(value, Connector) and connectors.setdefault(value.key, value) is not value:
                raise RelayError(f"Two connectors are called {value.key}")
    return connectors


def list_connectors() -> list[Connector]:
    """All connectors, by label."""
    return sorted(_connectors().values(), key=lambda connector_: connector_.label.lower())


def connector(key: str) -> Connector:
    """The connector with a key. Raises RelayError for an unknown one."""
    try:
        return _connectors()[key]
    except KeyError:
        raise RelayError(f"There is no connector “{key}”{_suggestion(key, list(_connectors()))}") from None


@functools.cache
def _actions() -> dict[str, tuple[Connector, Action]]:
    return {
        f"{connector_.key}.{action.key}": (connector_, action)
        for connector_ in _connectors().values()
        for action in connector_.actions
    }


def known(key: object) -> tuple[Connector, Action] | None:
    """A connector and one of its actions by `connector.action`; None for an unknown key.

    For pages with many steps: for an unknown key, `find` searches for a similar one, which takes much longer.
    """
    return _actions().get(key) if isinstance(key, str) else None


def find(key: str) -> tuple[Connector, Action]:
    """Like `known`, but raises RelayError with a similar key for an unknown one."""
    match = known(key)
    if match is None:
        raise RelayError(f"There is no action “{key}”{_suggestion(key, list(_actions()))}")
    return match


def label(key: str) -> str:
    """The label of an action's service, such as `Slack`; the key itself for an unknown action."""
    match = known(key)
    return key if match is None else match[0].label


@functools.cache
def presets() -> dict[str, tuple[Connector, Preset]]:
    """All presets with their connectors, by key, in the order of labels."""
    pairs = [(connector_, preset) for connector_ in _connectors().values() for preset in connector_.presets]
    by_key: dict[str, tuple[Connector, Preset]] = {}
    for connector_, preset in sorted(pairs, key=lambda pair: pair[1].label.lower()):
        if by_key.setdefault(preset.key, (connector_, preset))[1] is not preset:
            raise RelayError(f"Two presets are called {preset.key}")
    return by_key


def preset(key: str) -> Preset:
    """The preset with a key. Raises RelayError for an unknown one."""
    try:
        return presets()[key][1]
    except KeyError:
        raise RelayError(f"There is no preset “{key}”{_suggestion(key, list(presets()))}") from None


@functools.cache
def schemes() -> dict[str, tuple[Scheme | Named | None, tuple[Handshake, ...]]]:
    """All verification schemes with their handshakes, by name; under a handshake's own key, it has no scheme."""
    by_name: dict[str, tuple[Scheme | Named | None, tuple[Handshake, ...]]] = {}
    for _, preset_ in presets().values():
        for handshake in preset_.handshakes:
            by_name.setdefault(handshake.key, (None, (handshake,)))
    for _, preset_ in presets().values():
        existing = by_name.get(preset_.verifies_as)
        if existing is None or preset_.handshakes:
            by_name[preset_.verifies_as] = (preset_.verify, preset_.handshakes)
    return by_name


def scheme(name: str) -> tuple[Scheme | Named | None, tuple[Handshake, ...]]:
    """A scheme and its handshakes by name. Raises RelayError for an unknown name."""
    try:
        return schemes()[name]
    except KeyError:
        raise RelayError(f"There is no scheme “{name}”{_suggestion(name, list(schemes()))}") from None


def _suggestion(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key[:60], known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"
