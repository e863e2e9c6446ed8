"""Loads the answers and outputs of an event's own run for previews and dry runs, up to a bounded size.

For an event without a run, such as a sample, they are those of a run that succeeded.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, QuerySet, When
from django.db.models.functions import Length

from relay.connectors import response_rules
from relay.flows import nesting
from relay.models import AttemptState, Flow, Run, RunState, stored_trail

MAX_RUNS = 50
MAX_ATTEMPTS = 200
MAX_ANSWER_CHARS = 2 * 1024 * 1024  # of all answers, as they are stored
MAX_TRAIL_CHARS = 256 * 1024  # a longer trail is not read


def source(flow: Flow, event_id: int | None = None) -> Run | None:
    """The run whose answers are used with an event: of its own runs, or else of the last runs, one that succeeded."""
    own = _best(flow.runs.filter(event_id=event_id)) if event_id is not None else None
    return own or _best(flow.runs.all())


def _best(runs: QuerySet[Run]) -> Run | None:
    """The last run that succeeded, or else the last one. Only the newest MAX_RUNS are looked at."""
    newest = list(runs.order_by("-id").only("pk", "state", "event_id")[:MAX_RUNS])
    return next((run for run in newest if run.state == RunState.SUCCEEDED), newest[0] if newest else None)


def records(flow: Flow, event_id: int | None = None) -> dict[str, dict[str, Any]]:
    """The stored successful answers for an event, by step id, and for calls of an action by `step.call`.

    Of a step in a loop, they are the last ones.
    """
    run = source(flow, event_id)
    return {} if run is None else _records(run)


def outputs(flow: Flow, event_id: int | None = None) -> dict[str, dict[str, Any]]:
    """The outputs for an event by step id, so that the fields of later steps have values to show."""
    run = source(flow, event_id)
    if run is None:
        return {}
    short = Case(When(size__lte=MAX_TRAIL_CHARS, then=F("trail")))
    trail = flow.runs.filter(pk=run.pk).annotate(size=Length("trail"), short=short).values_list("short", flat=True)
    stored = {step: record for step, record in _records(run).items() if not nesting.call_key(step)}
    answers = {step: response_rules.outputs_of_record(record) for step, record in stored.items()}
    entries = [entry for entry in stored_trail.read(trail.first()) if not entry.is_call]
    return {**answers, **{entry.id: entry.outputs for entry in entries if entry.outputs is not None}}


def _records(run: Run) -> dict[str, dict[str, Any]]:
    successful = run.attempts.filter(state=AttemptState.SUCCEEDED, answer__isnull=False)
    rows = successful.annotate(size=Length("answer")).order_by("-id").only("step", "answer")
    answers: dict[str, dict[str, Any]] = {}
    remaining = MAX_ANSWER_CHARS
    for attempt in rows[:MAX_ATTEMPTS].iterator(chunk_size=20):
        remaining -= attempt.size
        if remaining < 0:
            break
        step, call = nesting.base(attempt.step), nesting.call_key(attempt.step)
        answers.setdefault(f"{step}.{call}" if call else step, dict(attempt.answer))
    return answers
