"""Adds a connector to the catalogue for one test."""

from __future__ import annotations

import pytest

from relay.connectors import registry
from relay.connectors.definition import Connector


def offer(monkeypatch: pytest.MonkeyPatch, *connectors: Connector) -> None:
    """Let the registry know the connectors, in this process, until the test ends."""
    known = {**registry._connectors(), **{one.key: one for one in connectors}}
    actions = {f"{one.key}.{action.key}": (one, action) for one in known.values() for action in one.actions}
    monkeypatch.setattr(registry, "_connectors", lambda: known)
    monkeypatch.setattr(registry, "_actions", lambda: actions)
