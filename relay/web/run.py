"""The page of one run, and what a person does to it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from relay.engine import duplicates, replay, runs, samples
from relay.errors import RelayError
from relay.flows.keeping import keeping
from relay.models import ReplayMode, Run
from relay.web import posted, states, story, times, trees
from relay.web.access import WorkspaceRequest, member

UNCHANGED = 204  # htmx swaps nothing then, so what a reader has unfolded stays


@require_GET
@member
def show(request: WorkspaceRequest, run_id: int) -> HttpResponse:
    related = ("flow", "version", "event", "replay_of")
    run = get_object_or_404(request.workspace.runs.select_related(*related), pk=run_id)
    attempts = list(run.attempts.order_by("id"))
    mark = f"{run.state}-{run.fence}-{len(attempts)}"
    if request.htmx and request.GET.get("seen") == mark:
        return HttpResponse(status=UNCHANGED)
    context = {**_context(run, story.stops(run, run.version.document, attempts)), "mark": mark}
    return render(request, "runs/_run.html" if request.htmx else "runs/run.html", context)


def _context(run: Run, stops: list[story.Stop]) -> dict[str, Any]:
    started = times.born(run.pk)
    return {
        "run": run,
        "flow": run.flow,
        "look": states.look("run", run.state),
        "sentence": story.sentence(run, stops),
        "stops": stops,
        "rests": story.rests(run),
        "arrived": trees.arrived(run.event),
        "started": started,
        "seconds": (run.finished_at - started).total_seconds() if run.finished_at else None,
        "again": duplicates.came_again(run),
        "bodies": keeping(run.version.document, workspace_days=0).bodies,
        "replays": list(run.replays.order_by("id")[:20]),
        "place": "runs",
    }


_VERBS = {
    "try": (runs.try_now, "It is being tried now."),
    "cancel": (runs.cancel, "The run is cancelled."),
    "give_up": (runs.give_up, "The run is given up. It can be replayed."),
    "release": (runs.release, "The run is released."),
    "send_again": (runs.send_again, "It is being sent again."),
    "was_done": (runs.was_done, "Taken as done; the run goes on."),
}


@require_POST
@member
def act(request: WorkspaceRequest, run_id: int) -> HttpResponse:
    """Replay, try now, cancel, give up, release, or keep its event as a sample; `back` names the list to return to."""
    run = get_object_or_404(request.workspace.runs, pk=run_id)
    do = posted.text(request.POST, "do")
    try:
        if do in ReplayMode.values:
            copy = replay.MODES[ReplayMode(do)](run, by=request.user)
            messages.success(request, "The same event is on its way again, as a run of its own: this one.")
            return redirect("run", copy.pk)
        if do == "sample":
            sample = samples.from_run(run)
            messages.success(request, f"“{sample}” is a sample of {run.flow} now. Rename it here.")
            return redirect("sample", run.flow_id, sample.pk)
        verb, done = _VERBS[do]
        verb(run)
        messages.success(request, done)
    except KeyError:
        messages.error(request, "Choose what to do with the run.")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("held") if posted.text(request.POST, "back") == "held" else redirect("run", run.pk)
