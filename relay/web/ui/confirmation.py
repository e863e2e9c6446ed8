"""Asks before something is done that can't be undone."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from relay.web.ui import form_data

_KEPT = ("do", "back", "flow", "until")  # the fields that the question posts again


def ask(request: HttpRequest, question: str, *, means: str, button: str, back: str) -> HttpResponse | None:
    """Return a page that asks the question, or None if its button was pressed. `back`: where *Cancel* leads to."""
    if "sure" in request.POST:
        return None
    kept = [(name, form_data.text(request.POST, name, limit=500)) for name in _KEPT if name in request.POST]
    context = {"question": question, "means": means, "button": button, "cancel": back, "kept": kept}
    return render(request, "parts/confirm.html", context)
