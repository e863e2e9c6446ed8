"""Edits the event types that a trigger accepts, stored as its `only` condition."""

from __future__ import annotations

import re
from typing import Any

from django.http import QueryDict

from relay.connectors.definition import Preset
from relay.web.ui import form_data

MAX_TEXT_CHARACTERS = 2_000


def types_text(trigger: dict[str, Any], preset: Preset) -> str | None:
    """Return the types as the form shows them, or None if the trigger has another kind of condition."""
    only = trigger.get("only")
    if only is None:
        return ""
    if not _is_type_list(only, preset):
        return None
    return ", ".join(only["right"])


def _is_type_list(only: Any, preset: Preset) -> bool:
    if not isinstance(only, dict) or only.keys() != {"left", "op", "right"}:
        return False
    types = only["right"]
    same = (only["left"], only["op"]) == (preset.event, "in")
    return same and isinstance(types, list) and all(isinstance(name, str) and _is_type_name(name) for name in types)


def _is_type_name(text: str) -> bool:
    return bool(text) and not re.search(r"[\s,{}]", text)


def apply(trigger: dict[str, Any], data: QueryDict, preset: Preset) -> None:
    """Put the posted types into a trigger. Another kind of condition stays as it is."""
    if "event.types" not in data or types_text(trigger, preset) is None:
        return
    types = [
        name
        for name in re.split(r"[\s,]+", form_data.text(data, "event.types", limit=MAX_TEXT_CHARACTERS))
        if _is_type_name(name)
    ]
    if types:
        trigger["only"] = {"left": preset.event, "op": "in", "right": list(dict.fromkeys(types))}
    else:
        trigger.pop("only", None)


def remove(trigger: dict[str, Any], preset: Preset) -> None:
    """Remove the types of a sender that is no longer chosen."""
    if types_text(trigger, preset):
        del trigger["only"]
