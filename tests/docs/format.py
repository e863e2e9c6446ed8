"""The structs of the flow document, each with the heading that its keys stand under."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.flows import document as doc
from relay.flows import step_types
from relay.flows.forms import Input

Struct = type[msgspec.Struct]
FORMAT: dict[str, Struct] = {
    "Document keys": doc.Document,
    "Trigger keys": doc.TriggerSettings,
    "Verify keys": doc.Verify,
    "Dedupe keys": doc.Dedupe,
    "Response keys": doc.Response,
    "Input keys": Input,
    "Filter keys": step_types.Filter,
    "Set keys": step_types.Set,
    "Action keys": step_types.Action,
    "Retry keys": step_types.Retry,
    "Branch keys": step_types.Branch,
    "Path keys": step_types.Arm,
    "Loop keys": step_types.Loop,
    "Delay keys": step_types.Delay,
    "Digest keys": step_types.Digest,
    "Changed keys": step_types.Changed,
    "Once keys": step_types.Once,
    "Respond keys": step_types.Respond,
    "Settings keys": doc.Settings,
    "Alert keys": doc.Alerts,
}
STEP_KINDS: dict[str, Struct] = {str(kind.__struct_config__.tag): kind for kind in step_types.Step.__args__}
OF_EVERY_STEP = {"id", "name", "note", "disabled"}


def own_fields(struct: Struct) -> dict[str, Any]:
    """The fields of a struct by their keys, of a step without those that every step has."""
    shared = OF_EVERY_STEP if struct in STEP_KINDS.values() else set()
    return {one.encode_name: one for one in msgspec.structs.fields(struct) if one.name not in shared}
