"""Lists filters for people: by group, by search words, each with its other names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from relay.templating.filters import FILTERS
from relay.templating.values import as_text

GROUPS = (
    "Text",
    "Numbers and money",
    "Dates",
    "Lists and objects",
    "JSON and addresses",
    "Hashes and codes",
    "Contacts and countries",
    "Any value",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A filter with its help; `example` renders to `result`. `also`: other names of the same filter."""

    name: str
    also: tuple[str, ...]
    group: str
    arguments: str
    help: str
    example: str
    result: Any

    @property
    def shown(self) -> str:
        """The result as it appears in text."""
        return as_text(self.result)

    def matches(self, words: str) -> bool:
        """Whether all words occur in its names, help or group."""
        text = " ".join((self.name, *self.also, self.group, self.arguments, self.help)).casefold()
        return all(word in text for word in words.casefold().split())


def _entries() -> tuple[Entry, ...]:
    same: dict[Any, list[str]] = {}
    for name, filter_ in FILTERS.items():
        same.setdefault(filter_.function, []).append(name)
    return tuple(_entry(names) for names in sorted(same.values(), key=_fullest))


def _fullest(names: list[str]) -> str:
    return max(names, key=len)


def _entry(names: list[str]) -> Entry:
    name = _fullest(names)
    filter_ = FILTERS[name]
    also = tuple(other for other in names if other != name)
    return Entry(name, also, filter_.group, filter_.arguments, filter_.help, filter_.example, filter_.result)


ENTRIES = _entries()


def grouped(words: str = "") -> list[tuple[str, list[Entry]]]:
    """The groups with the filters that match the words, matches by name first; empty groups are left out."""
    entries = [entry for entry in ENTRIES if entry.matches(words)]
    if words:
        entries.sort(key=lambda entry: words.casefold() not in " ".join((entry.name, *entry.also)))
    groups = [(group, [entry for entry in entries if entry.group == group]) for group in GROUPS]
    return [(group, entries) for group, entries in groups if entries]
