"""Prepares the choices of the open step's fields, which the connected service lists, such as its boards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from relay.connectors import registry
from relay.connectors.definition import Action, Connector, Field, OptionSource
from relay.engine.service_calls import option_source
from relay.engine.service_calls.option_source import Option, Options
from relay.errors import RelayError
from relay.models import Connection, Workspace
from relay.web.editor import choice_picks
from relay.web.editor.form_fields import FormField
from relay.web.ui import form_rows

MAX_SHOWN = option_source.MAX_SHOWN
MAX_SEARCH_CHARACTERS = option_source.MAX_SEARCH_CHARACTERS


@dataclass(frozen=True, slots=True)
class FieldChoices:
    """The choices of one field. `field`: as the form posts it; `options`: None before they are loaded.

    `options` has at most MAX_SHOWN choices; `more`: whether there are others. `chosen`: the labels of the field's
    present values. `parents`: the ids of the fields on which the choices depend.
    """

    field: FormField
    label: str
    options: tuple[Option, ...] | None = None
    more: bool = False
    searches: bool = False
    search: str = ""
    error: str = ""
    chosen: str = ""
    parents: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"choices-{self.field.id}"

    @property
    def adds(self) -> bool:
        """Whether a choice is added to those that the field has already."""
        return self.field.kind == "list"

    @property
    def pick(self) -> str:
        """The name under which a picked choice is posted."""
        return (choice_picks.ADD if self.adds else choice_picks.PICK) + self.field.name

    @property
    def can_search(self) -> bool:
        return self.options is not None and (self.searches or self.more or bool(self.search))

    @property
    def trigger(self) -> str:
        """When scripts load the choices again: if the connection or a field changes on which they depend.

        Choices that were never asked for are not loaded.
        """
        is_loaded = self.options is not None or bool(self.error)
        changes = [f"change from:#{name}" for name in ("f-connection", *self.parents)] if is_loaded else []
        return ", ".join(["choices", *changes])

    @property
    def as_json(self) -> dict[str, Any]:
        rows = [{"value": option.value, "label": option.label} for option in self.options or ()]
        return {"choices": rows, "more": self.more, "error": self.error}


@dataclass(frozen=True, slots=True)
class StepChoices:
    """The fields of an action step that have choices."""

    workspace: Workspace
    step: dict[str, Any]
    connector: Connector
    action: Action

    @property
    def fields(self) -> Iterable[tuple[Field, OptionSource]]:
        for field in self.action.inputs:
            source = self.connector.source(field.source) if field.source else None
            if source is not None:
                yield field, source

    @property
    def inputs(self) -> dict[str, Any]:
        inputs = self.step.get("inputs")
        return inputs if isinstance(inputs, dict) else {}

    @property
    def connection(self) -> Connection | None:
        """The step's connection, if the workspace has it and it is one of the connector."""
        name = self.step.get("connection")
        if not isinstance(name, str) or not name:
            return None
        return self.workspace.connections.filter(name=name, connector=self.connector.key).first()

    def offered(self) -> dict[str, FieldChoices]:
        """The choices of all fields by their posted name: those in the cache, without a request."""
        fields = list(self.fields)
        connection = self.connection if fields else None
        return {
            f"in.{field.key}": self._shown(
                field, source, option_source.cached_options(source, connection, self.inputs), search=""
            )
            for field, source in fields
        }

    def fetch(self, name: str, *, search: str = "", is_fresh: bool = False) -> FieldChoices | None:
        """The choices of the field with this posted name, from the service; None if it has none."""
        found = next((pair for pair in self.fields if f"in.{pair[0].key}" == name), None)
        if found is None:
            return None
        field, source = found
        try:
            options = option_source.find_options(
                self.connector,
                source,
                self.action,
                self._required_connection(),
                workspace_id=self.workspace.pk,
                inputs=self.inputs,
                search=search,
                is_fresh=is_fresh,
            )
        except RelayError as error:
            return replace(self._shown(field, source, None, search=search), error=str(error))
        return self._shown(field, source, options, search=search)

    def _required_connection(self) -> Connection | None:
        connection = self.connection
        if connection is None and self.connector.connection:
            raise RelayError("Choose a connection first: it is the account whose choices are listed")
        return connection

    def _shown(self, field: Field, source: OptionSource, options: Options | None, *, search: str) -> FieldChoices:
        value = self.inputs.get(field.key)
        shown = FieldChoices(
            FormField(name=f"in.{field.key}", path=field.key, value="", kind=field.kind),
            field.label,
            searches=source.searches,
            search=search,
            parents=tuple(FormField(name=f"in.{key}", path=key, value="").id for key in source.needs),
        )
        if options is None:
            return shown
        more = len(options.rows) > MAX_SHOWN or not options.is_complete
        return replace(shown, options=options.rows[:MAX_SHOWN], more=more, chosen=_labels(value, options))


def of_step(workspace: Workspace, step: dict[str, Any] | None) -> StepChoices | None:
    """The choices of a step; None if it isn't an action that Relay knows."""
    known = registry.known((step or {}).get("action"))
    return None if step is None or known is None else StepChoices(workspace, step, *known)


def _labels(value: Any, options: Options) -> str:
    """The labels of a field's present values, as far as they are among the choices."""
    values = {form_rows.value_text(item) for item in (value if isinstance(value, list) else [value])} - {""}
    return ", ".join(option.label for option in options.rows if option.value in values) if values else ""
