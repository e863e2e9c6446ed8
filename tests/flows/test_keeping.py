"""How long what a flow received is kept: its own word, else the workspace's."""

from __future__ import annotations

from typing import Any

import pytest

from relay.flows.keeping import Keeping, keeping

DAY = 86_400.0


@pytest.mark.parametrize(
    ("settings", "days", "found"),
    [
        ({}, 30, Keeping(30 * DAY, True)),
        ({}, 0, Keeping(None, True)),
        ({"retention": "2h"}, 30, Keeping(7200.0, True)),
        ({"retention": "forever"}, 30, Keeping(None, True)),
        ({"retention": "soon"}, 30, Keeping(30 * DAY, True)),
        ({"retention": 7}, 0, Keeping(None, True)),
        ({"store_bodies": False}, 30, Keeping(30 * DAY, False)),
        ("odd", 30, Keeping(30 * DAY, True)),
    ],
)
def test_what_a_document_asks_for(settings: Any, days: int, found: Keeping) -> None:
    assert keeping({"settings": settings}, workspace_days=days) == found


def test_what_is_no_document_is_as_the_workspace_has_it() -> None:
    assert keeping(None, workspace_days=7) == Keeping(7 * DAY, True)
