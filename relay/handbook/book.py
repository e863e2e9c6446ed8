"""Loads the pages of a folder in the order of the site's navigation, and renders each once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from relay.handbook.pages import Address, Page
from relay.handbook.searching import Hit, search

INDEX = "index"
_find_title = re.compile(r"^# +(.+?)\s*$", re.MULTILINE).search


@dataclass(frozen=True, slots=True)
class Entry:
    """A page in the navigation."""

    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Group:
    """Pages under one label; the label is empty for a page outside of a group."""

    label: str
    entries: tuple[Entry, ...]


class Handbook:
    """The documentation: every `*.md` file in `folder` is a page.

    Pages that the navigation (a `mkdocs.yml`) doesn't name come last. Names without a file are ignored.
    """

    def __init__(self, folder: Path, navigation: Path, address: Address) -> None:
        self._folder = folder
        self._address = address
        self._rendered: dict[str, Page] = {}
        titles = {path.stem: _title(path) for path in sorted(folder.glob("*.md"))}
        self.groups = tuple(_grouped(yaml.safe_load(navigation.read_text(encoding="utf-8")).get("nav", []), titles))
        self.entries = tuple(entry for group in self.groups for entry in group.entries)

    def page(self, name: str) -> Page:
        """Return a page by its name without `.md`. KeyError if there is none."""
        if name not in {entry.name for entry in self.entries}:
            raise KeyError(name)
        if name not in self._rendered:
            # Imported here, because Python-Markdown costs memory and time that most processes don't need to spend.
            from relay.handbook.rendering import render

            source = (self._folder / f"{name}.md").read_text(encoding="utf-8")
            self._rendered[name] = render(name, source, self._address)
        return self._rendered[name]

    def neighbours(self, name: str) -> tuple[Entry | None, Entry | None]:
        """Return the pages before and after one."""
        index = next(index for index, entry in enumerate(self.entries) if entry.name == name)
        after = self.entries[index + 1 : index + 2]
        return (self.entries[index - 1] if index else None), (after[0] if after else None)

    def search(self, text: str) -> list[Hit]:
        return search((self.page(entry.name) for entry in self.entries), text)


def _title(path: Path) -> str:
    match = _find_title(path.read_text(encoding="utf-8"))
    return match[1] if match else path.stem


def _grouped(nav: list[Any], titles: dict[str, str]) -> Iterator[Group]:
    unlisted = dict(titles)
    for label, pages in _navigation_groups(nav):
        entries = tuple(Entry(name, title or titles[name]) for name, title in pages if unlisted.pop(name, None))
        if entries:
            yield Group(label, entries)
    if unlisted:
        yield Group("More", tuple(Entry(name, title) for name, title in unlisted.items()))


def _navigation_groups(nav: list[Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Yield labels with the names and titles of their pages: `("Build", [("steps", "")])`."""
    for item in nav:
        label, target = next(iter(item.items())) if isinstance(item, dict) else ("", item)
        if isinstance(target, list):
            yield label, [(path.removesuffix(".md"), "") for path in target]
        else:
            yield "", [(target.removesuffix(".md"), label)]
