"""Edit and resend: the event of a run with another body."""

from __future__ import annotations

import difflib

import msgspec
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from relay.engine import replay
from relay.errors import RelayError
from relay.models import Run
from relay.models.ledger import pretty
from relay.web import posted
from relay.web.access import WorkspaceRequest, member

LONGEST = 400_000  # characters that a page can still be asked to hold
_MOST_LINES = 400


@require_http_methods(["GET", "POST"])
@member
def edit(request: WorkspaceRequest, run_id: int) -> HttpResponse:
    """Show the body to be changed, what has changed, and send it."""
    run = get_object_or_404(request.workspace.runs.select_related("flow", "event"), pk=run_id)
    before = _editable(run)
    if before is None:
        messages.error(request, "Its body is no text, or too long for a page; `relay replay RUN --body FILE` takes it.")
        return redirect("run", run.pk)
    if request.method == "GET":
        return _page(request, run, before, before)
    return _posted(request, run, before)


def _posted(request: WorkspaceRequest, run: Run, before: str) -> HttpResponse:
    body = posted.text(request.POST, "body", limit=LONGEST)
    if request.POST.get("do") == "compare":
        return _page(request, run, before, body, fault=_fault(body) if _is_json(run) else "", compared=True)
    try:
        copy = replay.edited(run, body.encode(), by=request.user)
    except RelayError as error:
        fault = (_fault(body) if _is_json(run) else "") or str(error)
        return _page(request, run, before, body, fault=fault)
    messages.success(request, "The edited event is on its way, as a run of its own: this one.")
    return redirect("run", copy.pk)


def _page(
    request: WorkspaceRequest, run: Run, before: str, body: str, *, fault: str = "", compared: bool = False
) -> HttpResponse:
    context = {
        "run": run,
        "body": body,
        "is_json": _is_json(run),
        "fault": fault,
        "compared": compared,
        "lines": difference(before, body) if compared else [],
        "place": "runs",
    }
    return render(request, "runs/edit.html", context, status=422 if fault else 200)


def _editable(run: Run) -> str | None:
    try:
        text = bytes(run.event.body).decode()
    except UnicodeDecodeError:
        return None
    text = pretty(text).replace("\r\n", "\n")
    return text if len(text) <= LONGEST and "\x00" not in text else None


def _is_json(run: Run) -> bool:
    return "json" in run.event.content_type.lower()


def _fault(body: str) -> str:
    """What keeps a body from being JSON, with its line; nothing where it is."""
    try:
        msgspec.json.decode(body.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        words, _, place = str(error).partition("(byte ")
        if not place:
            return f"This is no JSON: {words}"
        line = body.encode()[: int(place.rstrip(")"))].count(b"\n") + 1
        return f"This is no JSON: line {line}: {words.removeprefix('JSON is malformed: ').strip()}"
    return ""


def difference(before: str, after: str) -> list[tuple[str, str]]:
    """Lines that went (`-`), came (`+`) or stayed (a space), with those around them; "…" where lines are left out."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2)
    shown = [("…", "") if line.startswith("@@") else (line[:1], line[1:]) for line in list(lines)[2:]]
    shown = shown[1:] if shown[:1] == [("…", "")] else shown
    return shown[:_MOST_LINES]
