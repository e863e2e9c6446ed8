"""Reads and checks a document in a helper process, and then compares it with its workspace."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
from django.conf import settings

from relay.engine.preview import render_client
from relay.errors import DocumentFaults, Fault, TemplateLimit
from relay.flows.checks.validation import missing_connections, self_redirect_faults
from relay.flows.document import Document
from relay.flows.loading import MAX_BYTES, too_long
from relay.flows.references import Reference, variable_faults
from relay.models import Flow


@dataclass(frozen=True, slots=True)
class CheckedDocument:
    """A valid document, and the places where its templates use variables."""

    document: dict[str, Any]
    uses: tuple[Reference, ...]


def check(workspace: int, data: bytes | str | dict[str, Any]) -> CheckedDocument:
    """Read a document from JSON or YAML text or from plain values; DocumentFaults has its faults with their paths.

    This happens in a process that can be stopped, within the workspace's share, because all templates of the document
    are compiled. Raises Busy when the workspace has too many documents checked at once.
    """
    try:
        answer = render_client.check(_text(data) if isinstance(data, bytes) else data, workspace=workspace)
    except TemplateLimit as error:
        raise DocumentFaults([Fault("", f"it can't be checked: {error}")]) from None
    faults = [Fault(*values) for values in answer["faults"]]
    if faults:
        raise DocumentFaults(faults)
    document = msgspec.json.decode(answer["document"])
    faults = self_redirect_faults(msgspec.convert(document, Document), settings.OWN_HOSTS)
    if faults:
        raise DocumentFaults(faults)
    return CheckedDocument(document, tuple(Reference(*values) for values in answer["uses"]))


def _text(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise too_long(len(data))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DocumentFaults([Fault("", "the document is not UTF-8 text")]) from None


def missing_faults(flow: Flow, checked: CheckedDocument) -> list[Fault]:
    """The faults of a valid document in its flow's workspace, such as missing connections and variables."""
    connections = dict(flow.workspace.connections.values_list("name", "connector"))
    variables = {variable.name: variable.is_secret for variable in flow.workspace.variables.all()}
    document = msgspec.convert(checked.document, Document)
    missing = missing_connections(document, connections)
    return [*_too_large(document), *missing, *variable_faults(checked.uses, variables)]


def _too_large(document: Document) -> list[Fault]:
    """A trigger's body limit may be below the installation's limit, not above."""
    if document.trigger.max_bytes <= settings.MAX_BYTES:
        return []
    return [
        Fault("trigger.max_bytes", f"is at most {settings.MAX_BYTES}, the largest body that this installation accepts")
    ]
