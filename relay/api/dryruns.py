"""Endpoints for dry runs: show what a flow, a version or a document would do with an event; send and store nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import request_body
from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.engine.configuration import samples
from relay.engine.dry_run import dry_runs
from relay.engine.dry_run.dry_run_context import DryRunContext
from relay.engine.intake.event_data import EventData
from relay.errors import RelayError
from relay.models import Flow

of_flow = Router(tags=["dry runs"])
of_document = Router(tags=["dry runs"])
_SOURCES = ("event", "run", "sample")


@of_flow.post("/{int:flow_id}/dry-run", url_name="dry-run")
def dry_run(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Dry-run `{"version"}` (a number, `live`, or `draft` by default) or `{"document"}`, as `relay dry-run --json`.

    The event is an `{"event"}` (an object or an id), the event of a `{"run"}`, or a `{"sample"}`, by name.
    `{"answers"}` says what services answer: `{"STEP": {"status", "headers", "body"}}`.
    """
    flow = get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)
    options = request_body.options(request)
    event, part = _event(flow, options)
    context = replace(dry_runs.context_for(flow), part=part, assumed=request_body.answers(options))
    return dry_runs.run(request_body.document(flow, options), event, context)


@of_document.post("", url_name="dry-run-document")
def dry_run_document(request: ApiRequest) -> dict[str, Any]:
    """Dry-run a document that is not a flow yet, without connections: `{"document", "event", "answers"}`."""
    options = request_body.options(request)
    document = options.get("document")
    if not isinstance(document, dict):
        raise ApiError(422, 'Send {"document", "event"}, each a JSON object')
    context = DryRunContext(
        str(document.get("name")), assumed=request_body.answers(options), is_bare=True, workspace=request.workspace.pk
    )
    return dry_runs.run(document, _parse_event(options.get("event")), context)


def _event(flow: Flow, options: dict[str, Any]) -> tuple[EventData, int]:
    """Return the event, and the number of the element to walk if the flow splits it."""
    if sum(name in options for name in _SOURCES) != 1:
        raise ApiError(422, f"Send one of {', '.join(_SOURCES)}")
    if "run" in options:
        run = get_object_or_404(flow.runs.select_related("event"), pk=request_body.number(str(options["run"])))
        return EventData.from_model(run.event), run.part or 1
    if "sample" in options:
        try:
            return EventData.from_json(samples.find(flow, str(options["sample"])).event), 1
        except RelayError as error:
            raise ApiError(404, str(error)) from None
    if isinstance(options["event"], str):
        return EventData.from_model(get_object_or_404(flow.events, pk=request_body.number(options["event"]))), 1
    return _parse_event(options["event"]), 1


def _parse_event(value: Any) -> EventData:
    try:
        return EventData.from_json(value)
    except RelayError as error:
        raise ApiError(422, str(error)) from None
