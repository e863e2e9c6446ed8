"""Cuts the trail and the attempts of a run to a size that pages and the API can show.

Values that are cut have a `cut`: their full number of characters. `step_json` gives one step in full.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from relay.bodies import numerals
from relay.engine.database import statements
from relay.engine.walk.size_limits import MAX_TRAIL_BYTES
from relay.errors import RelayError
from relay.models import Attempt, Run
from relay.models.fields import moment

MAX_VALUE_CHARS = 64 * 1024  # of one output, request or answer
MAX_RUN_CHARS = 1024 * 1024
MAX_TRAIL_CHARS = 2 * MAX_TRAIL_BYTES  # a longer trail, of an earlier version of Relay, is not read
MAX_ERROR_CHARS = 4_000

_Raw = dict[str, msgspec.Raw]


class _AttemptRow(NamedTuple):
    """An attempt without its texts: of the error the start, of the request and the answer their characters."""

    id: int
    step: str
    number: int
    state: str
    started_at: int
    duration_us: int
    status: int | None
    error: str | None
    request_length: int | None
    answer_length: int | None


class _AttemptTexts(NamedTuple):
    """The request and the answer of an attempt, as JSON."""

    id: int
    request: str | None
    answer: str | None


class _FullAttempt(NamedTuple):
    """What is downloaded of an attempt; `request` and `answer` as JSON."""

    step: str
    number: int
    state: str
    status: int | None
    error: str | None
    request: str | None
    answer: str | None


_EXPRESSIONS = {
    "error": f"substr(error, 1, {MAX_ERROR_CHARS})",
    "request_length": "length(request)",
    "answer_length": "length(answer)",
}
_ATTEMPT_COLUMNS = ", ".join(_EXPRESSIONS.get(name, name) for name in _AttemptRow._fields)


class _Budget:
    """The characters of a run that may still be shown."""

    def __init__(self) -> None:
        self._left = MAX_RUN_CHARS

    def take(self, length: int) -> int:
        """Take up to `length` characters from the budget; return how many of them may be shown."""
        shown = min(length, MAX_VALUE_CHARS, self._left)
        self._left -= shown
        return shown


def trail(run: Run) -> tuple[list[dict[str, Any]], str]:
    """The entries of a run's trail with their outputs cut, and a message if the trail is too long to be read."""
    text, length = _trail_text(run)
    if text is None and length:
        return [], f"The outputs of its steps are too large to be shown here: {length:,} characters."
    budget = _Budget()
    return [_entry(raw, budget) for raw in _entries(text)], ""


def _trail_text(run: Run) -> tuple[str | None, int]:
    """The text of a run's trail, or None if it is too long, and its number of characters."""
    rows = statements.fetch(
        "SELECT CASE WHEN length(trail) <= %s THEN trail END, COALESCE(length(trail), 0) FROM relay_run WHERE id = %s",
        (MAX_TRAIL_CHARS, run.pk),
    )
    text, length = rows[0] if rows else (None, 0)
    return text, length


def _entries(text: str | None) -> list[_Raw]:
    return msgspec.json.decode(text, type=list[_Raw]) if text else []


def _entry(raw: _Raw, budget: _Budget) -> dict[str, Any]:
    entry = {name: numerals.decode(value) for name, value in raw.items() if name not in ("outputs", "items")}
    if "error" in entry:
        entry["error"] = entry["error"][:MAX_ERROR_CHARS]
    if "outputs" in raw:
        entry["outputs"], cut = _outputs(msgspec.json.decode(raw["outputs"], type=_Raw), budget)
        if cut:
            entry["cut"] = cut
    return entry


def _outputs(raw: _Raw, budget: _Budget) -> tuple[dict[str, Any], dict[str, int]]:
    """Outputs, where long ones are the start of their text, and the full length of each of these."""
    shown: dict[str, Any] = {}
    cut: dict[str, int] = {}
    for name, value in raw.items():
        data = bytes(value)
        limit = budget.take(len(data))
        if limit == len(data):
            shown[name] = numerals.decode(data)
        else:
            shown[name], cut[name] = _start(data, limit), len(data)
    return shown, cut


