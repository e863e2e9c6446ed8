"""Defines the exceptions that end a walk before its last step."""

from __future__ import annotations


class Ended(Exception):
    """The walk ends here for now; the outcome has been set."""


class Stopped(Exception):
    """A step filtered or failed, so no later step of its block runs. `reason` is a sentence for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Filtered(Stopped):
    """A condition does not hold: the run, or this element of a loop, ends here."""


class Failed(Stopped):
    """A step failed; its trail entry is failed too."""


class Exhausted(Stopped):
    """The run exceeds a limit of whole runs, so it ends even inside a loop."""


class InDoubt(Exception):
    """An action that must not be done twice was sent, and its outcome is unknown. `reason` is for people."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
