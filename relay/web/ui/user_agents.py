"""Names a browser and its system from a User-Agent header."""

from __future__ import annotations

# The first match wins: most browsers name several in their header.
_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def name(agent: str) -> str:
    """Return the browser and its system: `Firefox on Linux`."""
    browser = next((label for mark, label in _BROWSERS if mark in agent), "A browser")
    system = next((label for mark, label in _SYSTEMS if mark in agent), "")
    return f"{browser} on {system}" if system else browser
