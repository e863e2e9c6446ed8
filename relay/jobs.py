"""The job that RQ runs."""

from __future__ import annotations


def work() -> None:
    """Handle a wakeup: work on due runs until none is due."""
    from relay.engine.worker import work_loop as engine

    engine.work()
