"""What RQ calls."""

from __future__ import annotations


def work() -> None:
    """Answer a bell: work on what is due until nothing is."""
    from relay.engine import work as engine

    engine.work()
