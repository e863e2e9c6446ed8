"""Where log lines go: standard error, which may be a file on a full disk."""

from __future__ import annotations

import contextlib
import sys
from typing import TextIO, cast


class _StandardError:
    def write(self, text: str) -> int:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()


def standard_error() -> TextIO:
    """A stream that loses lines rather than raise: no request may fail for a log that can't be written."""
    return cast("TextIO", _StandardError())
