"""The search index, read: which runs have the wanted words, in a file beside SQLite's or a table of PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models.expressions import RawSQL

from relay import words
from relay.models import wording
from relay.models.searchstore import END, Term, store

if TYPE_CHECKING:
    from relay.models.choosing import RunQuerySet

KEYS = frozenset({"text", "code", "destination"})  # of a filter: what is looked up in the index
READ = 500  # newest runs that are read themselves while the index doesn't know them


def is_search(chosen: Mapping[str, Any]) -> bool:
    return not KEYS.isdisjoint(chosen)


def looked_for(chosen: Mapping[str, Any]) -> list[Term]:
    """The words that a run must have; [] where the filter looks for nothing that could be found."""
    facets = [(words.facet(key, chosen[key]),) for key in ("code", "destination") if key in chosen]
    text = [(word,) for word in words.wanted(str(chosen.get("text", "")))]
    return [*facets, *text] if text or "text" not in chosen else []


def found(runs: RunQuerySet, chosen: Mapping[str, Any]) -> models.Q:
    """That a run has the wanted words: by the index, or read where it is too new for that. Reads the newest at once."""
    terms = looked_for(chosen)
    if not terms:
        return models.Q(pk__in=())
    known = RawSQL(*store().select(terms))  # noqa: S611 # nosec B611 - constants with parameters
    return models.Q(pk__in=known) | models.Q(pk__in=newest(runs, terms))


def newest(runs: RunQuerySet, terms: Sequence[Term], *, above: int = 0, below: int = END) -> list[int]:
    """Ids, newest first, of runs that the index doesn't know yet and that have the words; READ are looked at."""
    unknown = runs.filter(id__gt=max(above, store().progress()), id__lt=below).order_by("-id")[:READ]
    return [one for one, kept in wording.of_runs(unknown).items() if words.holds(kept, [term[0] for term in terms])]


__all__ = ["END", "KEYS", "READ", "Term", "found", "is_search", "looked_for", "newest", "store"]