def _start(data: bytes, limit: int) -> str:
    if data[:1] == b'"':
        return str(msgspec.json.decode(data))[:limit]
    return data[:limit].decode("utf-8", "ignore")


def attempts(run: Run) -> list[Attempt]:
    """All attempts of a run, oldest first, with requests and answers cut."""
    statement = f"SELECT {_ATTEMPT_COLUMNS} FROM relay_attempt WHERE run_id = %s ORDER BY id"
    rows = statements.fetch_records(_AttemptRow, statement, (run.pk,))
    budget = _Budget()
    shown = {row.id: (budget.take(row.request_length or 0), budget.take(row.answer_length or 0)) for row in rows}
    texts = _texts([attempt_id for attempt_id, limits in shown.items() if any(limits)])
    return [_attempt(run, row, shown[row.id], texts.get(row.id, _AttemptTexts(row.id, None, None))) for row in rows]


def _texts(attempt_ids: list[int]) -> dict[int, _AttemptTexts]:
    if not attempt_ids:
        return {}
    statement = f"SELECT id, request, answer FROM relay_attempt WHERE id IN ({statements.marks(len(attempt_ids))})"
    return {texts.id: texts for texts in statements.fetch_records(_AttemptTexts, statement, attempt_ids)}


def _attempt(run: Run, row: _AttemptRow, limits: tuple[int, int], texts: _AttemptTexts) -> Attempt:
    request_limit, answer_limit = limits
    return Attempt(
        id=row.id,
        run_id=run.pk,
        step=row.step,
        number=row.number,
        state=row.state,
        started_at=moment(row.started_at),
        duration_us=row.duration_us,
        status=row.status,
        error=row.error or "",
        request=_record(texts.request, row.request_length, request_limit),
        answer=_record(texts.answer, row.answer_length, answer_limit),
    )


def _record(text: str | None, length: int | None, limit: int) -> dict[str, Any] | None:
    """A stored request or answer, with its body cut if the record is longer than `limit`."""
    if not length:
        return None
    if text is None:
        return {"body": "", "cut": length}
    record: dict[str, Any] = msgspec.json.decode(text)
    if limit < length:
        record["body"], record["cut"] = (record.get("body") or "")[:limit], length
    return record


def step_json(run: Run, name: str) -> bytes:
    """Everything stored of one step (`tell`, `tell[2]`) as JSON: its trail entry, and its attempts with their `step`.

    The attempts of an action include those of its calls (`tell[2].find`), which can be asked for alone too.
    RelayError when nothing is stored of it, or the trail is too long to be read.
    """
    entry, records = _full_entry(run, name), list(_full_attempts(run, name))
    if entry is None and not records:
        raise RelayError("The run has not reached this step, or its trail is too large to be searched")
    return b'{"step":%s,"attempts":[%s]}' % (entry or b"null", b",".join(records))


class _Named(msgspec.Struct):
    id: str


def _full_entry(run: Run, name: str) -> bytes | None:
    text, _ = _trail_text(run)
    entries = msgspec.json.decode(text or "[]", type=list[msgspec.Raw])
    return next((bytes(raw) for raw in entries if msgspec.json.decode(raw, type=_Named).id == name), None)


def _full_attempts(run: Run, name: str) -> Iterator[bytes]:
    columns = ", ".join(_FullAttempt._fields)
    statement = (
        f"SELECT {columns} FROM relay_attempt WHERE run_id = %s AND (step = %s OR substr(step, 1, %s) = %s) ORDER BY id"
    )
    of_step = (run.pk, name, len(name) + 1, f"{name}.")
    for attempt in statements.fetch_records(_FullAttempt, statement, of_step):
        records = {"request": _raw(attempt.request), "answer": _raw(attempt.answer)}
        yield msgspec.json.encode({**attempt._asdict(), **records})


def _raw(text: str | None) -> msgspec.Raw:
    return msgspec.Raw((text or "null").encode())
