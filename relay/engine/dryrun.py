"""Dry runs for people: what a flow, a version or a document would do with events, in a process that can be stopped."""

from __future__ import annotations

import atexit
import time
from collections.abc import Iterable
from typing import Any

from relay.engine import dryprocess, ground, trial
from relay.engine.arrived import Arrived
from relay.engine.drycheck import broken, row
from relay.engine.eventshape import event_of
from relay.engine.ground import Ground
from relay.engine.trials import Helper
from relay.engine.variables import NONE as NO_VARIABLES
from relay.engine.variables import load as variables_of
from relay.errors import DocumentFaults, Fault, RelayError
from relay.flows import nesting
from relay.flows.loading import load
from relay.models import AttemptState, Flow, Sample

# Seconds for one dry run, and for those of all samples.
WALL = 10.0
WALL_OF_ALL = 20.0

HELPER = Helper(wall=WALL, module=dryprocess.__name__, first={}, noun="dry run", cpu=dryprocess.CPU)
atexit.register(HELPER.close)


def ground_of(flow: Flow) -> Ground:
    """What a dry run of a flow stands on: its workspace's connections and variables, and what was answered last."""
    known = variables_of([flow.workspace_id]).get(flow.workspace_id, NO_VARIABLES)
    connections = {one.name: one for one in flow.workspace.connections.all()}
    return Ground(flow.name, connections, _last_answers(flow), flow.workspace.timezone, known)


def _last_answers(flow: Flow) -> dict[str, dict[str, Any]]:
    run = flow.runs.order_by("-id").first()
    attempts = run.attempts.filter(state=AttemptState.SUCCEEDED).order_by("id") if run else ()
    return {nesting.base(one.step): dict(one.answer) for one in attempts if one.answer}


def document_of(flow: Flow, which: str) -> dict[str, Any]:
    """The flow's `draft`, its `live` version's document, or that of the version of a number."""
    if which == "draft":
        return dict(flow.draft)
    is_number = which.isascii() and which.isdigit() and len(which) < 10
    numbered = flow.versions.filter(number=int(which)).first() if is_number else None
    version = flow.live_version if which == "live" else numbered
    if version is None:
        raise RelayError("The flow has no such version: there are its draft, the live one, and those by their number")
    return dict(version.document)


def tell(document: dict[str, Any], event: Arrived, known: Ground) -> dict[str, Any]:
    """What `dry_run` gives for a document, valid or not, in a process that can be stopped.

    Raises DocumentFaults, TemplateLimit (`time`, `memory`), RelayError where it can't be had.
    """
    load(document)  # refused here where it is too deep to be looked into
    answer = HELPER.ask({"document": document, "event": trial.packed(event), "ground": ground.packed(known, document)})
    if "faults" in answer:
        raise DocumentFaults([Fault(*one) for one in answer["faults"]])
    if "error" in answer:
        raise RelayError(answer["error"])
    result: dict[str, Any] = answer["result"]
    return result


def check_samples(document: dict[str, Any], samples: Iterable[Sample], known: Ground) -> list[dict[str, Any]]:
    """A row of `drycheck` for each sample. DocumentFaults where the document isn't valid; else every sample has one."""
    end = time.monotonic() + WALL_OF_ALL
    return [_checked(document, sample, known, is_late=time.monotonic() > end) for sample in samples]


def _checked(document: dict[str, Any], sample: Sample, known: Ground, *, is_late: bool) -> dict[str, Any]:
    if is_late:
        return broken(sample.name, "It was not tried: those before it took too long")
    try:
        return row(sample.name, tell(document, event_of(sample.event), known), document)
    except DocumentFaults:
        raise
    except RelayError as error:
        return broken(sample.name, str(error))
