"""Help: the filters of templates, from the data that defines them."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from relay.templating.filters.catalogue import GROUPS, grouped
from relay.web import posted
from relay.web.access import WorkspaceRequest, member


@require_GET
@member
def filters(request: WorkspaceRequest) -> HttpResponse:
    """All filters by group, or those that match `q`."""
    words = posted.text(request.GET, "q", limit=100).strip()
    groups = [(slugify(group), group, entries) for group, entries in grouped(words)]
    context = {
        "words": words,
        "groups": groups,
        "count": sum(len(entries) for _, _, entries in groups),
        "all_groups": [(slugify(group), group) for group in GROUPS],
    }
    return render(request, "help/filters.html", context)
