"""Answers one dry run, in the forked process."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from relay.bodies import numerals
from relay.connectors import registry
from relay.engine.dry_run import dry_run_context
from relay.engine.dry_run.dry_walk import dry_run
from relay.engine.preview import render_task
from relay.errors import DocumentFaults, RelayError
from relay.flows.checks.validation import parse_document

registry.list_connectors()


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Answer `{"document", "event", "context", "own_hosts"}` with `{"result"}`, `{"faults"}` or `{"error"}`.

    The answer to {} is {}. The process ends after its answer.
    """
    if not question:
        return {}
    settings.OWN_HOSTS = question["own_hosts"]
    try:
        document = parse_document(numerals.plain(question["document"]))
        return {
            "result": dry_run(
                document, render_task.unpack_event(question["event"]), dry_run_context.unpack(question["context"])
            )
        }
    except DocumentFaults as error:
        return {"faults": [[fault.path, fault.message] for fault in error.faults]}
    except RelayError as error:
        return {"error": str(error)}
