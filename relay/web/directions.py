"""Letters that turn the direction of text, told on pages as what they are, so that no name passes for another."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

# Embeddings, overrides and isolates; those that are right for text in Arabic or Hebrew say nothing across letters.
_LETTERS = re.compile("[\u202a-\u202e\u2066-\u2069]")
_BYTES = re.compile(rb"\xe2(?:\x80[\xaa-\xae]|\x81[\xa6-\xa9])")
# In values no `>` stands as it is: what Django writes is escaped.
_TAG = re.compile(r"(<[^>]*>)")
# Text alone is allowed in these, or it is what a form sends back.
_TEXT_ALONE = re.compile(r"<(/?)(textarea|option|title|script|style)\b", re.IGNORECASE)


class DirectionsMiddleware:
    """Wraps each such letter of a page's text in an element that it has no power beyond, and that shows its name.

    The letter stays, so that what is copied is what came.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        is_page = isinstance(response, HttpResponse) and response.get("Content-Type", "").startswith("text/html")
        if is_page and isinstance(response, HttpResponse) and _BYTES.search(response.content):
            response.content = told(response.content.decode()).encode()
        return response


def told(page: str) -> str:
    """HTML in which such letters of its text are told."""
    is_text_alone = False
    parts = _TAG.split(page)
    for place, part in enumerate(parts):
        if place % 2:
            found = _TEXT_ALONE.match(part)
            is_text_alone = not found[1] if found else is_text_alone
        elif not is_text_alone:
            parts[place] = _LETTERS.sub(lambda letter: _element(letter[0]), part)
    return "".join(parts)


def _element(letter: str) -> str:
    return f'<bdi class="turner" data-is="U+{ord(letter):04X}">{letter}</bdi>'
