"""Prepares the form and the preview of the open step for the editor, and the actions to choose from."""

from __future__ import annotations

from typing import Any

from relay.backoff import DEFAULT_DELAYS
from relay.connectors import registry
from relay.connectors.definition import Action, Connector
from relay.engine.preview.preview import StepPreview
from relay.models import Flow
from relay.models.json_layout import pretty
from relay.web.editor import form_fields, pasted_command
from relay.web.runs import narrative

_FIRST_CONNECTORS = ("inbox", "http")


class StepForm:
    """The part of the editor's context about the open step; `step` is None for another card."""

    __slots__ = ()

    flow: Flow
    step: dict[str, Any] | None
    preview: StepPreview | None

    @property
    def does(self) -> str:
        """What the step does: `Slack: Post a message`, `Filter`."""
        return narrative.does(self.step or {})

    @property
    def operators(self) -> list[tuple[str, str]]:
        return form_fields.operators()

    @property
    def connector(self) -> Connector | None:
        return self._known[0] if self._known else None

    @property
    def action(self) -> Action | None:
        return self._known[1] if self._known else None

    @property
    def _known(self) -> tuple[Connector, Action] | None:
        return registry.known((self.step or {}).get("action"))

    @property
    def takes_curl(self) -> bool:
        """Whether the step can be filled in from a cURL command."""
        return pasted_command.accepts(self.step)

    @property
    def lacks_connection(self) -> bool:
        """Whether the step needs a connection and none is chosen."""
        fields = self.connector.connection if self.connector else ()
        return any(field.required for field in fields) and not (self.step or {}).get("connection")

    @property
    def connections(self) -> list[str]:
        """The names of the workspace's connections for the step's connector."""
        connector = self.connector
        if connector is None:
            return []
        connections = self.flow.workspace.connections.filter(connector=connector.key)
        return list(connections.order_by("name").values_list("name", flat=True))

    @property
    def lost_connection(self) -> str:
        """The name of the step's connection, if the workspace doesn't have it."""
        name = (self.step or {}).get("connection")
        return name if isinstance(name, str) and name and name not in self.connections else ""

    @property
    def delays(self) -> str:
        retry = (self.step or {}).get("retry")
        return ", ".join(map(str, retry.get("delays") or ())) if isinstance(retry, dict) else ""

    @property
    def default_delays(self) -> str:
        return ", ".join(DEFAULT_DELAYS)

    @property
    def pretty_request(self) -> str:
        """The body of the previewed request, indented if it is JSON."""
        request = (self.preview.request if self.preview else None) or {}
        return pretty(str(request.get("body") or ""))

    @property
    def catalogue(self) -> list[tuple[Connector, bool]]:
        """The connectors that have actions, each with whether the workspace has a connection to it.

        The inbox and plain HTTP are first, then come those with a connection.
        """
        connected = set(self.flow.workspace.connections.values_list("connector", flat=True))
        rank = {key: index for index, key in enumerate(_FIRST_CONNECTORS)}
        able = [connector for connector in registry.list_connectors() if connector.actions]

        def place(connector: Connector) -> tuple[int, bool, str]:
            return rank.get(connector.key, len(rank)), connector.key not in connected, connector.label.lower()

        return [(connector, connector.key in connected) for connector in sorted(able, key=place)]
