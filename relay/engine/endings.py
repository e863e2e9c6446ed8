"""How a walk stops before its last step."""

from __future__ import annotations


class Ended(Exception):
    """The walk goes no further now; the outcome says why."""


class Stopped(Exception):
    """A step lets nothing behind it run: it filtered, or it failed. `reason` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Filtered(Stopped):
    """A condition does not hold: the run ends here, or this element of a loop."""


class Failed(Stopped):
    """A step failed; its entry of the trail says so, too."""


class Exhausted(Stopped):
    """The run is past a limit of runs; no loop goes on after that."""
