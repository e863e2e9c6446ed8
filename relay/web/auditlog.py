"""The audit log of a workspace: searched, narrowed by person and day, and exported."""

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
from relay.models.choosing import bounds, day
from relay.web import posted
from relay.web.access import WorkspaceRequest, member

PAGE = 100
MOST = 50_000  # entries of an export
_FIELDS = ("at", "who", "kind", "address", "verb", "thing", "thing_id", "change")
# Behind what can't be seen, too; some spreadsheets read full-width signs as the plain ones.
_FORMULA = re.compile(r"[\t\r\n]|[\s\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]*[=+\-@＝＋－＠]")
_FILTERS = ("text", "who", "since", "until")


@require_GET
@member
def show(request: WorkspaceRequest) -> HttpResponse:
    filters = _filters(request)
    before = ids.number(posted.text(request.GET, "before", limit=13))
    found = _found(request, filters)
    page = list((found.filter(id__lt=before) if before else found)[: PAGE + 1])
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
    given = {name: posted.text(request.GET, name, limit=254).strip() for name in _FILTERS}
    return {name: value for name, value in given.items() if value and (name in {"text", "who"} or day(value))}


def _found(request: WorkspaceRequest, filters: dict[str, str]) -> QuerySet[AuditEntry]:
    first, end = bounds(filters)
    found = AuditEntry.objects.filter(workspace=request.workspace, id__gte=first, id__lt=end)
    if "who" in filters:
        found = found.filter(who=filters["who"])
    for word in filters.get("text", "").split()[:10]:
        found = found.filter(
            Q(who__icontains=word)
            | Q(verb__icontains=word)
            | Q(thing__icontains=word)
            | Q(thing_id__icontains=word)
            | Q(change__icontains=word)
        )
    return found.order_by("-id")


@require_GET
@member
def export(request: WorkspaceRequest, form: str) -> HttpResponse:
    """What the filters choose, as a file: `csv` or `json`, the newest first."""
    rows = [record(entry) for entry in _found(request, _filters(request))[:MOST]]
    if form == "json":
        answer = HttpResponse(json.dumps(rows, ensure_ascii=False, indent=1), content_type="application/json")
    else:
        answer = HttpResponse(_table(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="relay-audit.{form}"'
    return answer


def _table(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_FIELDS)
    writer.writerows([harmless(str(row[name])) for name in _FIELDS] for row in rows)
    return text.getvalue()


def harmless(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text
