"""Which flows name which connection, of a whole workspace in one query."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from relay.models import Flow, Workspace


def uses(workspace: Workspace) -> dict[str, list[Flow]]:
    """The flows by the name of each connection that their draft or live version names."""
    found: dict[str, list[Flow]] = defaultdict(list)
    for flow in workspace.flows.select_related("live_version").order_by("name"):
        documents = [flow.draft, flow.live_version.document if flow.live_version else {}]
        for name in {name for document in documents for name in _named(document)}:
            found[name].append(flow)
    return found


def _named(document: dict[str, Any]) -> set[str]:
    steps = document.get("steps")
    if not isinstance(steps, list):
        return set()
    names = (step.get("connection") for step in steps if isinstance(step, dict))
    return {name for name in names if isinstance(name, str)}
