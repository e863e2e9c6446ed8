"""Creates, edits, publishes, pauses and deletes flows, and notifies ingest of each change."""

from __future__ import annotations

from typing import Any

import msgspec
from django.db import models, transaction
from django.utils import timezone

from relay import queues
from relay.engine import audit
from relay.engine.configuration import schedules, subscriptions
from relay.engine.database import statements
from relay.engine.files import file_store
from relay.engine.intake import rejections
from relay.engine.preview import document_check
from relay.engine.preview.document_check import CheckedDocument
from relay.engine.runs import paused_backlog
from relay.errors import DocumentFaults, DraftChanged, Fault, RelayError
from relay.flows import diff, limits, nesting
from relay.models import Event, Flow, Issue, Run, Seen, StepState, Trigger, User, Version, Workspace

MAX_DRAFT_BYTES = 512 * 1024
MAX_PER_MINUTE = 60_000


def create_flow(workspace: Workspace, document: dict[str, Any], *, by: User | None = None) -> Flow:
    """Create a flow as a draft, with its own URL. The document may be unfinished; only versions store `by`."""
    with transaction.atomic():
        flow = Flow.objects.create(workspace=workspace, draft=_storable(document), **_labels(document))
        Trigger.with_new_token(flow).save()
        audit.note(flow.workspace_id, "flow.created", flow, ref=flow.pk)
    return flow


def import_document(
    workspace: Workspace, data: bytes | str | dict[str, Any], *, publish_it: bool = False, by: User | None = None
) -> Flow:
    """Create a flow from a document.

    DocumentFaults when the document isn't valid, or with `publish_it` when it can't be published, for example because
    a connection is missing.
    """
    return import_checked(workspace, document_check.check(workspace.pk, data), publish_it=publish_it, by=by)


def import_checked(
    workspace: Workspace, checked: CheckedDocument, *, publish_it: bool = False, by: User | None = None
) -> Flow:
    """As `import_document`, with a document that was checked before, so that no transaction is open meanwhile."""
    with transaction.atomic():
        flow = create_flow(workspace, checked.document, by=by)
        if publish_it:
            _raise_faults(document_check.missing_faults(flow, checked))
            _go_live(flow, by=by)
    return flow


def save_draft(flow: Flow, document: dict[str, Any], *, by: User | None = None, page: str = "") -> None:
    """Save the draft, finished or not.

    `by` and `page` (the id of the editor page) say who saves it. DraftChanged when the draft was saved after `flow` was
    read: the caller reads it again and decides.
    """
    labels = _labels(document)
    storable = _storable(document)
    _check_counts(storable, flow.draft)
    values = {
        "draft": storable,
        "name": labels["name"],
        "folder": labels["folder"],
        "draft_saved_at": timezone.now(),
        "draft_saved_by": by,
        "draft_page": page,
        "draft_revision": flow.draft_revision + 1,
    }
    with transaction.atomic():
        if not Flow.objects.filter(pk=flow.pk, draft_revision=flow.draft_revision).update(**values):
            raise DraftChanged("The draft was saved by somebody else in the meantime: load the page again")
        if flow.live_version_id is None:
            Trigger.note_change(flow.pk)
    for name, value in values.items():
        setattr(flow, name, value)


def discard_draft(flow: Flow, *, by: User | None = None) -> None:
    """Reset the draft to the live version's document."""
    if flow.live_version is None:
        raise RelayError("This flow was never published, so there is nothing to go back to")
    with transaction.atomic():
        save_draft(flow, flow.live_version.document, by=by)
        audit.note(flow.workspace_id, "flow.draft_discarded", flow, ref=flow.pk)


def check(flow: Flow) -> list[Fault]:
    """The faults that prevent publishing the draft, each with its path; [] if there are none."""
    try:
        return document_check.missing_faults(flow, document_check.check(flow.workspace_id, flow.draft))
    except DocumentFaults as error:
        return error.faults


def publish(flow: Flow, *, by: User | None = None) -> Version:
    """Make the draft the next version and the live one; DocumentFaults says what prevents it."""
    _raise_faults(check(flow))
    return _go_live(flow, by=by)


def _raise_faults(faults: list[Fault]) -> None:
    if faults:
        raise DocumentFaults(faults)


