"""What the process of dry runs answers."""

from __future__ import annotations

from typing import Any

from relay.connectors import registry
from relay.engine import ground, trial
from relay.engine.drywalk import dry_run
from relay.errors import DocumentFaults, RelayError
from relay.flows.validation import parse_document

registry.all()


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to `{"document", "event", "ground"}`: `{"result"}`, `{"faults"}` or `{"error"}`; {} to nothing."""
    if not asked:
        return {}
    try:
        document = parse_document(asked["document"])
        return {"result": dry_run(document, trial.arrived(asked["event"]), ground.unpacked(asked["ground"]))}
    except DocumentFaults as error:
        return {"faults": [[fault.path, fault.message] for fault in error.faults]}
    except RelayError as error:
        return {"error": str(error)}
