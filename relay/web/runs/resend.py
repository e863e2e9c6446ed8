"""Resends the event of a run with an edited body."""

from __future__ import annotations

import msgspec
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from relay.engine.intake import body_excerpts
from relay.engine.runs import replay
from relay.errors import RelayError
from relay.models import Run
from relay.models.json_layout import pretty
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import form_data
from relay.web.ui.text_diff import compare

MAX_BODY_CHARACTERS = 400_000  # in a text box


@require_http_methods(["GET", "POST"])
@member
def edit(request: WorkspaceRequest, run_id: int) -> HttpResponse:
    """Show the body to edit, compare it with the original, or send it."""
    run = get_object_or_404(body_excerpts.of_runs(request.workspace.runs.select_related("flow")), pk=run_id)
    before = _editable(run)
    if before is None:
        messages.error(request, "This body is not text, or too long to edit here. Use `relay replay RUN --body FILE`.")
        return redirect("run", run.pk)
    if request.method == "GET":
        return _page(request, run, before, before)
    return _posted(request, run, before)


def _posted(request: WorkspaceRequest, run: Run, before: str) -> HttpResponse:
    body = form_data.text(request.POST, "body", limit=MAX_BODY_CHARACTERS)
    if request.POST.get("do") == "compare":
        return _page(request, run, before, body, fault=_json_fault(body) if _is_json(run) else "", compared=True)
    try:
        copy = replay.with_edited_body(run, body.encode(), by=request.user)
    except RelayError as error:
        fault = (_json_fault(body) if _is_json(run) else "") or str(error)
        return _page(request, run, before, body, fault=fault)
    messages.success(request, "The edited event was sent as a new run: this one.")
    return redirect("run", copy.pk)


def _page(
    request: WorkspaceRequest, run: Run, before: str, body: str, *, fault: str = "", compared: bool = False
) -> HttpResponse:
    context = {
        "run": run,
        "body": body,
        "is_json": _is_json(run),
        "fault": fault,
        "comparison": compare(before, body) if compared else None,
        "place": "runs",
    }
    return render(request, "runs/edit.html", context, status=422 if fault else 200)


def _editable(run: Run) -> str | None:
    event = body_excerpts.event_of(run)
    if body_excerpts.size(event) > 4 * MAX_BODY_CHARACTERS:
        return None
    try:
        text = bytes(event.body).decode()
    except UnicodeDecodeError:
        return None
    text = pretty(text).replace("\r\n", "\n")
    return text if len(text) <= MAX_BODY_CHARACTERS and "\x00" not in text else None


def _is_json(run: Run) -> bool:
    return "json" in run.event.content_type.lower()


def _json_fault(body: str) -> str:
    """Return why a body isn't valid JSON, with the line, or ""."""
    try:
        msgspec.json.decode(body.encode())
    except (msgspec.DecodeError, RecursionError) as error:
        reason, _, position = str(error).partition("(byte ")
        if not position:
            return f"This is not valid JSON: {reason}"
        line = body.encode()[: int(position.rstrip(")"))].count(b"\n") + 1
        return f"This is not valid JSON: line {line}: {reason.removeprefix('JSON is malformed: ').strip()}"
    return ""
