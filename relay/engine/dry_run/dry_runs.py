"""Dry-runs flows, versions and documents with events, in a process that can be stopped."""

from __future__ import annotations

import atexit
import time
from typing import Any

from django.conf import settings

from relay.engine import go_live_checks
from relay.engine.dry_run import dry_run_context, dry_run_process
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.dry_run.sample_report import failed_row, row
from relay.engine.intake.event_data import EventData
from relay.engine.preview import last_answers, render_task
from relay.engine.preview.render_client import POOL_SIZE
from relay.engine.sandbox.helper_pool import Pool
from relay.engine.sandbox.process import HelperProcess
from relay.engine.walk.variables import NONE as NO_VARIABLES
from relay.engine.walk.variables import load as variables_of
from relay.errors import DocumentFaults, Fault, RelayError
from relay.flows.loading import load
from relay.models import Flow, Sample

RUN_SECONDS = 10.0  # of wall time, for one dry run
ALL_SAMPLES_SECONDS = 20.0  # for those of all samples of a flow
MAX_BODY_BYTES = 2 * 1024 * 1024  # of an event


def helper() -> HelperProcess:
    """Create a helper process for the pool of dry runs."""
    return HelperProcess(
        wall_seconds=RUN_SECONDS,
        module=dry_run_process.__name__,
        first_message={},
        noun="dry run",
        cpu_seconds=dry_run_process.CPU_SECONDS,
        max_starts=None,
    )


DRY_RUNS = Pool(helper, size=POOL_SIZE, noun="dry run")
atexit.register(DRY_RUNS.close)


def context_for(flow: Flow) -> DryRunContext:
    """The context of a dry run of a flow: its workspace's connections and variables, and its last answers."""
    variables = variables_of([flow.workspace_id]).get(flow.workspace_id, NO_VARIABLES)
    connections = {connection.name: connection for connection in flow.workspace.connections.all()}
    return DryRunContext(
        flow.name,
        connections,
        last_answers.records(flow),
        flow.workspace.timezone,
        variables,
        workspace=flow.workspace_id,
    )


def document_of(flow: Flow, which: str) -> dict[str, Any]:
    """The document of the flow's `draft`, its `live` version, or the version with this number."""
    if which == "draft":
        return dict(flow.draft)
    is_number = which.isascii() and which.isdigit() and len(which) < 10
    numbered = flow.versions.filter(number=int(which)).first() if is_number else None
    version = flow.live_version if which == "live" else numbered
    if version is None:
        raise RelayError("The flow has no such version: use draft, live or the number of a version")
    return dict(version.document)


def run(document: dict[str, Any], event: EventData, context: DryRunContext) -> dict[str, Any]:
    """Call `dry_run` for a document, valid or not, in a process that can be stopped.

    Raises DocumentFaults, TemplateLimit (`time`, `memory`) and RelayError.
    """
    if len(event.body) > MAX_BODY_BYTES:
        raise RelayError(
            f"The body of this event has {len(event.body):,} bytes, and a dry run accepts up to {MAX_BODY_BYTES:,}: "
            "`relay dry-run` has no limit"
        )
    load(document)  # raises here if it is nested too deeply
    question = {
        "document": document,
        "event": render_task.pack_event(event),
        "context": dry_run_context.pack(context, document),
    }
    answer = DRY_RUNS.ask({**question, "own_hosts": list(settings.OWN_HOSTS)}, workspace=context.workspace)
    if "faults" in answer:
        raise DocumentFaults([Fault(*values) for values in answer["faults"]])
    if "error" in answer:
        raise RelayError(answer["error"])
    result: dict[str, Any] = answer["result"]
    return result


def check_samples(document: dict[str, Any], flow: Flow, context: DryRunContext) -> list[dict[str, Any]]:
    """Dry-run all samples of the flow: a row of `sample_report` for each. No sample of an unfinished document succeeds.

    DocumentFaults when the document isn't valid; otherwise every sample has a row.
    """
    end = time.monotonic() + ALL_SAMPLES_SECONDS
    load(document)  # raises here if it is nested too deeply
    unfinished = [str(fault) for fault in go_live_checks.find_faults(flow, document)]
    # Loaded one by one, because fifty samples may have a megabyte each.
    samples = flow.samples.kept().iterator(chunk_size=1)
    rows = [_report(document, sample, context, is_late=time.monotonic() > end) for sample in samples]
    return [_mark_unfinished(row, unfinished) if unfinished else row for row in rows]


def _mark_unfinished(row: dict[str, Any], faults: list[str]) -> dict[str, Any]:
    if row["state"] != "succeeded":
        return row
    return {**row, "state": "unfinished", "reason": f"The flow isn't finished: {'; '.join(faults)}"}


def _report(document: dict[str, Any], sample: Sample, context: DryRunContext, *, is_late: bool) -> dict[str, Any]:
    if is_late:
        return failed_row(sample.name, "Not run, because the samples before it took too long")
    try:
        return row(sample.name, run(document, EventData.from_json(sample.event), context), document)
    except DocumentFaults:
        raise
    except RelayError as error:
        return failed_row(sample.name, str(error))
