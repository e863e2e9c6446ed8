"""Acts on many runs: asks for confirmation first, and shows the progress of a bulk replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay import ids
from relay.engine.alerts import issues
from relay.engine.runs import bulk_actions, bulk_replay, replay
from relay.errors import RelayError
from relay.models import ReplayMode, RunState
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.runs import bulk_progress
from relay.web.runs.action_labels import BULK_BUTTONS
from relay.web.runs.run_filters import RunFilters
from relay.web.ui import form_data

MAX_PICKED_RUNS = 200  # one by one
UNCHANGED = 204
_MAX_SHOWN_FLOWS = 12


@dataclass(frozen=True, slots=True)
class ReplayOption:
    """One way to replay: to how many of the chosen runs it applies, and what it does."""

    mode: ReplayMode
    count: int
    means: str


def filter_from(query: QueryDict) -> dict[str, Any]:
    """Return the run filter of a query: the runs that were picked, or with `all` the filters of the list."""
    if query.get("all"):
        return RunFilters.from_query(query).chosen
    return {"runs": [ref for ref in query.getlist("run") if ids.number(ref) is not None][:MAX_PICKED_RUNS]}


@require_http_methods(["GET", "POST"])
@member
def choose(request: WorkspaceRequest) -> HttpResponse:
    """Show how many runs an action affects and where they send to; act on them when it is posted."""
    chosen = filter_from(request.GET)
    if chosen == {"runs": []}:
        messages.warning(request, "Select runs first, or choose all that match.")
        return redirect("runs")
    word = request.GET.get("do", "")
    if word in BULK_BUTTONS:
        return _act(request, chosen, word) if request.method == "POST" else _confirm_action(request, chosen, word)
    return _replay(request, chosen) if request.method == "POST" else _confirm_replay(request, chosen)


def _confirm_action(request: WorkspaceRequest, chosen: dict[str, Any], word: str) -> HttpResponse:
    context = _summary_context(
        bulk_replay.summarize_runs(bulk_actions.applicable_runs(request.workspace, word, chosen))
    )
    context |= {"button": BULK_BUTTONS[word], "back": RunFilters.from_query(request.GET).query(), "place": "runs"}
    return render(request, "runs/bulk_action.html", context)


def _confirm_replay(request: WorkspaceRequest, chosen: dict[str, Any], fault: str = "") -> HttpResponse:
    context = _replay_context(request, chosen)
    context |= {"fault": fault, "back": RunFilters.from_query(request.GET).query(), "place": "runs"}
    return render(request, "runs/bulk_replay.html", context, status=422 if fault else 200)


def _replay_context(request: WorkspaceRequest, chosen: dict[str, Any]) -> dict[str, Any]:
    summary = bulk_replay.summarize(request.workspace, {**chosen, "unreplayed": True})
    options = _replay_options(summary)
    best_mode = ReplayMode.FAILED_STEPS if summary.undone else replay.DEFAULT_MODE
    already_replayed = bulk_replay.count_ended(request.workspace, chosen) - summary.ended
    return {
        **_summary_context(summary),
        "replay_options": options,
        "suggested_mode": best_mode,
        "delivered": summary.states[RunState.SUCCEEDED],
        "already_replayed": already_replayed,
        "max_per_minute": bulk_replay.MAX_PER_MINUTE,
        "issue": chosen.get("issue"),
    }


def _summary_context(summary: bulk_replay.SelectionSummary) -> dict[str, Any]:
    flows = [_flow_row(summary, flow, number) for flow, number in summary.flows.most_common(_MAX_SHOWN_FLOWS)]
    more = max(0, len(summary.flows) - _MAX_SHOWN_FLOWS)
    return {"summary": summary, "states": summary.states.most_common(), "flows": flows, "more_flows": more}


def _replay_options(summary: bulk_replay.SelectionSummary) -> list[ReplayOption]:
    return [
        ReplayOption(
            ReplayMode.FAILED_STEPS, summary.undone, "Steps that succeeded are not run again; their outputs are used."
        ),
        ReplayOption(ReplayMode.FROM_START, summary.ended, "All steps, with the current version of the flow."),
        ReplayOption(
            ReplayMode.AS_IT_WAS, summary.ended, "All steps, with the version that was live when the event arrived."
        ),
    ]


def _flow_row(summary: bulk_replay.SelectionSummary, flow: int, number: int) -> dict[str, Any]:
    return {
        "name": summary.names.get(flow, "A removed flow"),
        "count": number,
        "to": summary.destinations.get(flow, []),
    }


def _replay(request: WorkspaceRequest, chosen: dict[str, Any]) -> HttpResponse:
    mode, pace = form_data.text(request.POST, "mode"), form_data.text(request.POST, "per_minute", limit=9).strip()
    try:
        if mode not in ReplayMode.values:
            raise RelayError("Choose how to replay them")
        if pace and not (pace.isascii() and pace.isdigit()):
            raise RelayError("The number of runs a minute must be a whole number")
        per_minute = int(pace or 0)
        chosen = chosen if request.POST.get("again") else {**chosen, "unreplayed": True}
        batch = bulk_replay.start(request.workspace, chosen, ReplayMode(mode), per_minute=per_minute, by=request.user)
        issues.resolve_by_replay(request.workspace, chosen)
    except RelayError as error:
        return _confirm_replay(request, chosen, fault=str(error))
    return redirect("batch", batch.pk)


def _act(request: WorkspaceRequest, chosen: dict[str, Any], word: str) -> HttpResponse:
    count = bulk_actions.apply(request.workspace, word, chosen)
    done = BULK_BUTTONS[word].action.done
    messages.success(request, f"{count:,} {'run is' if count == 1 else 'runs are'} {done}.")
    return redirect("runs")


@require_GET
@member
def count(request: WorkspaceRequest) -> HttpResponse:
    """Count the runs that match the list's filters; only when somebody wants to choose them all."""
    number = RunFilters.from_query(request.GET).narrow(request.workspace).order_by().count()
    return render(request, "runs/_match_count.html", {"number": number})


@require_GET
@member
def show(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    """Show the progress of a bulk replay; htmx polls while it is running."""
    batch = get_object_or_404(request.workspace.batches.select_related("created_by"), pk=batch_id)
    view = bulk_progress.progress_of(batch)
    if request.htmx and request.GET.get("seen") == view.mark:
        return HttpResponse(status=UNCHANGED)
    context = {"batch": batch, "view": view, "place": "runs"}
    return render(request, "runs/_batch_progress.html" if request.htmx else "runs/batch.html", context)


@require_POST
@member
def cancel(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    batch = get_object_or_404(request.workspace.batches, pk=batch_id)
    try:
        number = bulk_replay.cancel(batch, with_queued=bool(request.POST.get("queued")))
        noun = "run that had not started was" if number == 1 else "runs that had not started were"
        also = f" {number:,} {noun} cancelled." if number else ""
        messages.success(request, f"The replay was stopped.{also}")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("batch", batch.pk)
