"""Fixtures for fault tests: a destination and real processes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chaos.stream import Sink


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as running:
        yield running
