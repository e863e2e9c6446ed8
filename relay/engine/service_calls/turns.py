"""Limits the calls that a process makes outside of runs: one at a time for each workspace, a few in all.

A call is made by the thread that asks for it. While it waits for its turn and for the service, other requests of its
workspace are handled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from relay.engine.sandbox.helper_pool import Pool
from relay.errors import RelayError

Result = TypeVar("Result")

# Of all workspaces. Each may hold an answer of http_client.LIST_BYTES and what is parsed of it.
MAX_AT_ONCE = 8


class _Turn:
    """Makes calls, one after the other. A pool counts its errors as stopped helpers, so it returns them."""

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": question["work"]()}
        except RelayError as error:
            return {"error": error}

    def close(self) -> None:
        """Nothing is kept between calls."""


_CALLS = Pool(_Turn, size=MAX_AT_ONCE, noun="service call")


def in_turn(workspace_id: int, work: Callable[[], Result]) -> Result:
    """The result of `work`, which calls a service. Raises Busy if too many calls wait, and what `work` raises."""
    answer = _CALLS.ask({"work": work}, workspace=workspace_id)
    if "error" in answer:
        raise answer["error"]
    result: Result = answer["result"]
    return result
