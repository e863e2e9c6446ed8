"""Downloads files of events and runs, by their signed links, for members of their workspace."""

from __future__ import annotations

from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from relay.engine.files import downloads, links
from relay.errors import FileGone, FileStoreDown
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import form_data

_EXPIRED = {
    "status": 410,
    "title": "This link is not valid any more",
    "text": "Links of files are valid for a week. Open the run that the file belongs to, and download it there.",
}
_UNAVAILABLE = {
    "status": 503,
    "title": "The file can't be read now",
    "text": "The store that keeps the files of this installation doesn't answer. Reload this page in a moment.",
}


def rows(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The records of files for a page, with links without the origin."""
    return [{**record, "link": links.path(record["id"])} for record in records]


@require_GET
@member
def download(request: WorkspaceRequest, file_id: str) -> HttpResponseBase:
    """Send a file, a chunk at a time. The link must be signed and valid, and the person a member of the workspace."""
    until, signature = (
        form_data.text(request.GET, "until", limit=20),
        form_data.text(request.GET, "signature", limit=64),
    )
    if not links.is_valid(file_id, until, signature):
        return render(request, "failure.html", _EXPIRED, status=410)
    workspaces = list(request.user.memberships.values_list("workspace_id", flat=True))
    found = downloads.find(file_id, workspaces)
    if found is None:
        raise Http404("There is no such file")
    try:
        pieces = downloads.opened(found)
    except FileGone:
        raise Http404("The file is not kept any more") from None
    except FileStoreDown:
        return render(request, "failure.html", _UNAVAILABLE, status=503)
    return StreamingHttpResponse(downloads.sent(pieces), headers=found.headers)
