"""Names events that have no title yet by the first values in them, so that people recognise them in lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from relay.engine.intake import body_excerpts

MAX_VALUES = 3
MAX_CHARACTERS = 60  # of one value
_JSON_VALUE = re.compile(rb'"([^"\\]{1,40})"\s*:\s*(?:"((?:[^"\\]|\\[^u]){1,200})"|(-?\d[\d.]{0,20}))')


def of_events(event_ids: Iterable[int]) -> dict[int, str]:
    """Return `id: 1001 · total: 149.90` for each event whose body begins with such values."""
    starts = body_excerpts.starts(event_ids)
    found = {event_id: _words(start, content_type) for event_id, (start, content_type) in starts.items()}
    return {event_id: words for event_id, words in found.items() if words}


def _words(start: bytes, content_type: str) -> str:
    if "form-urlencoded" in content_type.lower():
        pairs = parse_qsl(start.decode("utf-8", "replace"))[:MAX_VALUES]
    else:
        matches = [match.groups() for match in _JSON_VALUE.finditer(start)][:MAX_VALUES]
        pairs = [(_text(key), _text(text or number)) for key, text, number in matches]
    return " · ".join(f"{key[:40]}: {value[:MAX_CHARACTERS]}" for key, value in pairs)


def _text(raw: bytes) -> str:
    text = raw.decode("utf-8", "replace").replace('\\"', '"').replace("\\/", "/")
    return "".join(letter for letter in text if letter.isprintable())
