"""Searches the index for runs with given words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models
from django.db.models.expressions import RawSQL

from relay.models import Run
from relay.search import documents, words
from relay.search.index_store import END, Term, store

KEYS = frozenset({"text", "code", "destination"})  # of a filter, which are looked up in the index
MAX_READ = 500  # newest runs that are read, as long as they aren't indexed


def is_search(chosen: Mapping[str, Any]) -> bool:
    return not KEYS.isdisjoint(chosen)


def search_terms(chosen: Mapping[str, Any]) -> list[Term]:
    """Return the words that a run must have; [] if the filter contains no searchable word."""
    facets = [(words.facet(key, chosen[key]),) for key in ("code", "destination") if key in chosen]
    text = [(word,) for word in words.wanted(str(chosen.get("text", "")))]
    return [*facets, *text] if text or "text" not in chosen else []


def matches(runs: models.QuerySet[Run], chosen: Mapping[str, Any]) -> models.Q:
    """Return the condition that a run has the words: by the index, or by reading the newest runs now."""
    terms = search_terms(chosen)
    if not terms:
        return models.Q(pk__in=())
    indexed = RawSQL(*store().select(terms))  # noqa: S611 # nosec B611 - constants with parameters
    return models.Q(pk__in=indexed) | models.Q(pk__in=newest(runs, terms))


def newest(runs: models.QuerySet[Run], terms: Sequence[Term], *, above: int = 0, below: int = END) -> list[int]:
    """Return ids, newest first, of runs with the words that aren't indexed yet; reads up to MAX_READ runs."""
    unindexed = runs.filter(id__gt=max(above, store().progress()), id__lt=below).order_by("-id")[:MAX_READ]
    return [
        run_id
        for run_id, kept in documents.of_runs(unindexed).items()
        if words.holds(kept, [term[0] for term in terms])
    ]


__all__ = ["END", "KEYS", "MAX_READ", "Term", "is_search", "matches", "newest", "search_terms", "store"]
