"""Flows that use files, and events that bring them."""

from __future__ import annotations

from typing import Any

from relay.engine.files import event_files
from relay.engine.files.event_files import StoredMeta
from relay.engine.files.file_store import FileWriter
from relay.engine.intake import event_store
from relay.engine.intake.event_store import Arrival, TriggerCache
from relay.engine.intake.stored_request import StoredRequest
from relay.models import Flow, Run, Workspace
from relay.models.flows import digest

FORM = "multipart/form-data; boundary=XX"


def request(url: str, body: Any, key: str = "send", **inputs: Any) -> dict[str, Any]:
    return {"id": key, "kind": "action", "action": "http.request", "inputs": {"url": url, "body": body, **inputs}}


def flow_of(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"relay": 1, "name": "F", "trigger": {"kind": "webhook"}, "steps": list(steps)}


def stored(workspace: Workspace, content: bytes, name: str = "big.bin") -> StoredMeta:
    writer = FileWriter(workspace.pk, name, "application/zip", most=1 << 30)
    writer.write(content)
    row = writer.finish()
    return StoredMeta(row.id, row.name, row.type, row.size, "scan")


def arrives(flow: Flow, body: bytes = b"{}", kind: str = FORM, files: tuple[StoredMeta, ...] = ()) -> Run:
    token = digest(flow.trigger.token)
    request = StoredRequest("POST", "", "{}", kind, body, "127.0.0.1")
    arrival = Arrival(token, request, 1_700_000_000_000_000, files=event_files.beside(files))
    (accepted,) = event_store.accept([arrival], TriggerCache())
    return Run.objects.get(event_id=accepted.event_id)
