"""Defines the records of a rendered page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

# Returns the URL of a page by its name.
Address = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Heading:
    """`level`: 2 or 3. `anchor`: its id on the page."""

    anchor: str
    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Section:
    """The plain text below a heading, up to the next one. `anchor` is empty for the start of the page."""

    anchor: str
    heading: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """A rendered page. `html` comes from Relay's own documentation, so templates don't escape it."""

    name: str
    title: str
    html: str
    headings: tuple[Heading, ...]
    sections: tuple[Section, ...]
