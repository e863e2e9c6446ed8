"""Gives the steps of a copied piece of a flow ids of their own, and lets their templates follow."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from relay import templating
from relay.flows import nesting
from relay.web.editor import draft_edits

JSON = dict[str, Any]
_KEPT = frozenset({"id", "kind", "action", "connection"})  # keys whose texts are no templates


def rename(document: JSON, piece: Sequence[JSON]) -> dict[str, str]:
    """Give the steps of a piece ids that `document` doesn't have, in place; return the new id of each renamed step.

    Templates of the piece that use the outputs of its own steps use them under the new ids.
    """
    step_ids = draft_edits.StepIds(document)
    renamed: dict[str, str] = {}
    for step, _ in nesting.every(list(piece)):
        former, step["id"] = step["id"], step_ids.unused(step["id"])
        if step["id"] != former:
            renamed.setdefault(former, step["id"])
    if renamed:
        pattern = _uses(renamed)
        for step in piece:
            _follow(step, pattern, renamed)
    return renamed


def _uses(renamed: Mapping[str, str]) -> re.Pattern[str]:
    """Match the ids where templates read the outputs of these steps: `steps.tell` and `steps['tell']`."""
    names = "|".join(re.escape(name) for name in sorted(renamed, key=len, reverse=True))
    return re.compile(rf"""(?<![\w.])(steps\s*(?:\.\s*|\[\s*["']))({names})(?!\w)""")


def _follow(value: Any, pattern: re.Pattern[str], renamed: Mapping[str, str]) -> None:
    """Change the ids in all templates of a value, in place."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in list(parts):
        if not isinstance(part, str):
            _follow(part, pattern, renamed)
        elif key not in _KEPT and templating.has_template(part):
            value[key] = pattern.sub(lambda match: match[1] + renamed[match[2]], part)
