"""Publish: flows are made, edited, published, paused and removed here, and ingest is told."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import models, transaction
from django.utils import timezone

from relay import queues
from relay.engine import audit, held, rejections, schedules, sql, trials
from relay.errors import DocumentFaults, Fault, RelayError, TemplateLimit
from relay.flows import differences
from relay.flows.document import Document, document_to_json
from relay.flows.uses import variable_faults
from relay.flows.validation import missing_connections, parse_document
from relay.models import Event, Flow, Issue, Revision, Run, Seen, StepState, Trigger, User, Version, Workspace

DRAFT_BYTES = 512 * 1024
MOST_A_MINUTE = 60_000


def create_flow(workspace: Workspace, document: dict[str, Any], *, by: User | None = None) -> Flow:
    """A new flow as a draft, with its own URL. The document may be half-built; `by` is kept by versions only."""
    with transaction.atomic():
        flow = Flow.objects.create(workspace=workspace, draft=_storable(document), **_labels(document))
        Trigger.with_new_token(flow).save()
        Revision.bump()
        audit.note(flow.workspace_id, "flow.created", flow, ref=flow.pk)
    return flow


def import_document(
    workspace: Workspace, data: bytes | str | dict[str, Any], *, publish_it: bool = False, by: User | None = None
) -> Flow:
    """A new flow from a document; DocumentFaults when it isn't valid, or when `publish_it` and it can't go live.

    A connection that is missing leaves the flow a draft.
    """
    document = parse_document(data)
    with transaction.atomic():
        flow = create_flow(workspace, document_to_json(document), by=by)
        if publish_it:
            publish(flow, by=by)
    return flow


def save_draft(flow: Flow, document: dict[str, Any]) -> None:
    """Keep what a person has built so far, finished or not."""
    labels = _labels(document)
    flow.draft, flow.name, flow.folder = _storable(document), labels["name"], labels["folder"]
    flow.draft_saved_at = timezone.now()
    with transaction.atomic():
        flow.save(update_fields=["draft", "name", "folder", "draft_saved_at"])
        if flow.live_version_id is None:
            Revision.bump()


def discard_draft(flow: Flow) -> None:
    """Take the live version's document as the draft again."""
    if flow.live_version is None:
        raise RelayError("This flow was never published, so there is nothing to go back to")
    with transaction.atomic():
        save_draft(flow, flow.live_version.document)
        audit.note(flow.workspace_id, "flow.draft_discarded", flow, ref=flow.pk)


def check(flow: Flow) -> list[Fault]:
    """What keeps the draft from going live, each with its place; [] when nothing does."""
    try:
        # Only in a process that can be stopped: a draft is anything that fits, and all its templates are compiled.
        faults = [Fault(*one) for one in trials.ask({"check": flow.draft})["faults"]]
    except TemplateLimit as error:
        return [Fault("", f"it can't be checked: {error}")]
    return faults or [*_missing(flow, msgspec.convert(flow.draft, Document)), *_variables(flow)]


def _missing(flow: Flow, document: Document) -> list[Fault]:
    have = dict(flow.workspace.connections.values_list("name", "connector"))
    return missing_connections(document, have)


def _variables(flow: Flow) -> list[Fault]:
    have = {variable.name: variable.is_secret for variable in flow.workspace.variables.all()}
    return variable_faults(flow.draft, have)


def publish(flow: Flow, *, by: User | None = None) -> Version:
    """Make the draft the next version and the live one; DocumentFaults says what keeps it from that."""
    faults = check(flow)
    if faults:
        raise DocumentFaults(faults)
    with transaction.atomic():
        last = flow.versions.aggregate(last=models.Max("number"))["last"] or 0
        former = flow.live_version.document if flow.live_version else None
        version: Version = flow.versions.create(number=last + 1, document=flow.draft, created_by=by)
        flow.live_version = version
        flow.save(update_fields=["live_version"])
        schedules.plan(flow)
        if version.number == 1:
            # What was only captured has not been run: when it is sent again, it shall be.
            Seen.objects.filter(flow=flow).delete()
        Revision.bump()
        what = "" if former is None else f": {differences.in_words(former, flow.draft)}"
        audit.note(flow.workspace_id, "flow.published", flow, ref=flow.pk, change=f"Version {version.number}{what}")
    return version


