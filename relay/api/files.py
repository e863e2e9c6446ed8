"""Endpoint for files: gets the bytes of a file of an event or a run."""

from __future__ import annotations

from django.http import Http404, StreamingHttpResponse
from ninja import Router

from relay.api.access import ApiRequest
from relay.api.errors import ApiError
from relay.engine.files import downloads
from relay.errors import FileGone, FileStoreDown

RETRY_SECONDS = 5
router = Router(tags=["files"])


@router.get("/{file_id}", url_name="file")
def download(request: ApiRequest, file_id: str) -> StreamingHttpResponse:
    """Get the bytes of a file by its `id`, as `files` of an event or a run lists them."""
    found = downloads.find(file_id, [request.workspace.pk])
    if found is None:
        raise Http404("There is no such file, or it is not kept any more")
    try:
        pieces = downloads.opened(found)
    except FileGone:
        raise Http404("The file is not kept any more") from None
    except FileStoreDown as error:
        raise ApiError(503, str(error), retry_after=RETRY_SECONDS) from None
    return StreamingHttpResponse(downloads.sent(pieces), headers=found.headers)
