"""Reads the filters of a list of runs from a query, and writes them back to one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from relay import ids
from relay.models import Run, RunState, Workspace
from relay.search import filters
from relay.web.ui import form_data, times

MAX_TEXT_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class RunFilters:
    """`flow` is an id, `issue` a ref, `batch` the id of the bulk replay that made the runs.

    `code` is an HTTP status, `destination` a host, `since` and `until` are days such as 2026-03-01, in the reader's
    time zone.
    """

    states: tuple[str, ...] = ()
    flow: int | None = None
    text: str = ""
    code: str = ""
    destination: str = ""
    since: str = ""
    until: str = ""
    issue: str = ""
    batch: str = ""

    @classmethod
    def from_query(cls, query: QueryDict) -> RunFilters:
        """Return the filters of a query; invalid values are ignored."""
        states = tuple(state for state in RunState.values if state in query.getlist("state"))
        flow, code, batch = query.get("flow", ""), query.get("code", "").strip(), query.get("batch", "")
        since, until, issue = query.get("since", ""), query.get("until", ""), query.get("issue", "")
        return cls(
            states=states,
            flow=ids.row(flow),
            text=form_data.text(query, "text", limit=MAX_TEXT_CHARACTERS).strip(),
            code=code if code.isascii() and code.isdigit() and len(code) == 3 else "",
            destination=form_data.text(query, "destination", limit=100).strip(),
            since=since if filters.day(since) else "",
            until=until if filters.day(until) else "",
            issue=issue if ids.number(issue) is not None else "",
            batch=batch if ids.row(batch) is not None else "",
        )

    @property
    def chosen(self) -> dict[str, Any]:
        """The filters as `relay.search.filters.filter_runs` takes them; {} is all runs."""
        days = times.day_range(self.since, self.until)
        values: dict[str, Any] = {"state": list(self.states), "flow": self.flow, **self.words, **days}
        return {key: value for key, value in values.items() if value}

    @property
    def words(self) -> dict[str, str]:
        """The typed filters by their names in the query."""
        return {
            "text": self.text,
            "code": self.code,
            "destination": self.destination,
            "since": self.since,
            "until": self.until,
            "issue": self.issue,
            "batch": self.batch,
        }

    @property
    def rare(self) -> bool:
        """Whether a filter is set that the list hides by default."""
        return any(value for name, value in self.words.items() if name not in ("text", "issue", "batch"))

    def query(self, **more: str) -> str:
        """Return the query string for these filters and `more`."""
        query = QueryDict(mutable=True)
        query.setlist("state", list(self.states))
        values = {"flow": "" if self.flow is None else str(self.flow), **self.words, **more}
        query.update({name: value for name, value in values.items() if value})
        return query.urlencode()

    def toggled(self, state: str) -> RunFilters:
        states = (
            tuple(other for other in self.states if other != state) if state in self.states else (*self.states, state)
        )
        return replace(self, states=states)

    def without(self, name: str) -> RunFilters:
        values: dict[str, Any] = {name: ""}
        return replace(self, **values)

    def narrow(self, workspace: Workspace) -> QuerySet[Run]:
        return filters.filter_runs(Run.objects.filter(workspace=workspace), self.chosen)
