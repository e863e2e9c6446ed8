"""Renders and checks templates for pages in helper processes that can be killed.

Deliveries render in the worker itself, with the same fuel. Checks have their own helper processes, so that publishing
and importing never wait for previews.
"""

from __future__ import annotations

import atexit
from typing import Any

from relay.engine.preview import render_process
from relay.engine.sandbox.helper_pool import Pool
from relay.engine.sandbox.process import HelperProcess

# More than one, so that a single workspace, which may ask one question at a time, doesn't use all of them.
POOL_SIZE = 2
_EMPTY_QUESTION: dict[str, Any] = {"step": {}, "before": [], "outputs": {}, "flow": "", "event": None}


def helper(noun: str, *, max_starts: int | None = None) -> HelperProcess:
    """Create a helper process. In a pool it needs no `max_starts`, because the pool counts stops by workspace."""
    name, cpu = render_process.__name__, render_process.CPU_SECONDS
    return HelperProcess(module=name, first_message=_EMPTY_QUESTION, noun=noun, cpu_seconds=cpu, max_starts=max_starts)


PREVIEWS = Pool(lambda: helper("preview"), size=POOL_SIZE, noun="preview")
CHECKS = Pool(lambda: helper("check"), size=POOL_SIZE, noun="check")
atexit.register(PREVIEWS.close)
atexit.register(CHECKS.close)


def ask(question: dict[str, Any], *, workspace: int) -> dict[str, Any]:
    """Ask `render_task.answer` about a step. Raises Busy, TemplateLimit, RelayError."""
    return PREVIEWS.ask(question, workspace=workspace)


def check(source: Any, *, workspace: int) -> dict[str, Any]:
    """Ask `render_task.answer` about a document (text or values). Raises Busy, TemplateLimit, RelayError."""
    return CHECKS.ask({"check": source}, workspace=workspace)
