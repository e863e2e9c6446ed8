"""Runs regular expressions in linear time, charged by the size of the pattern. The only module that uses RE2."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import re2  # type: ignore[import-untyped]

from relay.errors import TemplateError
from relay.templating.fuel import charge

MAX_PATTERN = 1_000
# Bytes that RE2 may use for a pattern and its states. Each cached pattern may use as much.
_MAX_MEMORY = 256 * 1024
_MAX_CACHED = 64
# At worst every instruction of a pattern is tried at every byte: nanoseconds for each, and for the byte itself.
_PER_INSTRUCTION, _PER_BYTE = 8, 10


@lru_cache(maxsize=_MAX_CACHED)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_MEMORY
    return re2.compile(pattern, options)


def compile_pattern(pattern: Any) -> Any:
    """A pattern of RE2. Its methods are not metered: call `charge_search` first. Raises TemplateError."""
    if not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        raise TemplateError(f"a pattern is a text of up to {MAX_PATTERN} characters")
    try:
        return _compiled(pattern)
    except (re2.error, UnicodeError) as error:
        raise TemplateError(
            "the pattern is not a regular expression of RE2 (no look-around, no back-references), or it is too large"
        ) from error


def charge_search(compiled: Any, text: str) -> None:
    """Charges one pass of a compiled pattern over a text. Raises TemplateLimit (`work`)."""
    size = len(text) if text.isascii() else 4 * len(text)
    charge(1 + size * (_PER_BYTE + _PER_INSTRUCTION * compiled.programsize) // 200)


def matches_in(pattern: Any, text: str) -> bool:
    """Whether a pattern matches anywhere in a text. Raises TemplateError, TemplateLimit."""
    compiled = compile_pattern(pattern)
    charge_search(compiled, text)
    return compiled.search(text.encode("utf-8", "replace").decode()) is not None
