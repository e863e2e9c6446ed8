"""Reads the installed version of Relay's distribution, whose name is not that of the package."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

# In package indexes `relay` is another project.
NAME = "relay-flows"


def version() -> str:
    """Return the installed version, such as `0.1.0`; empty if Relay runs from files that aren't installed."""
    try:
        return version_of(NAME)
    except PackageNotFoundError:
        return ""
