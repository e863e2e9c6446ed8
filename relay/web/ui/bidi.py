"""Makes bidirectional control characters visible on pages, so that one name can't look like another."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

# Embeddings, overrides and isolates. The marks that Arabic and Hebrew text needs don't reorder other letters.
_CONTROLS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_CONTROL_BYTES = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
# Attribute values contain no raw `>`: Django escapes it.
_TAG = re.compile(r"(<[^>]*>)")
# These elements may contain text only, or a form posts their text back.
_TEXT_ONLY = re.compile(r"<(/?)(textarea|option|title|script|style)\b", re.IGNORECASE)


class DirectionsMiddleware:
    """Wraps each control character in a page's text in an element that limits its effect and shows its code point.

    The character stays, so that copied text is the original text.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html")
        if is_page and isinstance(response, HttpResponse) and _CONTROL_BYTES.search(response.content):
            response.content = mark_controls(response.content.decode()).encode()
        return response


def mark_controls(page: str) -> str:
    """Return the HTML with every control character in its text wrapped."""
    is_text_only = False
    parts = _TAG.split(page)
    for index, part in enumerate(parts):
        if index % 2:
            match = _TEXT_ONLY.match(part)
            is_text_only = not match[1] if match else is_text_only
        elif not is_text_only:
            parts[index] = _CONTROLS.sub(lambda control: _element(control[0]), part)
    return "".join(parts)


def _element(control: str) -> str:
    return f'<bdi class="turner" data-is="U+{ord(control):04X}">{control}</bdi>'