def _go_live(flow: Flow, *, by: User | None) -> Version:
    changes = "" if flow.live_version is None else f": {diff.describe(flow.live_version.document, flow.draft)}"
    with transaction.atomic():
        last = flow.versions.aggregate(last=models.Max("number"))["last"] or 0
        version: Version = flow.versions.create(number=last + 1, document=flow.draft, created_by=by)
        flow.live_version = version
        flow.save(update_fields=["live_version"])
        schedules.plan(flow)
        if version.number == 1:
            # A draft captures events without running them, so they are no duplicates when they are sent again.
            Seen.objects.filter(flow=flow).delete()
        Trigger.note_change(flow.pk)
        audit.note(flow.workspace_id, "flow.published", flow, ref=flow.pk, change=f"Version {version.number}{changes}")
    return version


def pause(flow: Flow) -> None:
    """Hold new runs, and those that were released at a pace and have not started; other runs continue."""
    with transaction.atomic():
        _switch(flow, paused=True)
        audit.note(flow.workspace_id, "flow.paused", flow, ref=flow.pk)
    paused_backlog.hold_again(flow)


def resume(flow: Flow) -> int:
    """Run new events again and release all held runs, oldest first; return their number."""
    return _resume(flow, paused_backlog.Release(every=1))


def release(flow: Flow, *, per_minute: int) -> int:
    """Run new events again and release the held runs at a pace; return their number.

    Each run gets its own due time, so the pace outlives any process. Pausing again holds those that are not due yet.
    """
    if not 1 <= per_minute <= MAX_PER_MINUTE:
        raise RelayError(f"Release between 1 and {MAX_PER_MINUTE} a minute")
    return _resume(flow, paused_backlog.Release(every=60_000_000 // per_minute))


def discard(flow: Flow) -> int:
    """Run new events again and cancel the held runs; return their number."""
    return _resume(flow, paused_backlog.Discard())


def _resume(flow: Flow, change: paused_backlog.Release | paused_backlog.Discard) -> int:
    # The flow stays paused meanwhile: after a crash the rest is still held, and the person can choose again.
    moved = paused_backlog.move_all(flow, change)
    with transaction.atomic():
        _switch(flow, paused=False)
        moved += paused_backlog.move_rest(flow, change)
        outcome = "discarded" if isinstance(change, paused_backlog.Discard) else "released"
        audit.note(flow.workspace_id, "flow.resumed", flow, ref=flow.pk, change=f"{moved} held runs {outcome}")
    if moved:
        queues.wake_worker()
    return moved


def _switch(flow: Flow, *, paused: bool) -> None:
    flow.paused = paused
    with transaction.atomic():
        flow.save(update_fields=["paused"])
        Trigger.note_change(flow.pk)


def delete(flow: Flow) -> None:
    """Delete a flow with all its events and runs. Upkeep removes its webhook at the sender."""
    with transaction.atomic():
        subscriptions.leave(flow)
        runs = Run.objects.filter(flow=flow)
        statements.execute(
            "DELETE FROM relay_attempt WHERE run_id IN (SELECT id FROM relay_run WHERE flow_id = %s)", (flow.pk,)
        )
        statements.execute(
            "DELETE FROM relay_gathered WHERE into_id IN (SELECT id FROM relay_run WHERE flow_id = %s)", (flow.pk,)
        )
        file_store.remove_of_flow(flow.pk)
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


def _labels(document: dict[str, Any]) -> dict[str, str]:
    name = document.get("name")
    folder = document.get("folder")
    return {
        "name": name[:200] if isinstance(name, str) and name.strip() else "Untitled flow",
        "folder": folder[:100] if isinstance(folder, str) else "",
    }


def _check_counts(document: dict[str, Any], former: dict[str, Any]) -> None:
    """Refuse more steps or paths than a flow may have: the editor shows all of them. A larger draft may only shrink."""
    steps, former_steps = (sum(1 for _ in nesting.all_steps(one)) for one in (document, former))
    if steps > max(limits.MAX_STEPS, former_steps):
        raise DocumentFaults([Fault("steps", f"a flow may have {limits.MAX_STEPS} steps; this one has {steps}")])
    paths = nesting.path_count(document)
    if paths > max(limits.MAX_PATHS, nesting.path_count(former)):
        message = f"the branches of a flow may have {limits.MAX_PATHS} paths together; these have {paths}"
        raise DocumentFaults([Fault("steps", message)])


def _storable(document: dict[str, Any]) -> dict[str, Any]:
    """The document if it can be stored as JSON text; DocumentFaults otherwise."""
    try:
        if not isinstance(document, dict):
            raise TypeError
        text = msgspec.json.encode(document)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise DocumentFaults([Fault("", "a flow document is a JSON object")]) from None
    if len(text) > MAX_DRAFT_BYTES or b"\\u0000" in text:
        message = f"a flow document may have {MAX_DRAFT_BYTES} bytes and no NUL characters"
        raise DocumentFaults([Fault("", message)])
    return document
