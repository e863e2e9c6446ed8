"""Endpoints for runs: list, get with attempts, replay, and the actions on runs that wait or are held."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Router

from relay import ids
from relay.api import request_body
from relay.api.access import ApiRequest, forbid_flows
from relay.api.errors import ApiError
from relay.api.run_filter import many_filter, run_filter
from relay.engine.files import downloads
from relay.engine.runs import bulk_actions, replay, run_excerpts, run_search
from relay.engine.runs.run_actions import BULK_ACTIONS, RUN_ACTIONS, RunAction
from relay.engine.walk import trails
from relay.errors import RelayError
from relay.models import Attempt, Run
from relay.search import query

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
        "due": request_body.time(run.due_at),
        "finished": request_body.time(run.finished_at),
        "replay_of": ids.text(run.replay_of_id) if run.replay_of_id else None,
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "step": attempt.step,
        "number": attempt.number,
        "state": str(attempt.state),
        "started": request_body.time(attempt.started_at),
        "duration_ms": attempt.duration_ms,
        "status": attempt.status,
        "request": attempt.request,
        "answer": attempt.answer,
        "error": attempt.error,
    }


def _find(request: ApiRequest, ref: str) -> Run:
    return get_object_or_404(request.workspace.runs, pk=request_body.number(ref))


@router.get("", url_name="runs")
def listing(request: ApiRequest, limit: int = 50, before: str = "") -> dict[str, Any]:
    """List the newest runs. `state` (repeatable), `flow`, `issue`, `text`, `code`, `destination`, `since` and `until`
    narrow it; `before` is the `next` of the previous page."""
    if not 1 <= limit <= request_body.MAX_PAGE_ROWS:
        raise ApiError(422, f"limit is a number from 1 to {request_body.MAX_PAGE_ROWS}")
    below = request_body.number(before) if before else query.END
    page = run_search.find(request.workspace, run_filter(request), below=below, limit=limit)
    rows = Run.objects.filter(pk__in=page.ids).defer("trail").order_by("-id")
    last = page.ids[-1] if len(page.ids) == limit else page.reached
    return {"runs": [_row(run) for run in rows], "next": ids.text(last) if last else None}


# Registered before the routes that take any word as a reference.
def _add_bulk_action(word: str) -> None:
    def act(request: ApiRequest) -> dict[str, Any]:
        return {"done": bulk_actions.apply(request.workspace, word, many_filter(request))}

    act.__doc__ = f"Do `{word}` to all runs that the query selects, as for `GET /runs`, or to all with `?all=true`."
    router.post(f"/{word}", url_name=f"{word}-runs", operation_id=f"{word}-runs")(act)


for _word in BULK_ACTIONS:
    _add_bulk_action(_word)


@router.get("/{ref}", url_name="run")
def show(request: ApiRequest, ref: str) -> dict[str, Any]:
    """Get one run with its trail and every attempt: the request (secrets masked) and the answer.

    Long values are cut, and `cut` is their full number of characters; `GET /runs/REF/steps/STEP` returns a whole step.
    """
    run = get_object_or_404(request.workspace.runs.defer("trail"), pk=request_body.number(ref))
    steps, too_large = run_excerpts.trail(run)
    note = {"steps_left_out": too_large} if too_large else {}
    attempts = [_attempt(attempt) for attempt in run_excerpts.attempts(run)]
    shown = [trails.shown_entry(entry) for entry in steps]
    return {**_row(run), "steps": shown, "attempts": attempts, "files": downloads.of_run(run.pk), **note}


@router.get("/{ref}/steps/{step}", url_name="run-step")
def whole_step(request: ApiRequest, ref: str, step: str) -> HttpResponse:
    """Get all stored data of a step (`tell`, in loops `tell[2]`): `step`, its entry in the trail, and `attempts`."""
    run = get_object_or_404(request.workspace.runs.defer("trail"), pk=request_body.number(ref))
    try:
        return HttpResponse(run_excerpts.step_json(run, step), content_type="application/json")
    except RelayError as error:
        raise ApiError(404, str(error)) from None


@router.post("/{ref}/replay", url_name="replay-run")
def replay_run(request: ApiRequest, ref: str) -> dict[str, Any]:
    """Replay a run: `{"mode": "from_start"}` (default), `"failed_steps"` or `"as_it_was"`. Returns the new run."""
    forbid_flows(request)
    mode = request_body.mode(request_body.options(request), replay.DEFAULT_MODE)
    copy = replay.MODES[mode](_find(request, ref))
    copy.refresh_from_db()
    return _row(copy)


def _add_action(action: RunAction) -> None:
    def act(request: ApiRequest, ref: str) -> dict[str, Any]:
        run = _find(request, ref)
        action(run)
        return _row(run)

    act.__doc__ = action.summary
    router.post(f"/{{ref}}/{action.key}", url_name=f"{action.key}-run", operation_id=f"{action.key}-run")(act)


for _action in RUN_ACTIONS.values():
    _add_action(_action)
