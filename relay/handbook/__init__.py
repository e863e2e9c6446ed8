"""Reads the Markdown documentation, renders its pages for Relay, and searches them."""

from __future__ import annotations

from relay.handbook.book import INDEX, Entry, Group, Handbook
from relay.handbook.pages import Heading, Page, Section
from relay.handbook.searching import Hit

__all__ = ["INDEX", "Entry", "Group", "Handbook", "Heading", "Hit", "Page", "Section"]
