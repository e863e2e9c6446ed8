"""Dry runs: what a flow, a version or a document would do with an event; nothing is sent, nothing is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import given
from relay.api.access import ApiRequest
from relay.api.errors import Refused
from relay.engine import dryrun, samples
from relay.engine.arrived import Arrived
from relay.engine.eventshape import arrived, event_of
from relay.engine.ground import Ground
from relay.errors import RelayError
from relay.models import Flow

of_flow = Router(tags=["dry runs"])
of_document = Router(tags=["dry runs"])
_SOURCES = ("event", "run", "sample")


@of_flow.post("/{int:flow_id}/dry-run", url_name="dry-run")
def tell(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """What `relay dry-run --json` prints, of `{"version"}`, a number, `live` or `draft` (default), or `{"document"}`.

    For an `{"event"}`, written down or the id of one, for that of a `{"run"}`, or for a `{"sample"}`, by its name.
    `{"answers"}`: what actions are taken to be answered, `{"STEP": {"status", "headers", "body"}}`.
    """
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    wanted = given.options(request)
    event, part = _event(flow, wanted)
    known = replace(dryrun.ground_of(flow), part=part, assumed=given.answers(wanted))
    return dryrun.tell(given.document(flow, wanted), event, known)


@of_document.post("", url_name="dry-run-document")
def tell_document(request: ApiRequest) -> dict[str, Any]:
    """The same of a document that is no flow yet, with no connections: `{"document", "event", "answers"}`."""
    wanted = given.options(request)
    document = wanted.get("document")
    if not isinstance(document, dict):
        raise Refused(422, 'Send {"document", "event"}, each a JSON object')
    known = Ground(str(document.get("name")), assumed=given.answers(wanted), is_bare=True)
    return dryrun.tell(document, _written(wanted.get("event")), known)


def _event(flow: Flow, wanted: dict[str, Any]) -> tuple[Arrived, int]:
    """The event, and which element of it is walked where it is split."""
    if sum(name in wanted for name in _SOURCES) != 1:
        raise Refused(422, f"Send one of {', '.join(_SOURCES)}")
    if "run" in wanted:
        run = get_object_or_404(flow.runs.select_related("event"), pk=given.number(str(wanted["run"])))
        return arrived(run.event), run.part or 1
    if "sample" in wanted:
        try:
            return event_of(samples.find(flow, str(wanted["sample"])).event), 1
        except RelayError as error:
            raise Refused(404, str(error)) from None
    if isinstance(wanted["event"], str):
        return arrived(get_object_or_404(flow.events, pk=given.number(wanted["event"]))), 1
    return _written(wanted["event"]), 1


def _written(value: Any) -> Arrived:
    try:
        return event_of(value)
    except RelayError as error:
        raise Refused(422, str(error)) from None
