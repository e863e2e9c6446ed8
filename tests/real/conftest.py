"""Programs of others, each started once for all tests of a session."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.node_red import NodeRed


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is left out unless asked for."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("real")


@pytest.fixture(scope="session")
def node_red() -> Iterator[NodeRed]:
    running = NodeRed()
    try:
        yield running.start()
    finally:
        running.remove()
