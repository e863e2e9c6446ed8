"""Prepares the card and the form of the trigger for the editor, and a request to try it with."""

from __future__ import annotations

import json
import shlex
from typing import Any

from relay.connectors.examples.loader import list_examples
from relay.engine.intake.sample_events import SAMPLE_ORDER
from relay.models import Flow
from relay.web.editor import form_fields, form_parser, trigger_kinds, trigger_limits
from relay.web.editor.sender_choice import Sender
from relay.web.flows.data_source import DataSource


class TriggerForm:
    """The part of the editor's context about the trigger. A draft may hold anything, so each value is checked."""

    __slots__ = ()

    flow: Flow
    document: dict[str, Any]
    data: DataSource

    @property
    def trigger_kind(self) -> str:
        return trigger_kinds.kind_of(self.document["trigger"])

    @property
    def trigger_kinds(self) -> list[tuple[str, str, str]]:
        """Key, name and icon of each trigger type."""
        return [(kind, name, trigger_kinds.ICONS[kind]) for kind, name in trigger_kinds.NAMES.items()]

    @property
    def trigger_card(self) -> tuple[str, str, str]:
        """Icon, name and summary of the trigger's card."""
        kind = self.trigger_kind
        return trigger_kinds.ICONS[kind], trigger_kinds.NAMES[kind], trigger_kinds.summary(self.document["trigger"])

    @property
    def sends(self) -> str:
        """What “Send to the URL” sends."""
        return f"The event in Data: {self.data.title}." if self.data.event else "An order from a made-up shop."

    @property
    def examples(self) -> list[tuple[str, str]]:
        """The examples of the chosen sender: the value of a button, and what the event is."""
        preset = str(self.document["trigger"].get("preset") or "")
        return [(f"{preset}.{number}", example.name) for number, example in enumerate(list_examples(preset))]

    @property
    def curl(self) -> str:
        body = shlex.quote(json.dumps({key: SAMPLE_ORDER[key] for key in ("id", "total", "customer")}))
        return f"curl {shlex.quote(self.flow.trigger.known_url)} -H 'Content-Type: application/json' -d {body}"

    @property
    def moments(self) -> list[str]:
        """The next starts of a schedule."""
        return trigger_kinds.next_starts(self.document["trigger"])

    @property
    def input_rows(self) -> list[dict[str, Any]]:
        return trigger_kinds.input_rows(self.document["trigger"])

    @property
    def input_kinds(self) -> list[tuple[str, str]]:
        return list(trigger_kinds.INPUT_KINDS.items())

    @property
    def methods(self) -> list[tuple[str, bool]]:
        """Each method, and whether the trigger allows it."""
        chosen = self.document["trigger"].get("methods")
        chosen = chosen if isinstance(chosen, list) else form_parser.DEFAULT_METHODS
        return [(method, method in chosen) for method in form_parser.METHODS]

    @property
    def limits(self) -> trigger_limits.Limits:
        return trigger_limits.limits_of(self.document["trigger"])

    @property
    def sender(self) -> Sender:
        return Sender(self.flow, self.document["trigger"])

    @property
    def dedupe(self) -> dict[str, Any]:
        dedupe = self.document["trigger"].get("dedupe")
        return dedupe if isinstance(dedupe, dict) else {}

    @property
    def response(self) -> dict[str, Any]:
        response = self.document["trigger"].get("response")
        return response if isinstance(response, dict) else {}

    @property
    def response_headers(self) -> list[tuple[form_fields.FormField, form_fields.FormField]]:
        return form_fields.pair_rows("response.headers", self.response.get("headers"), "")
