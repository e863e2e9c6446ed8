"""Runs chosen by a filter: what the runs page shows, what a batch replays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models

from relay import ids
from relay.models import searching
from relay.models.fields import micros

if TYPE_CHECKING:
    from relay.models.ledger import Run  # noqa: F401 - the queryset's type


class RunQuerySet(models.QuerySet["Run"]):
    def due(self, now: int) -> RunQuerySet:
        return self.filter(due_at__lte=now)

    def chosen(self, chosen: Mapping[str, Any]) -> RunQuerySet:
        """Narrow to what a filter says: a plain JSON object, so that a batch can keep it; unknown keys are an error.

        `state`: a list of states; `flow`: an id; `runs`: references of single runs; `batch`: the id of what made
        them; `issue`: the reference of the one that they were counted in; `unreplayed`: whether to leave out what was
        replayed before; `since`, `until`: days as `2026-03-01` in UTC, both included; `text`: words of payload and
        answer; `code`: an HTTP status that was answered; `destination`: a host that was called. Text, code and
        destination are looked up in the search index, which knows a run some seconds after it ended; the newest are
        read. A value that makes no sense chooses nothing.
        """
        plain = self.filter(*(_CHOICES[key](value) for key, value in chosen.items() if key not in searching.KEYS))
        return plain.filter(searching.found(plain, chosen)) if searching.is_search(chosen) else plain


def day(text: object) -> date | None:
    """A day as `2026-03-01`; None for anything else."""
    try:
        return date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
    except ValueError:
        return None


def bounds(chosen: Mapping[str, Any]) -> tuple[int, int]:
    """The ids that the days of a filter leave: from the first, up to but not with the second."""
    since, until = day(chosen.get("since")), day(chosen.get("until"))
    end = until + timedelta(days=1) if until and until < date.max else None
    return (_first_of(since) if since else 0), (_first_of(end) if end else searching.END)


def _first_of(one: date) -> int:
    return min(ids.first_at(micros(datetime.combine(one, time(), UTC))), searching.END)


def _numbered(refs: Iterable[str]) -> models.Q:
    return models.Q(pk__in=[ids.number(ref) or 0 for ref in refs])


def _since(text: object) -> models.Q:
    return models.Q(id__gte=bounds({"since": text})[0]) if day(text) else models.Q(pk__in=())


def _until(text: object) -> models.Q:
    return models.Q(id__lt=bounds({"until": text})[1]) if day(text) else models.Q(pk__in=())


_CHOICES: dict[str, Callable[[Any], models.Q]] = {
    "state": lambda states: models.Q(state__in=states),
    "flow": lambda flow: models.Q(flow_id=flow),
    "runs": _numbered,
    "batch": lambda batch: models.Q(batch_id=batch),
    "issue": lambda ref: models.Q(issue_id=ids.number(ref) or 0),
    "unreplayed": lambda yes: models.Q(replays__isnull=True) if yes else models.Q(),
    "since": _since,
    "until": _until,
}
