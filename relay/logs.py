"""Configures log lines and their destination: standard error, which may be a file on a full disk."""

from __future__ import annotations

import contextlib
import logging
import sys
from typing import TextIO, cast

import structlog


class _StandardError:
    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def standard_error() -> TextIO:
    """Return a stream that drops lines instead of raising: no request may fail because a log can't be written."""
    return cast("TextIO", _StandardError())


def configure(level: str) -> None:
    """Let structlog write lines of a level and above; an unknown level counts as INFO."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level, logging.INFO)),
        logger_factory=structlog.PrintLoggerFactory(file=standard_error()),
    )
