"""Shows, filters and exports the audit log of a workspace."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import urlencode
from django.views.decorators.http import require_GET

from relay import ids
from relay.models import AuditEntry
from relay.models.audit import record
from relay.search.filters import bounds, day
from relay.web.auth.access import WorkspaceRequest, member
from relay.web.ui import form_data, times

PAGE = 100
MAX_EXPORTED_ENTRIES = 50_000
_FIELDS = ("at", "who", "kind", "address", "verb", "thing", "thing_id", "change")
# Also after invisible characters; some spreadsheets read full-width signs as plain ones.
_FORMULA = re.compile(r"[\t\r\n]|[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*[=+\-@＝＋－＠]")
_FILTERS = ("text", "who", "since", "until")


@require_GET
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    filters = _filters(request)
    before = ids.number(form_data.text(request.GET, "before", limit=13))
    entries = _filtered_entries(request, filters)
    page = list((entries.filter(id__lt=before) if before else entries)[: PAGE + 1])
    last = page[PAGE - 1] if len(page) > PAGE else None
    context: dict[str, Any] = {
        "entries": page[:PAGE],
        "filters": filters,
        "query": urlencode(filters),
        "older": urlencode({**filters, "before": ids.text(last.pk)}) if last else "",
        "narrowed": bool(filters),
        "people": request.workspace.audit.order_by().values_list("who", flat=True).distinct(),
        "place": "workspace",
        "tab": "audit",
    }
    return render(request, "workspace/audit.html", context)


def _filters(request: WorkspaceRequest) -> dict[str, str]:
    values = {name: form_data.text(request.GET, name, limit=254).strip() for name in _FILTERS}
    return {name: value for name, value in values.items() if value and (name in {"text", "who"} or day(value))}


def _filtered_entries(request: WorkspaceRequest, filters: dict[str, str]) -> QuerySet[AuditEntry]:
    first_id, end_id = bounds(times.day_range(filters.get("since", ""), filters.get("until", "")))
    entries = AuditEntry.objects.filter(workspace=request.workspace, id__gte=first_id, id__lt=end_id)
    if "who" in filters:
        entries = entries.filter(who=filters["who"])
    for word in filters.get("text", "").split()[:10]:
        entries = entries.filter(
            Q(who__icontains=word)
            | Q(verb__icontains=word)
            | Q(thing__icontains=word)
            | Q(thing_id__icontains=word)
            | Q(change__icontains=word)
        )
    return entries.order_by("-id")


@require_GET
@member
def export(request: WorkspaceRequest, form: str) -> HttpResponse:
    """Download the filtered entries as `csv` or `json`, newest first."""
    rows = [record(entry) for entry in _filtered_entries(request, _filters(request))[:MAX_EXPORTED_ENTRIES]]
    if form == "json":
        response = HttpResponse(json.dumps(rows, ensure_ascii=False, indent=1), content_type="application/json")
    else:
        response = HttpResponse(_table(rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="relay-audit.{form}"'
    return response


def _table(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_FIELDS)
    writer.writerows([escape_formula(str(row[name])) for name in _FIELDS] for row in rows)
    return text.getvalue()


def escape_formula(text: str) -> str:
    """Return the text of a cell that no spreadsheet reads as a formula."""
    return f"'{text}" if _FORMULA.match(text) else text