def pause(flow: Flow) -> None:
    """Hold what arrives from now on, and what was released at a pace and has not begun; all else goes on."""
    with transaction.atomic():
        _switch(flow, paused=True)
        audit.note(flow.workspace_id, "flow.paused", flow, ref=flow.pk)
    held.hold_again(flow)


def resume(flow: Flow) -> int:
    """Run what arrives again, and release all that the pause held, the oldest first; how many those were."""
    return _resume(flow, held.Release(every=1))


def release(flow: Flow, *, per_minute: int) -> int:
    """Run what arrives again, and release what the pause held at a pace; how many those are.

    Each of them is due at a time of its own from then on, so the pace outlives any process. Pausing again holds
    those whose time has not come.
    """
    if not 1 <= per_minute <= MOST_A_MINUTE:
        raise RelayError(f"Release between 1 and {MOST_A_MINUTE} a minute")
    return _resume(flow, held.Release(every=60_000_000 // per_minute))


def discard(flow: Flow) -> int:
    """Run what arrives again, and cancel what the pause held; how many those were."""
    return _resume(flow, held.Discard())


def _resume(flow: Flow, change: held.Release | held.Discard) -> int:
    # While most of it is done the flow is still paused: after a crash the rest is held, and the choice is there again.
    moved = held.move_all(flow, change)
    with transaction.atomic():
        _switch(flow, paused=False)
        moved += held.move_rest(flow, change)
        done = "discarded" if isinstance(change, held.Discard) else "released"
        audit.note(flow.workspace_id, "flow.resumed", flow, ref=flow.pk, change=f"{moved} held runs {done}")
    if moved:
        queues.ring()
    return moved


def _switch(flow: Flow, *, paused: bool) -> None:
    flow.paused = paused
    with transaction.atomic():
        flow.save(update_fields=["paused"])
        Revision.bump()


def delete(flow: Flow) -> None:
    """Remove a flow with all that it received and did."""
    with transaction.atomic():
        runs = Run.objects.filter(flow=flow)
        sql.execute(
            "DELETE FROM relay_attempt WHERE run_id IN (SELECT id FROM relay_run WHERE flow_id = %s)", (flow.pk,)
        )
        sql.execute(
            "DELETE FROM relay_gathered WHERE into_id IN (SELECT id FROM relay_run WHERE flow_id = %s)", (flow.pk,)
        )
        flow.workspace.inbox_messages.filter(run_id__in=runs.values("pk")).delete()
        runs._raw_delete(runs.db)
        events = Event.objects.filter(flow=flow)
        events._raw_delete(events.db)
        Seen.objects.filter(flow=flow).delete()
        StepState.objects.filter(flow=flow).delete()
        Issue.objects.filter(flow=flow).delete()
        rejections.discard(flow.workspace, flow=flow)
        Flow.objects.filter(pk=flow.pk).update(live_version=None)
        audit.note(flow.workspace_id, "flow.removed", flow, ref=flow.pk)
        flow.delete()
        Revision.bump()


def _labels(document: dict[str, Any]) -> dict[str, str]:
    name = document.get("name")
    folder = document.get("folder")
    return {
        "name": name[:200] if isinstance(name, str) and name.strip() else "Untitled flow",
        "folder": folder[:100] if isinstance(folder, str) else "",
    }


def _storable(document: dict[str, Any]) -> dict[str, Any]:
    """The document when it can be kept as JSON text; DocumentFaults when it can't."""
    try:
        if not isinstance(document, dict):
            raise TypeError
        text = msgspec.json.encode(document)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise DocumentFaults([Fault("", "a flow document is a JSON object")]) from None
    if len(text) > DRAFT_BYTES or b"\\u0000" in text:
        message = f"a flow document may have {DRAFT_BYTES} bytes and no NUL characters"
        raise DocumentFaults([Fault("", message)])
    return document
