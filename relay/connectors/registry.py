"""The catalogue: every connector that stands in the folder, checked as it is loaded."""

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
def _found() -> dict[str, Connector]:
    connectors: dict[str, Connector] = {}
    for module in pkgutil.iter_modules(catalog.__path__):
        for value in vars(importlib.import_module(f"{catalog.__name__}.{module.name}")).values():
            if isinstance(value, Connector) and connectors.setdefault(value.key, value) is not value:
                raise RelayError(f"Two connectors are called {value.key}")
    return connectors


def all() -> list[Connector]:  # noqa: A001 - registry.all() reads as it should
    """All, by label."""
    return sorted(_found().values(), key=lambda one: one.label.lower())


def connector(key: str) -> Connector:
    """One by its key; RelayError when there is none."""
    try:
        return _found()[key]
    except KeyError:
        raise RelayError(f"There is no connector “{key}”{_near(key, list(_found()))}") from None


@functools.cache
def _actions() -> dict[str, tuple[Connector, Action]]:
    return {f"{one.key}.{action.key}": (one, action) for one in _found().values() for action in one.actions}


def find(key: str) -> tuple[Connector, Action]:
    """A connector and one of its actions by `connector.action`; RelayError when there is none."""
    try:
        return _actions()[key]
    except KeyError:
        raise RelayError(f"There is no action “{key}”{_near(key, list(_actions()))}") from None


@functools.cache
def presets() -> dict[str, tuple[Connector, Preset]]:
    """All presets with their connectors, by key, in the order of labels."""
    found = [(one, preset) for one in _found().values() for preset in one.presets]
    by_key: dict[str, tuple[Connector, Preset]] = {}
    for one, preset in sorted(found, key=lambda pair: pair[1].label.lower()):
        if by_key.setdefault(preset.key, (one, preset))[1] is not preset:
            raise RelayError(f"Two presets are called {preset.key}")
    return by_key


def preset(key: str) -> Preset:
    """One by its key; RelayError when there is none."""
    try:
        return presets()[key][1]
    except KeyError:
        raise RelayError(f"There is no preset “{key}”{_near(key, list(presets()))}") from None


@functools.cache
def schemes() -> dict[str, tuple[Scheme | Named | None, tuple[Handshake, ...]]]:
    """All verification schemes with their handshakes, by name; a handshake by its own key has no scheme beside it."""
    found: dict[str, tuple[Scheme | Named | None, tuple[Handshake, ...]]] = {}
    for _, one in presets().values():
        for handshake in one.handshakes:
            found.setdefault(handshake.key, (None, (handshake,)))
    for _, one in presets().values():
        before = found.get(one.verifies_as)
        if before is None or one.handshakes:
            found[one.verifies_as] = (one.verify, one.handshakes)
    return found


def scheme(name: str) -> tuple[Scheme | Named | None, tuple[Handshake, ...]]:
    """One scheme and its handshakes by name; RelayError when there is none."""
    try:
        return schemes()[name]
    except KeyError:
        raise RelayError(f"There is no scheme “{name}”{_near(name, list(schemes()))}") from None


def _near(key: str, known: list[str]) -> str:
    close = difflib.get_close_matches(key, known, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(known))}"
