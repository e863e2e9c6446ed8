"""Shows the documentation and the template filters inside Relay, and searches them."""

from __future__ import annotations

import functools

from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import slugify
from django.views.decorators.http import require_GET

from relay import distribution
from relay.handbook import INDEX, Handbook
from relay.templating.filters.catalogue import GROUPS, grouped
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import form_data

MAX_QUERY_CHARACTERS = 100


@require_GET
@member
def start(request: WorkspaceRequest) -> HttpResponse:
    """Show the first page of the documentation, or the sections that match `q`."""
    words = form_data.text(request.GET, "q", limit=MAX_QUERY_CHARACTERS).strip()
    if not words:
        return _page(request, INDEX)
    hits = handbook().search(words)
    filters = sum(len(entries) for _, entries in grouped(words))
    results = {"words": words, "hits": hits, "filters": filters}
    return render(request, "help/found.html", {**_layout(""), **results})


@require_GET
@member
def page(request: WorkspaceRequest, page: str) -> HttpResponse:
    return redirect("help") if page == INDEX else _page(request, page)


@require_GET
@member
def filters(request: WorkspaceRequest) -> HttpResponse:
    """Show all filters by group, or those that match `q`."""
    words = form_data.text(request.GET, "q", limit=MAX_QUERY_CHARACTERS).strip()
    groups = [(slugify(group), group, entries) for group, entries in grouped(words)]
    context = {
        "words": words,
        "groups": groups,
        "count": sum(len(entries) for _, _, entries in groups),
        "all_groups": [(slugify(group), group) for group in GROUPS],
        "place": "help",
    }
    return render(request, "help/filters.html", context)


def address(name: str) -> str:
    """Return the URL of a page of the documentation."""
    return reverse("help") if name == INDEX else reverse("help-page", args=(name,))


@functools.cache
def handbook() -> Handbook:
    """Return the documentation of this version, from a checkout or from the wheel."""
    return Handbook(settings.ROOT / "docs", settings.ROOT / "mkdocs.yml", address)


def _page(request: WorkspaceRequest, name: str) -> HttpResponse:
    book = handbook()
    try:
        shown = book.page(name)
    except KeyError:
        raise Http404 from None
    before, after = book.neighbours(name)
    return render(request, "help/page.html", {**_layout(name), "shown": shown, "before": before, "after": after})


def _layout(name: str) -> dict[str, object]:
    """Return the template context that all pages share."""
    return {"groups": handbook().groups, "open": name, "version": distribution.version(), "place": "help"}
