"""Endpoint for files: gets the bytes of a file of an event or a run."""

from __future__ import annotations

from django.http import Http404, StreamingHttpResponse
from ninja import Router

from relay.api.access import ApiRequest
from relay.engine.files import downloads

router = Router(tags=["files"])


@router.get("/{file_id}", url_name="file")
def download(request: ApiRequest, file_id: str) -> StreamingHttpResponse:
    """Get the bytes of a file by its `id`, as `files` of an event or a run lists them."""
    found = downloads.find(file_id, [request.workspace.pk])
    if found is None:
        raise Http404("There is no such file, or it is not kept any more")
    return StreamingHttpResponse(downloads.sent(found.pieces()), headers=found.headers)
