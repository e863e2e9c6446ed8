"""Endpoints for the samples of a flow: list, get, add, rename, remove, and check the flow against all of them."""

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
from relay.errors import RelayError
from relay.models import Flow, Sample

router = Router(tags=["samples"])


def _row(sample: Sample) -> dict[str, Any]:
    return {"id": sample.pk, "name": sample.name, "bytes": sample.size, "added": request_body.time(sample.created_at)}


def _flow(request: ApiRequest, flow_id: int) -> Flow:
    return get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)


def _find(request: ApiRequest, flow_id: int, sample_id: int) -> Sample:
    return get_object_or_404(_flow(request, flow_id).samples.kept().select_related("flow"), pk=sample_id)


@router.get("/{int:flow_id}/samples", url_name="samples")
def listing(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """List the samples of a flow by name."""
    return {"samples": [_row(sample) for sample in _flow(request, flow_id).samples.kept().defer("event")]}


@router.post("/{int:flow_id}/samples", url_name="add-sample")
def add(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Add a sample: `{"name", "event"}`, where the event is an object or the reference of an event."""
    flow, options = _flow(request, flow_id), request_body.options(request)
    name = options.get("name")
    if not isinstance(name, str):
        raise ApiError(422, 'Send {"name", "event"}: the event as {"method", "headers", "query", "body"}, or its id')
    try:
        return _row(samples.add(flow, name, request_body.event(flow, options.get("event"))))
    except RelayError as error:
        raise ApiError(422, str(error)) from None


@router.get("/{int:flow_id}/samples/{int:sample_id}", url_name="sample")
def show(request: ApiRequest, flow_id: int, sample_id: int) -> dict[str, Any]:
    """Get one sample with its event."""
    sample = _find(request, flow_id, sample_id)
    return {**_row(sample), "event": sample.event}


@router.patch("/{int:flow_id}/samples/{int:sample_id}", url_name="rename-sample")
def rename(request: ApiRequest, flow_id: int, sample_id: int) -> dict[str, Any]:
    """Rename a sample: `{"name"}`."""
    sample, name = _find(request, flow_id, sample_id), request_body.options(request).get("name")
    try:
        samples.rename(sample, name if isinstance(name, str) else "")
    except RelayError as error:
        raise ApiError(422, str(error)) from None
    return _row(sample)


@router.delete("/{int:flow_id}/samples/{int:sample_id}", url_name="remove-sample")
def remove(request: ApiRequest, flow_id: int, sample_id: int) -> dict[str, Any]:
    """Remove a sample."""
    sample = _find(request, flow_id, sample_id)
    samples.remove(sample)
    return _row(sample)


@router.post("/{int:flow_id}/samples/check", url_name="check-samples")
def check(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Dry-run the flow with each sample, in rows; `{"version"}`, `{"document"}` and `{"answers"}` as in a dry run."""
    flow, options = _flow(request, flow_id), request_body.options(request)
    context = replace(dry_runs.context_for(flow), assumed=request_body.answers(options))
    return {"samples": dry_runs.check_samples(request_body.document(flow, options), flow, context)}
