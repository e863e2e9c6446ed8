"""Prepares the form that connects a trigger: the connection, and inputs with the choices that the service lists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from relay.connectors import input_coercion
from relay.connectors.definition import Field
from relay.engine.configuration.subscription_offers import Offer
from relay.engine.service_calls import option_source
from relay.engine.service_calls.option_source import Option, Options
from relay.errors import RelayError
from relay.models import Connection, Workspace
from relay.web.ui import form_data

MAX_VALUE_CHARACTERS = 2_000
MAX_SHOWN = 500
MAX_CONNECTIONS = 200


@dataclass(frozen=True, slots=True)
class InputRow:
    """One input. `options`: the choices to show, None if they aren't loaded. `error`: why they can't be loaded.

    `is_asked`: whether it is asked for, with the values that the others have.
    """

    field: Field
    value: str
    options: tuple[Option, ...] | None = None
    error: str = ""
    is_asked: bool = True

    @property
    def needs_prompt(self) -> bool:
        """Whether nothing is chosen until a person does."""
        return not (self.field.kind == "choice" and self.field.required and self.value)

    @property
    def has_source(self) -> bool:
        return bool(self.field.source)

    @property
    def is_listed(self) -> bool:
        """Whether the value is one of the choices, or there is none."""
        return not self.value or any(option.value == self.value for option in self.options or ())


@dataclass(frozen=True)
class SubscriptionForm:
    """The form for an offer, with what was posted. `loads`: ask the service for the choices."""

    workspace: Workspace
    offer: Offer
    data: QueryDict = field(default_factory=QueryDict)
    loads: bool = False

    @property
    def connections(self) -> list[Connection]:
        rows = self.workspace.connections.filter(connector=self.offer.connector.key).defer("sealed")
        return list(rows.order_by("name")[:MAX_CONNECTIONS])

    @property
    def chosen_id(self) -> int | None:
        """The id of the chosen connection; that of the only one before anything was posted."""
        text = form_data.text(self.data, "connection", limit=20)
        if text:
            return int(text) if text.isascii() and text.isdigit() else 0
        rows = self.connections
        return rows[0].pk if len(rows) == 1 else None

    @property
    def connection(self) -> Connection | None:
        """The chosen connection, if it is one of the workspace and of the sender's service."""
        rows = self.workspace.connections.filter(connector=self.offer.connector.key)
        return rows.filter(pk=self.chosen_id or 0).first()

    @property
    def inputs(self) -> dict[str, str]:
        values = {one.key: self._value(one) for one in self.offer.calls.inputs}
        return {key: value for key, value in values.items() if value}

    def _value(self, one: Field) -> str:
        name = f"in.{one.key}"
        if name in self.data:
            return form_data.text(self.data, name, limit=MAX_VALUE_CHARACTERS).strip()
        return ", ".join(one.default) if isinstance(one.default, list) else str(one.default or "")

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the chosen values, as far as the choices were loaded."""
        rows = self.rows(loads=False)
        return {
            row.field.key: option.label for row in rows for option in row.options or () if option.value == row.value
        }

    def rows(self, *, loads: bool | None = None) -> list[InputRow]:
        return list(self._rows(self.loads if loads is None else loads))

    def _rows(self, loads: bool) -> Iterator[InputRow]:
        connection, inputs = self.connection, self.inputs
        for one in self.offer.calls.inputs:
            options, error = self._options(one, connection, inputs, loads)
            shown = None if options is None else options.rows[:MAX_SHOWN]
            yield InputRow(one, inputs.get(one.key, ""), shown, error, input_coercion.applies(one, inputs) is not False)

    def _options(
        self, one: Field, connection: Connection | None, inputs: dict[str, Any], loads: bool
    ) -> tuple[Options | None, str]:
        if one.kind == "choice":
            return Options(tuple(Option(text, text) for text in one.options)), ""
        source = self.offer.connector.source(one.source) if one.source else None
        if source is None or connection is None:
            return None, ""
        if not loads:
            return option_source.cached_options(source, connection, inputs), ""
        try:
            found = option_source.find_options(
                self.offer.connector,
                source,
                self.offer.calls,
                connection,
                workspace_id=self.workspace.pk,
                inputs=inputs,
            )
        except RelayError as error:
            return None, str(error)
        return found, ""
