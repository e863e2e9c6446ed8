"""Puts choices that were picked without scripts into the fields of a posted form."""

from __future__ import annotations

from django.http import QueryDict

from relay.web.ui import form_data

PICK, ADD = "pick.", "add."  # before a field's name: the choice replaces its value, or is added as a line
MAX_PICKS = 100


def with_picks(data: QueryDict) -> QueryDict:
    """Return the form with each picked choice in its field. Scripts have emptied the picks before they post."""
    picked = [name for name in data if name.startswith((PICK, ADD)) and data.get(name)][:MAX_PICKS]
    if not picked:
        return data
    data = data.copy()
    for name in picked:
        value = form_data.text(data, name)
        _, _, field = name.partition(".")
        lines = form_data.text(data, field).splitlines() if name.startswith(ADD) else []
        data[field] = "\n".join(line for line in dict.fromkeys([*lines, value]) if line.strip())
    return data
