"""Loads the answers and outputs of a flow's last run for previews and dry runs, up to a bounded size."""

from __future__ import annotations

from typing import Any

from django.db.models import Case, F, When
from django.db.models.functions import Length

from relay.connectors import response_rules
from relay.flows import nesting
from relay.models import AttemptState, Flow, Run, stored_trail

MAX_ATTEMPTS = 200
MAX_ANSWER_CHARS = 2 * 1024 * 1024  # of all answers, as they are stored
MAX_TRAIL_CHARS = 256 * 1024  # a longer trail is not read


def records(flow: Flow) -> dict[str, dict[str, Any]]:
    """The stored successful answers of the last run, by step id, and for calls of an action by `step.call`.

    Of a step in a loop, they are the last ones.
    """
    run = flow.runs.order_by("-id").only("pk").first()
    return {} if run is None else _records(run)


def outputs(flow: Flow) -> dict[str, dict[str, Any]]:
    """The outputs of the last run by step id, so that the fields of later steps have values to show."""
    short = Case(When(size__lte=MAX_TRAIL_CHARS, then=F("trail")))
    runs = flow.runs.order_by("-id").annotate(size=Length("trail"), short=short)
    run = runs.only("pk").first()
    if run is None:
        return {}
    stored = {step: record for step, record in _records(run).items() if not nesting.call_key(step)}
    answers = {step: response_rules.outputs_of_record(record) for step, record in stored.items()}
    entries = [entry for entry in stored_trail.read(run.short) if not entry.is_call]
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
