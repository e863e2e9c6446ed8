"""The types of event that a trigger takes of a sender that tells them: its own condition, as one list."""

from __future__ import annotations

import re
from typing import Any

from django.http import QueryDict

from relay.connectors.definition import Preset
from relay.web import posted

MOST = 2_000  # characters


def shown(trigger: dict[str, Any], preset: Preset) -> str | None:
    """The types, as they are written in the form; None where the trigger has another condition."""
    only = trigger.get("only")
    if only is None:
        return ""
    if not _is_list(only, preset):
        return None
    return ", ".join(only["right"])


def _is_list(only: Any, preset: Preset) -> bool:
    if not isinstance(only, dict) or only.keys() != {"left", "op", "right"}:
        return False
    types = only["right"]
    same = (only["left"], only["op"]) == (preset.event, "in")
    return same and isinstance(types, list) and all(isinstance(one, str) and _plain(one) for one in types)


def _plain(text: str) -> bool:
    return bool(text) and not re.search(r"[\s,{}]", text)


def apply(trigger: dict[str, Any], data: QueryDict, preset: Preset) -> None:
    """Put the posted types into a trigger; a condition of another kind stays as it is."""
    if "event.types" not in data or shown(trigger, preset) is None:
        return
    types = [one for one in re.split(r"[\s,]+", posted.text(data, "event.types", limit=MOST)) if _plain(one)]
    if types:
        trigger["only"] = {"left": preset.event, "op": "in", "right": list(dict.fromkeys(types))}
    else:
        trigger.pop("only", None)


def drop(trigger: dict[str, Any], preset: Preset) -> None:
    """Take the types of a sender out that is chosen no more."""
    if shown(trigger, preset):
        del trigger["only"]
