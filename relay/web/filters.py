"""What a list of runs is narrowed to: from its address, as an address, and as a filter of the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict

from relay import ids
from relay.models import Run, RunState, Workspace, choosing
from relay.web import posted

WORDS = 500  # characters of a text that is looked for


@dataclass(frozen=True, slots=True)
class Filters:
    """`flow` is an id, `issue` a reference, `batch` the number of the replay of many that made the runs.

    `code` is an HTTP status, `destination` a host, `since` and `until` are days as 2026-03-01 (UTC).
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
    def of(cls, query: QueryDict) -> Filters:
        """From an address; what makes no sense there is left out."""
        states = tuple(state for state in RunState.values if state in query.getlist("state"))
        flow, code, batch = query.get("flow", ""), query.get("code", "").strip(), query.get("batch", "")
        since, until, issue = query.get("since", ""), query.get("until", ""), query.get("issue", "")
        return cls(
            states=states,
            flow=ids.row(flow),
            text=posted.text(query, "text", limit=WORDS).strip(),
            code=code if code.isascii() and code.isdigit() and len(code) == 3 else "",
            destination=posted.text(query, "destination", limit=100).strip(),
            since=since if choosing.day(since) else "",
            until=until if choosing.day(until) else "",
            issue=issue if ids.number(issue) is not None else "",
            batch=batch if ids.row(batch) is not None else "",
        )

    @property
    def chosen(self) -> dict[str, Any]:
        """The same as `RunQuerySet.chosen` takes it; {} is all runs."""
        values: dict[str, Any] = {"state": list(self.states), "flow": self.flow, **self.words}
        return {key: value for key, value in values.items() if value}

    @property
    def words(self) -> dict[str, str]:
        """What is written, not picked, by its name in the address."""
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
        """Whether something is set that the list shows only when asked."""
        return any(value for name, value in self.words.items() if name not in ("text", "issue", "batch"))

    def query(self, **more: str) -> str:
        """The address's query for these filters and `more`."""
        query = QueryDict(mutable=True)
        query.setlist("state", list(self.states))
        values = {"flow": "" if self.flow is None else str(self.flow), **self.words, **more}
        query.update({name: value for name, value in values.items() if value})
        return query.urlencode()

    def toggled(self, state: str) -> Filters:
        states = tuple(s for s in self.states if s != state) if state in self.states else (*self.states, state)
        return replace(self, states=states)

    def without(self, name: str) -> Filters:
        values: dict[str, Any] = {name: ""}
        return replace(self, **values)

    def narrow(self, workspace: Workspace) -> QuerySet[Run]:
        return Run.objects.filter(workspace=workspace).chosen(self.chosen)
