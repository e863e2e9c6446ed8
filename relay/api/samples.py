"""Samples of a flow: list, get, add, rename, remove, and the check of a flow against all of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.shortcuts import get_object_or_404
from ninja import Router

from relay.api import given
from relay.api.access import ApiRequest
from relay.api.errors import Refused
from relay.engine import dryrun, samples
from relay.errors import RelayError
from relay.models import Flow, Sample

router = Router(tags=["samples"])


def _row(sample: Sample) -> dict[str, Any]:
    return {"id": sample.pk, "name": sample.name, "bytes": sample.size, "added": given.time(sample.created_at)}


def _flow(request: ApiRequest, flow_id: int) -> Flow:
    return get_object_or_404(request.workspace.flows.select_related("live_version"), pk=flow_id)


def _found(request: ApiRequest, flow_id: int, sample_id: int) -> Sample:
    return get_object_or_404(_flow(request, flow_id).samples.kept().select_related("flow"), pk=sample_id)


@router.get("/{int:flow_id}/samples", url_name="samples")
def listing(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """All samples of a flow, by name."""
    return {"samples": [_row(one) for one in _flow(request, flow_id).samples.kept().defer("event")]}


@router.post("/{int:flow_id}/samples", url_name="add-sample")
def add(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """Keep an event by a name: `{"name", "event"}`, where the event is written down, or the reference of one."""
    flow, wanted = _flow(request, flow_id), given.options(request)
    name = wanted.get("name")
    if not isinstance(name, str):
        raise Refused(422, 'Send {"name", "event"}: the event as {"method", "headers", "query", "body"}, or its id')
    try:
        return _row(samples.add(flow, name, given.event(flow, wanted.get("event"))))
    except RelayError as error:
        raise Refused(422, str(error)) from None


@router.get("/{int:flow_id}/samples/{int:sample_id}", url_name="sample")
def show(request: ApiRequest, flow_id: int, sample_id: int) -> dict[str, Any]:
    """One sample with its event."""
    sample = _found(request, flow_id, sample_id)
    return {**_row(sample), "event": sample.event}


@router.patch("/{int:flow_id}/samples/{int:sample_id}", url_name="rename-sample")
def rename(request: ApiRequest, flow_id: int, sample_id: int) -> dict[str, Any]:
    """Give it another name: `{"name"}`."""
    sample, name = _found(request, flow_id, sample_id), given.options(request).get("name")
    try:
        samples.rename(sample, name if isinstance(name, str) else "")
    except RelayError as error:
        raise Refused(422, str(error)) from None
    return _row(sample)


@router.delete("/{int:flow_id}/samples/{int:sample_id}", url_name="remove-sample")
def remove(request: ApiRequest, flow_id: int, sample_id: int) -> dict[str, Any]:
    """Remove it."""
    sample = _found(request, flow_id, sample_id)
    samples.remove(sample)
    return _row(sample)


@router.post("/{int:flow_id}/samples/check", url_name="check-samples")
def check(request: ApiRequest, flow_id: int) -> dict[str, Any]:
    """A dry run for each sample, in rows; `{"version"}`, `{"document"}` and `{"answers"}` as for a dry run."""
    flow, wanted = _flow(request, flow_id), given.options(request)
    known = replace(dryrun.ground_of(flow), assumed=given.answers(wanted))
    return {"samples": dryrun.check_samples(given.document(flow, wanted), flow.samples.kept(), known)}
