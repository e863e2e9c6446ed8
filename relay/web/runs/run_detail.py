"""Shows one run, and handles the actions on it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from relay.engine.configuration import samples
from relay.engine.files import downloads
from relay.engine.intake import body_excerpts, deduplication
from relay.engine.runs import replay, run_actions, run_excerpts
from relay.errors import RelayError
from relay.flows.retention import retention_of
from relay.models import AttemptState, ReplayMode, Run
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.runs import action_labels, file_pages, narrative, run_effects
from relay.web.ui import form_data, payload_tree, state_labels, times

UNCHANGED = 204  # htmx then swaps nothing, so unfolded parts of the page stay open


@require_GET
@member
def show(request: WorkspaceRequest, run_id: int) -> HttpResponse:
    related = ("flow", "version", "replay_of")
    runs = body_excerpts.of_runs(request.workspace.runs.select_related(*related))
    run = get_object_or_404(runs.defer("trail", "replay_of__trail"), pk=run_id)
    mark = f"{run.state}-{run.fence}-{run.attempts.count()}"
    if request.htmx and request.GET.get("seen") == mark:
        return HttpResponse(status=UNCHANGED)
    run.trail, too_large = run_excerpts.trail(run)
    lines = narrative.step_lines(run, run.version.document, run_excerpts.attempts(run))
    context = {**_context(run, lines), "mark": mark, "too_large": too_large}
    return render(request, "runs/_run_detail.html" if request.htmx else "runs/run.html", context)


def _context(run: Run, lines: list[narrative.StepLine]) -> dict[str, Any]:
    started = times.created_at(run.pk)
    return {
        "run": run,
        "buttons": action_labels.buttons(run_actions.possible_actions(run)),
        "flow": run.flow,
        "look": state_labels.look("run", run.state),
        "media_type": run.event.content_type.partition(";")[0].strip(),
        "sentence": narrative.sentence(run, lines),
        "step_lines": lines,
        "waits_at_step": narrative.is_waiting_at_step(run),
        "event_tree": payload_tree.event_tree(body_excerpts.event_of(run)),
        "started": started,
        "seconds": (run.finished_at - started).total_seconds() if run.finished_at else None,
        "duplicates": deduplication.duplicate_count(run),
        "bodies": retention_of(run.version.document, workspace_days=0).bodies,
        "files": file_pages.rows(downloads.of_event(run.event)),
        "fetched": file_pages.rows(downloads.of_run(run.pk)) if any(entry.has_files for entry in run.entries) else [],
        "replays": list(run.replays.order_by("id")[:20]),
        "place": "runs",
    }


@require_GET
@member
def step(request: WorkspaceRequest, run_id: int, step: str) -> HttpResponse:
    """Download everything that is stored of one step; the page cuts long values."""
    run = get_object_or_404(request.workspace.runs.defer("trail"), pk=run_id)
    try:
        whole = run_excerpts.step_json(run, step)
    except RelayError as error:
        raise Http404(str(error)) from None
    response = HttpResponse(whole, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{run.ref}.json"'
    return response


@require_POST
@member
def act(request: WorkspaceRequest, run_id: int) -> HttpResponse:
    """Execute an action on a run, replay it, or save its event as a sample. `back` names the list to return to."""
    run = get_object_or_404(request.workspace.runs, pk=run_id)
    do = form_data.text(request.POST, "do")
    try:
        if do in ReplayMode.values and "sure" not in request.POST:
            return _confirm_replay(request, run, ReplayMode(do))
        if do in ReplayMode.values:
            copy = replay.MODES[ReplayMode(do)](run, by=request.user)
            messages.success(request, "The event was sent again as a new run: this one.")
            return redirect("run", copy.pk)
        if do == "sample":
            sample = samples.from_run(run)
            messages.success(request, f"“{sample}” was added to the samples of {run.flow}. You can rename it here.")
            return redirect("sample", run.flow_id, sample.pk)
        action = run_actions.RUN_ACTIONS[do]
        run_actions.act(run, action)
        messages.success(request, f"The run is {action.done}.")
    except KeyError:
        messages.error(request, "Choose what to do with the run.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("held") if form_data.text(request.POST, "back") == "held" else redirect("run", run.pk)


def _confirm_replay(request: WorkspaceRequest, run: Run, mode: ReplayMode) -> HttpResponse:
    """Ask for confirmation of a replay, and show its effects."""
    version = replay.build(run, mode).version
    succeeded = run.attempts.filter(state=AttemptState.SUCCEEDED).exclude(step__contains=".")
    succeeded_steps = succeeded.values("step").distinct().count()
    context = {
        "run": run,
        "mode": mode,
        "version": version,
        "effects": run_effects.effects(version.document),
        "succeeded_steps": succeeded_steps,
        "failed_steps": [line.name for line in _failed_lines(run)],
        "place": "runs",
    }
    return render(request, "runs/replay.html", context)


def _failed_lines(run: Run) -> list[narrative.StepLine]:
    return [line for line in narrative.step_lines(run, run.version.document, ()) if line.state == "failed"]
