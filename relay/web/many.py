"""What is done to many runs at once: first what it would mean, then how far it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from relay import ids
from relay.engine import batches, issues, many
from relay.errors import RelayError
from relay.models import ReplayMode
from relay.web import posted, progress
from relay.web.access import WorkspaceRequest, member
from relay.web.filters import Filters
from relay.web.verbs import VERBS

PICKED = 200  # runs that can be picked one by one
UNCHANGED = 204
_SHOWN_FLOWS = 12


@dataclass(frozen=True, slots=True)
class Way:
    """One way to replay: for how many of the chosen runs, and what it means."""

    mode: ReplayMode
    count: int
    means: str


def chosen_in(query: QueryDict) -> dict[str, Any]:
    """The filter that an address means: the runs picked one by one, or with `all` those that the list shows."""
    if query.get("all"):
        return Filters.of(query).chosen
    return {"runs": [ref for ref in query.getlist("run") if ids.number(ref) is not None][:PICKED]}


@require_http_methods(["GET", "POST"])
@member
def choose(request: WorkspaceRequest) -> HttpResponse:
    """Say how many runs are meant and where they go; when that is confirmed, do it."""
    chosen = chosen_in(request.GET)
    if chosen == {"runs": []}:
        messages.warning(request, "Pick the runs first, or choose all that match.")
        return redirect("runs")
    word = request.GET.get("do", "")
    if word in VERBS:
        return _act(request, chosen, word) if request.method == "POST" else _ask(request, chosen, word)
    return _replay(request, chosen) if request.method == "POST" else _dialog(request, chosen)


def _ask(request: WorkspaceRequest, chosen: dict[str, Any], word: str) -> HttpResponse:
    context = _meant(batches.tell(many.able(request.workspace, word, chosen)))
    context |= {"verb": VERBS[word], "back": Filters.of(request.GET).query(), "place": "runs"}
    return render(request, "runs/act_on_many.html", context)


def _dialog(request: WorkspaceRequest, chosen: dict[str, Any], fault: str = "") -> HttpResponse:
    context = _replaying(request, chosen)
    context |= {"fault": fault, "back": Filters.of(request.GET).query(), "place": "runs"}
    return render(request, "runs/replay_many.html", context, status=422 if fault else 200)


def _replaying(request: WorkspaceRequest, chosen: dict[str, Any]) -> dict[str, Any]:
    found = batches.count(request.workspace, {**chosen, "unreplayed": True})
    ways = _ways(found)
    best = next((way.mode for way in ways if way.count == found.ended), ReplayMode.FROM_START)
    before = batches.count_ended(request.workspace, chosen) - found.ended
    return {
        **_meant(found),
        "ways": ways,
        "best": best,
        "before": before,
        "fastest": batches.FASTEST,
        "issue": chosen.get("issue"),
    }


def _meant(found: batches.Chosen) -> dict[str, Any]:
    flows = [_flow(found, flow, number) for flow, number in found.flows.most_common(_SHOWN_FLOWS)]
    more = max(0, len(found.flows) - _SHOWN_FLOWS)
    return {"found": found, "states": found.states.most_common(), "flows": flows, "more_flows": more}


def _ways(found: batches.Chosen) -> list[Way]:
    return [
        Way(ReplayMode.FAILED_STEPS, found.undone, "What went well is not done again; its answers are used."),
        Way(ReplayMode.FROM_START, found.ended, "All steps, as the flow is now."),
        Way(ReplayMode.AS_IT_WAS, found.ended, "All steps, as the flow was when the event arrived."),
    ]


def _flow(found: batches.Chosen, flow: int, number: int) -> dict[str, Any]:
    return {"name": found.names.get(flow, "A removed flow"), "count": number, "to": found.destinations.get(flow, [])}


def _replay(request: WorkspaceRequest, chosen: dict[str, Any]) -> HttpResponse:
    mode, pace = posted.text(request.POST, "mode"), posted.text(request.POST, "per_minute", limit=9).strip()
    try:
        if mode not in ReplayMode.values:
            raise RelayError("Choose how to replay them")
        if pace and not (pace.isascii() and pace.isdigit()):
            raise RelayError("How many a minute is a whole number")
        per_minute = int(pace or 0)
        chosen = chosen if request.POST.get("again") else {**chosen, "unreplayed": True}
        batch = batches.start(request.workspace, chosen, ReplayMode(mode), per_minute=per_minute, by=request.user)
        issues.resolve_by_replay(request.workspace, chosen)
    except RelayError as error:
        return _dialog(request, chosen, fault=str(error))
    return redirect("batch", batch.pk)


def _act(request: WorkspaceRequest, chosen: dict[str, Any], word: str) -> HttpResponse:
    count = many.act(request.workspace, word, chosen)
    messages.success(request, f"{count:,} run{'' if count == 1 else 's'} {VERBS[word].done}.")
    return redirect("runs")


@require_GET
@member
def count(request: WorkspaceRequest) -> HttpResponse:
    """How many runs match the list's filters: counted only when somebody wants them all."""
    number = Filters.of(request.GET).narrow(request.workspace).order_by().count()
    return render(request, "runs/_all.html", {"number": number})


@require_GET
@member
def show(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    """How far a replay of many is; htmx asks again while something of it goes on."""
    batch = get_object_or_404(request.workspace.batches.select_related("created_by"), pk=batch_id)
    view = progress.of(batch)
    if request.htmx and request.GET.get("seen") == view.mark:
        return HttpResponse(status=UNCHANGED)
    context = {"batch": batch, "view": view, "place": "runs"}
    return render(request, "runs/_batch.html" if request.htmx else "runs/batch.html", context)


@require_POST
@member
def cancel(request: WorkspaceRequest, batch_id: int) -> HttpResponse:
    batch = get_object_or_404(request.workspace.batches, pk=batch_id)
    try:
        number = batches.cancel(batch, with_queued=bool(request.POST.get("queued")))
        also = f" {number:,} that had not begun {'is' if number == 1 else 'are'} cancelled too." if number else ""
        messages.success(request, f"No more runs are made.{also}")
    except RelayError as error:
        messages.error(request, str(error))
    return redirect("batch", batch.pk)
