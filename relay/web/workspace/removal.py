"""Removes a row of a workspace, and redirects to its list."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect

from relay.errors import RelayError
from relay.web.auth.access import WorkspaceRequest


def respond(request: WorkspaceRequest, remove: Callable[[], None], name: str, kind: str, row_id: int) -> HttpResponse:
    """Call `remove` and redirect to the list, or to the page of the row if it can't be removed.

    `kind`: the URL name of the row's page. That of the list is its plural.
    """
    try:
        remove()
    except RelayError as error:
        messages.error(request, str(error))
        return redirect(kind, row_id)
    messages.success(request, f"{name} was removed.")
    return redirect(f"{kind}s")
