"""What verification comes to: valid or not, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason`: a sentence for the flow's owner, without secrets; the sender is told nothing of it.

    `is_temporary`: it could not be decided now; sent again, it may be valid.
    """

    valid: bool
    reason: str = ""
    is_temporary: bool = False


class Refused(Exception):
    """Not verified; the message is the verdict's reason. Never leaves this package."""


class Undecided(Refused):
    """What verification needs could not be fetched."""
