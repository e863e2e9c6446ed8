"""Tests how long events are kept, by the flow's setting or the workspace's."""

from __future__ import annotations

from typing import Any

import pytest

from relay.flows.retention import Retention, retention_of

DAY = 86_400.0


@pytest.mark.parametrize(
    ("settings", "days", "found"),
    [
        ({}, 30, Retention(30 * DAY, True)),
        ({}, 0, Retention(None, True)),
        ({"retention": "2h"}, 30, Retention(7200.0, True)),
        ({"retention": "forever"}, 30, Retention(None, True)),
        ({"retention": "soon"}, 30, Retention(30 * DAY, True)),
        ({"retention": 7}, 0, Retention(None, True)),
        ({"store_bodies": False}, 30, Retention(30 * DAY, False)),
        ("odd", 30, Retention(30 * DAY, True)),
    ],
)
def test_what_a_document_asks_for(settings: Any, days: int, found: Retention) -> None:
    assert retention_of({"settings": settings}, workspace_days=days) == found


def test_what_is_no_document_is_as_the_workspace_has_it() -> None:
    assert retention_of(None, workspace_days=7) == Retention(7 * DAY, True)
