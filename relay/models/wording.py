"""The words of runs: of what arrived, what was answered, what they are called and why they failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import msgspec
from django.apps import apps
from django.db.models import BinaryField
from django.db.models.functions import Substr

from relay import payloads, words
from relay.errors import PayloadError

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from relay.models.choosing import RunQuerySet

LARGE = 64 * 1024  # bytes; of what is larger the start is read as text
FACETS = ("workspace", "flow", "state")
_RUN = ("id", "title", "reason", "event__query", "event__content_type", "start", "workspace", "flow", "state")
_START = Substr("event__body", 1, LARGE + 1, output_field=BinaryField())


def of_runs(runs: RunQuerySet) -> dict[int, list[str]]:
    """The words of each run by its id, in the order of the query; two queries."""
    rows = list(runs.annotate(start=_START).values_list(*_RUN))
    said: dict[int, list[str]] = {row[0]: [] for row in rows}
    facets: dict[int, list[str]] = {
        row[0]: [words.facet(*pair) for pair in zip(FACETS, row[6:], strict=True)] for row in rows
    }
    for run, status, request, answer, error in _attempts(list(said)):
        said[run] += [error or "", *_answered(answer)]
        facets[run] += _facets(status, request)
    return {row[0]: [*dict.fromkeys(facets[row[0]]), *words.words(_texts(row, said[row[0]]))] for row in rows}


def _attempts(run_ids: list[int]) -> QuerySet[Any, Any]:
    # By name: the models of the ledger are made of this module.
    attempts = apps.get_model("relay", "Attempt").objects.filter(run__in=run_ids)
    return attempts.order_by("id").values_list("run_id", "status", "request", "answer", "error")


def _facets(status: int | None, request: Any) -> Iterator[str]:
    if status is not None:
        yield words.facet("code", status)
    if isinstance(request, dict):
        yield words.facet("destination", words.host(str(request.get("url", ""))))


def _answered(answer: Any) -> Iterator[str]:
    body = answer.get("body") if isinstance(answer, dict) else None
    if isinstance(body, str) and body:
        yield from _payload(body.encode("utf-8", "replace"), "")


def _texts(row: tuple[Any, ...], said: list[str]) -> Iterator[str]:
    _, title, reason, query, content_type, body, *_ = row
    yield title
    yield reason
    yield unquote_plus(query or "")
    yield from _payload(bytes(body or b""), content_type or "")
    yield from said


def _payload(body: bytes, content_type: str) -> Iterator[str]:
    if len(body) > LARGE:
        yield body[:LARGE].decode("utf-8", "replace")
        return
    try:
        yield from _values(payloads.parse(body, content_type))
    except PayloadError:
        yield body.decode("utf-8", "replace")


def _values(value: Any) -> Iterator[str]:
    """The texts and numbers of a JSON value; `parse` lets none through that is too deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _values(one)
    elif isinstance(value, list):
        for one in value:
            yield from _values(one)
    elif value is not None and not isinstance(value, bool):
        yield msgspec.json.encode(value).decode()
