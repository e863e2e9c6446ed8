"""Collects the words of runs for the index: from payloads, answers, titles and reasons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from django.db.models import BinaryField, QuerySet
from django.db.models.functions import Substr

from relay.bodies import numerals, payloads
from relay.errors import PayloadError
from relay.models import Attempt, Run
from relay.search import words

LARGE_BYTES = 64 * 1024  # of a larger body, the start is read as text
MAX_ANSWER_CHARACTERS = 4 * LARGE_BYTES  # of all answers of one run
ATTEMPTS_AT_ONCE = 20  # in memory
FACETS = ("workspace", "flow", "state")
_START = Substr("event__body", 1, LARGE_BYTES + 1, output_field=BinaryField())


class _RunTexts(NamedTuple):
    """What is indexed of a run and its event; `start`: of the body."""

    id: int
    title: str
    reason: str
    event__query: str | None
    event__content_type: str | None
    start: bytes | memoryview | None
    workspace: int
    flow: int
    state: str


class _AttemptTexts(NamedTuple):
    """What is indexed of an attempt."""

    run_id: int
    status: int | None
    request: Any
    answer: Any
    error: str | None


def of_runs(runs: QuerySet[Run]) -> dict[int, list[str]]:
    """Return the words of each run by its id, in the order of the query; takes two queries."""
    rows = list(map(_RunTexts._make, runs.annotate(start=_START).values_list(*_RunTexts._fields)))
    answers: dict[int, list[str]] = {row.id: [] for row in rows}
    facets = {row.id: [words.facet(name, getattr(row, name)) for name in FACETS] for row in rows}
    remaining = dict.fromkeys(answers, MAX_ANSWER_CHARACTERS)
    # Iterated in chunks: a run may have thousands of long answers.
    for attempt in map(_AttemptTexts._make, _attempts(list(answers)).iterator(chunk_size=ATTEMPTS_AT_ONCE)):
        run_id = attempt.run_id
        facets[run_id] += _facets(attempt.status, attempt.request)
        if remaining[run_id] > 0:
            texts = [attempt.error or "", *_answer_texts(attempt.answer)]
            answers[run_id] += texts
            remaining[run_id] -= sum(map(len, texts))
    return {row.id: [*dict.fromkeys(facets[row.id]), *words.words(_texts(row, answers[row.id]))] for row in rows}


def _attempts(run_ids: list[int]) -> QuerySet[Any, Any]:
    attempts = Attempt.objects.filter(run__in=run_ids)
    return attempts.order_by("id").values_list(*_AttemptTexts._fields)


def _facets(status: int | None, request: Any) -> Iterator[str]:
    if status is not None:
        yield words.facet("code", status)
    if isinstance(request, dict):
        yield words.facet("destination", words.host(str(request.get("url", ""))))


def _answer_texts(answer: Any) -> Iterator[str]:
    body = answer.get("body") if isinstance(answer, dict) else None
    if isinstance(body, str) and body:
        yield from _payload(body.encode("utf-8", "replace"), "")


def _texts(row: _RunTexts, answers: list[str]) -> Iterator[str]:
    yield row.title
    yield row.reason
    yield unquote_plus(row.event__query or "")
    yield from _payload(bytes(row.start or b""), row.event__content_type or "")
    yield from answers


def _payload(body: bytes, content_type: str) -> Iterator[str]:
    if len(body) > LARGE_BYTES:
        yield body[:LARGE_BYTES].decode("utf-8", "replace")
        return
    try:
        yield from _values(payloads.parse(body, content_type))
    except PayloadError:
        yield body.decode("utf-8", "replace")


def _values(value: Any) -> Iterator[str]:
    """Yield the texts and numbers of a JSON value; `parse` has refused values that are nested too deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _values(item)
    elif isinstance(value, list):
        for item in value:
            yield from _values(item)
    elif value is not None and not isinstance(value, bool):
        yield numerals.encode(value).decode()
