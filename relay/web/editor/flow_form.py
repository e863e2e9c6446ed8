"""Prepares the form of the flow's own settings for the editor."""

from __future__ import annotations

from typing import Any

from relay.web.editor import form_fields


class FlowForm:
    """The part of the editor's context about the flow. A draft may hold anything, so each value is checked."""

    __slots__ = ()

    document: dict[str, Any]

    @property
    def settings(self) -> dict[str, Any]:
        settings = self.document.get("settings")
        return settings if isinstance(settings, dict) else {}

    @property
    def alerts(self) -> dict[str, Any]:
        alerts = self.settings.get("alerts")
        return alerts if isinstance(alerts, dict) else {}

    @property
    def constants(self) -> list[tuple[form_fields.FormField, form_fields.FormField]]:
        return form_fields.pair_rows("constants", self.document.get("constants"), "")
