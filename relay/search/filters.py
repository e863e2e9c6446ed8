"""Selects runs by a filter, for the page of runs and for bulk replays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import models

from relay import ids
from relay.models import Run
from relay.models.fields import micros
from relay.search import query


def filter_runs(runs: models.QuerySet[Run], chosen: Mapping[str, Any]) -> models.QuerySet[Run]:
    """Filter runs by a plain JSON object, which a bulk replay can store; raises KeyError for unknown keys.

    `state`: a list of states; `flow`: an id; `runs`: references of runs; `batch`: the id of the bulk replay that
    made them; `issue`: the reference of their issue; `unreplayed`: whether to leave out runs that were replayed;
    `since`, `until`: days as `2026-03-01` in UTC, both included, or moments with their offset from UTC, of which the
    second is excluded; `text`: words of payloads and answers; `code`: an
    HTTP status of an answer; `destination`: a host that was called. Text, code and destination are looked up in
    the search index, which knows a run some seconds after it ended; newer runs are read. An invalid value selects
    nothing.
    """
    plain = runs.filter(*(_CONDITIONS[key](value) for key, value in chosen.items() if key not in query.KEYS))
    return plain.filter(query.matches(plain, chosen)) if query.is_search(chosen) else plain


def day(text: object) -> date | None:
    """Parse a day such as `2026-03-01`; None for anything else."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None


def bounds(chosen: Mapping[str, Any]) -> tuple[int, int]:
    """Return the range of ids for the days or moments of a filter, from the first id up to the second, excluded."""
    since, until = _moment(chosen.get("since"), 0), _moment(chosen.get("until"), 1)
    return (_first_id(since) if since else 0), (_first_id(until) if until else query.END)


def _moment(text: object, days_later: int) -> datetime | None:
    """Parse a day, or a moment with its offset; None for anything else. Of a day, the midnight some days later."""
    found = day(text)
    try:
        if found is not None:
            return datetime.combine(found + timedelta(days=days_later), time(), UTC)
        moment = datetime.fromisoformat(text) if isinstance(text, str) and len(text) > 10 else None
        return moment.astimezone(UTC) if moment is not None and moment.tzinfo else None
    except (OverflowError, ValueError):
        return None


def _first_id(moment: datetime) -> int:
    return max(0, min(ids.first_at(micros(moment)), query.END))


def _numbered(refs: Iterable[str]) -> models.Q:
    return models.Q(pk__in=[ids.number(ref) or 0 for ref in refs])


def _since(text: object) -> models.Q:
    return models.Q(id__gte=bounds({"since": text})[0]) if _moment(text, 0) else models.Q(pk__in=())


def _until(text: object) -> models.Q:
    return models.Q(id__lt=bounds({"until": text})[1]) if day(text) or _moment(text, 1) else models.Q(pk__in=())


_CONDITIONS: dict[str, Callable[[Any], models.Q]] = {
    "state": lambda states: models.Q(state__in=states),
    "flow": lambda flow: models.Q(flow_id=flow),
    "runs": _numbered,
    "batch": lambda batch: models.Q(batch_id=batch),
    "issue": lambda ref: models.Q(issue_id=ids.number(ref) or 0),
    "unreplayed": lambda yes: models.Q(replays__isnull=True) if yes else models.Q(),
    "since": _since,
    "until": _until,
}
