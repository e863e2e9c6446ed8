"""What earlier steps give to a later one, as far as it is known: set values for the last event, last answers."""

from __future__ import annotations

from typing import Any

from relay.connectors import verdicts
from relay.engine import preview
from relay.models import Event, Flow


def known(flow: Flow, document: dict[str, Any], step_id: str, event: Event | None) -> dict[str, Any]:
    """Outputs by step id, of the steps before `step_id`."""
    answers = _answers(flow)
    found: dict[str, Any] = {}
    for step in document["steps"]:
        if step["id"] == step_id:
            break
        if step.get("kind") == "set":
            fields = preview.preview(flow, document, step["id"], event).fields
            found[step["id"]] = {path: field.text for path, field in fields.items() if not field.error}
        elif step["id"] in answers:
            found[step["id"]] = answers[step["id"]]
    return found


def _answers(flow: Flow) -> dict[str, dict[str, Any]]:
    run = flow.runs.order_by("-id").first()
    attempts = run.attempts.order_by("id") if run else ()
    return {attempt.step: verdicts.outputs_of_record(attempt.answer) for attempt in attempts if attempt.answer}
