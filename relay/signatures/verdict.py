"""Defines the result of verification: valid or not, and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason`: a sentence for the flow's owner, without secrets, which the sender never gets.

    `is_temporary`: it could not be decided now, and a repeated request may be valid.
    """

    valid: bool
    reason: str = ""
    is_temporary: bool = False


class Refused(Exception):
    """Raised for an unverified request; its message is the verdict's reason. Never leaves this package."""


class Undecided(Refused):
    """Raised if a key or certificate could not be fetched."""
