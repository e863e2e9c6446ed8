"""Runs: list, get with attempts, replay, and what a person does to one that waits or is held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay import ids
from relay.api import given
from relay.api.access import ApiRequest
from relay.api.chosen import chosen, chosen_many
from relay.api.errors import Refused
from relay.engine import many, replay, runs, search, trails
from relay.models import Attempt, ReplayMode, Run, searching

router = Router(tags=["runs"])


def _row(run: Run) -> dict[str, Any]:
    return {
        "id": run.ref,
        "flow": run.flow_id,
        "event": ids.text(run.event_id),
        "state": str(run.state),
        "held_by": str(run.held_by) or None,
        "title": run.title,
        "reason": run.reason,
        "due": given.time(run.due_at),
        "finished": given.time(run.finished_at),
        "replay_of": ids.text(run.replay_of_id) if run.replay_of_id else None,
    }


def _attempt(one: Attempt) -> dict[str, Any]:
    return {
        "step": one.step,
        "number": one.number,
        "state": str(one.state),
        "started": given.time(one.started_at),
        "duration_ms": one.duration_ms,
        "status": one.status,
        "request": one.request,
        "answer": one.answer,
        "error": one.error,
    }


def _found(request: ApiRequest, ref: str) -> Run:
    return get_object_or_404(request.workspace.runs, pk=given.number(ref))


@router.get("", url_name="runs")
def listing(request: ApiRequest, limit: int = 50, before: str = "") -> dict[str, Any]:
    """The newest runs. `state` (several times), `flow`, `issue`, `text`, `code`, `destination`, `since` and `until`
    narrow it; `before` is the `next` of the page before."""
    if not 1 <= limit <= given.MOST:
        raise Refused(422, f"limit is a number from 1 to {given.MOST}")
    below = given.number(before) if before else searching.END
    found = search.find(request.workspace, chosen(request), below=below, limit=limit)
    rows = Run.objects.filter(pk__in=found.ids).order_by("-id")
    last = found.ids[-1] if len(found.ids) == limit else found.reached
    return {"runs": [_row(run) for run in rows], "next": ids.text(last) if last else None}


# Before what takes any word for a reference.
def _verb_of_many(word: str) -> None:
    def act(request: ApiRequest) -> dict[str, Any]:
        return {"done": many.act(request.workspace, word, chosen_many(request))}

    act.__doc__ = f"{word} for all runs that the query chooses, as `GET /runs` does, or for all with `?all=true`."
    router.post(f"/{word}", url_name=f"{word}-runs", operation_id=f"{word}-runs")(act)


for _word in many.VERBS:
    _verb_of_many(_word)


@router.get("/{ref}", url_name="run")
def show(request: ApiRequest, ref: str) -> dict[str, Any]:
    """One run with its trail and every attempt: the request sent (secrets masked) and the answer."""
    run = _found(request, ref)
    attempts = [_attempt(one) for one in run.attempts.order_by("id")]
    return {**_row(run), "steps": [trails.shown(entry) for entry in run.steps], "attempts": attempts}


@router.post("/{ref}/replay", url_name="replay-run")
def replay_run(request: ApiRequest, ref: str) -> dict[str, Any]:
    """Run its event again: `{"mode": "from_start"}` (default), `"failed_steps"` or `"as_it_was"`; the new run."""
    mode = given.mode(given.options(request), ReplayMode.FROM_START)
    copy = replay.MODES[mode](_found(request, ref))
    copy.refresh_from_db()
    return _row(copy)


_VERBS: dict[str, Callable[[Run], None]] = {
    "try-now": runs.try_now,
    "give-up": runs.give_up,
    "cancel": runs.cancel,
    "release": runs.release,
    "send-again": runs.send_again,
    "it-was-done": runs.was_done,
}


def _verb(word: str, verb: Callable[[Run], None]) -> None:
    def act(request: ApiRequest, ref: str) -> dict[str, Any]:
        run = _found(request, ref)
        verb(run)
        return _row(run)

    act.__doc__ = verb.__doc__
    router.post(f"/{{ref}}/{word}", url_name=f"{word}-run", operation_id=f"{word}-run")(act)


for _word, _done in _VERBS.items():
    _verb(_word, _done)
