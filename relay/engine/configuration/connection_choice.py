"""Chooses a new connection in the step from which somebody went to add it."""

from __future__ import annotations

import copy

from relay.connectors import registry
from relay.engine.configuration import flow_lifecycle
from relay.errors import RelayError
from relay.flows import nesting
from relay.models import Connection, Flow, User


def choose(flow: Flow, step_id: str, connection: Connection, *, by: User) -> None:
    """Choose a connection in a step of the draft, if the step uses its connector."""
    document = copy.deepcopy(flow.draft)
    step = next((step for step in nesting.all_steps(document) if step.get("id") == step_id), None)
    known = registry.known((step or {}).get("action"))
    if step is None or known is None or known[0].key != connection.connector:
        return
    step["connection"] = connection.name
    try:
        flow_lifecycle.save_draft(flow, document, by=by)
    except RelayError:
        return  # Others save the draft at the same time: the connection can still be chosen by hand.
