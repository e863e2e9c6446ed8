"""Shows the editor and handles its buttons, each of which posts the open form too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import push_url

from relay.engine import go_live_checks
from relay.errors import DocumentFaults, RelayError
from relay.models import Flow, Role
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.editor import choices, draft_saving, editor_page, live_preview
from relay.web.editor.choices import MAX_SEARCH_CHARACTERS, FieldChoices
from relay.web.editor.editor_command import UNDO, EditorCommand
from relay.web.editor.editor_commands import QUESTION, perform
from relay.web.editor.pasted_command import FIELD as PASTED
from relay.web.editor.steps import panels
from relay.web.flows import data_source
from relay.web.flows.sample_sending import PENDING_SAMPLE
from relay.web.runs import run_effects
from relay.web.runs.run_effects import Effect
from relay.web.ui import form_data


@dataclass(frozen=True, slots=True)
class Question:
    """A question to confirm: to `publish` an unfinished flow, or to send a `sample` to a live one.

    `lacks`: card id, card name and what is missing. `does`: the actions that the sample may trigger. `body`: the
    pending sample; "" for the one that Relay chooses.
    """

    kind: str
    lacks: list[tuple[str, str, str]] = field(default_factory=list)
    does: list[Effect] = field(default_factory=list)
    body: str = ""


@require_GET
@member
def show(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    open_id = form_data.text(request.GET, "step") or "trigger"
    return _page(request, flow, open_id, request.GET)


def _page(
    request: WorkspaceRequest,
    flow: Flow,
    open_id: str,
    query: Mapping[str, object],
    command: EditorCommand | None = None,
) -> HttpResponse:
    """Render the editor. `check`, `pick`, `panel` and `undo` in the query add to it. `command`: the last one."""
    chosen = str(query.get(data_source.PARAMETER, ""))[:40]
    page = editor_page.build_page(flow, open_id, checked="check" in query, chosen=chosen)
    page.picking = "pick" in query
    page.choices = _choices(request, page, query)
    undo = request.session.get(UNDO) if UNDO in query else None
    if not isinstance(undo, dict) or undo.get("flow") != flow.pk:
        undo = None
    base = draft_saving.base_of(flow, page.document, page.open_id) if request.role.allows(Role.EDITOR) else None
    question = _question(request, page, query)
    context = {"page": page, "flow": flow, "undo": undo, "base": base, "question": question, "place": "flows"}
    context |= {"command": command, "pasted": command.pasted if command else None}
    context["own"] = command.own if command else ""
    context["panel"] = panels.build_panel(request, page, query, command.typed if command else None)
    return render(request, "flows/_editor.html" if request.htmx else "flows/editor.html", context)


def _choices(
    request: WorkspaceRequest, page: editor_page.EditorPage, query: Mapping[str, object]
) -> dict[str, FieldChoices]:
    """Return the choices of the open step's fields; those of the field that the query names are loaded."""
    step = choices.of_step(request.workspace, page.step)
    if step is None:
        return {}
    offered, name = step.offered(), str(query.get("choices", ""))
    if name in offered and request.role.allows(Role.EDITOR):
        loaded = step.fetch(name, search=str(query.get("find", ""))[:MAX_SEARCH_CHARACTERS])
        offered |= {name: loaded} if loaded else {}
    return offered


@sensitive_post_parameters(PASTED)
@require_POST
@member
def edit(request: WorkspaceRequest, flow_id: int) -> HttpResponse:
    """Merge the open form into the draft, execute the command of the button, and show the editor again."""
    flow = get_object_or_404(request.workspace.flows.select_related("live_version", "draft_saved_by"), pk=flow_id)
    word, *rest = form_data.text(request.POST, "do", limit=500).split(" ")
    data = request.POST.copy()
    try:
        edited = _read_form(flow, data, word)
    except RelayError as error:
        return _unsaved(request, flow, error=str(error))
    if edited.is_blocked:
        return _unsaved(request, flow, blocked=edited)
    command = EditorCommand(request, flow, edited.document, data, edited.open_id)
    try:
        perform(command, word, rest)
    except DocumentFaults as error:
        command.query["check"] = "1"
        messages.error(request, _publish_error(len(error.faults)))
    except RelayError as error:
        messages.error(request, str(error))
    return _respond(request, flow, command)


def _read_form(flow: Flow, data: QueryDict, word: str) -> draft_saving.EditedDraft:
    """Return the draft with the posted form merged in; the buttons of a conflict say how."""
    return (
        draft_saving.restore_step(flow, data)
        if word == "restore"
        else draft_saving.read(flow, data, overwrite=word == "mine")
    )


def _unsaved(
    request: WorkspaceRequest, flow: Flow, *, error: str = "", blocked: draft_saving.EditedDraft | None = None
) -> HttpResponse:
    """Say why nothing was saved. With scripts, the page keeps everything that was typed."""
    if request.htmx:
        return live_preview.unsaved(request, flow, error=error, blocked=blocked)
    why = [error] if blocked is None else draft_saving.blocked_reasons(flow, blocked, request.user)
    messages.error(request, f"Nothing was saved. {' '.join(why)} Your browser's Back button shows what you typed.")
    return redirect(f"{reverse('flow', args=(flow.pk,))}?{urlencode({'step': form_data.text(request.POST, 'step')})}")


def _question(request: WorkspaceRequest, page: editor_page.EditorPage, query: Mapping[str, object]) -> Question | None:
    """Return the question that the query asks for, or None if there is nothing left to confirm."""
    flow = page.flow
    question = query.get(QUESTION)
    if question == "publish":
        lacks = [
            (fault.path, page.name_of(fault.path), fault.message)
            for fault in go_live_checks.find_faults(flow, flow.draft)
        ]
        return Question("publish", lacks=lacks) if lacks else None
    if question == "sample" and flow.live_version is not None:
        pending = request.session.get(PENDING_SAMPLE)
        body = pending.get("body", "") if isinstance(pending, dict) and pending.get("flow") == flow.pk else ""
        return Question("sample", does=run_effects.effects(flow.live_version.document), body=body)
    return None


def _publish_error(count: int) -> str:
    return f"It can't be published yet: {count} {'problems' if count > 1 else 'problem'} to fix."


def _respond(request: WorkspaceRequest, flow: Flow, command: EditorCommand) -> HttpResponse:
    chosen = command.chosen
    query = {"step": command.open_id, **({data_source.PARAMETER: chosen} if chosen else {}), **command.query}
    address = f"{reverse('flow', args=(flow.pk,))}?{urlencode(query)}"
    if not request.htmx and command.pasted is None and command.typed is None and not command.own:
        return redirect(address)
    response = _page(request, flow, command.open_id, query, command)
    return push_url(response, address)
