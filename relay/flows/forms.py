"""Checks the form with which people start a flow by hand, and the values they fill in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from relay.connectors.definition import Field
from relay.connectors.input_coercion import coerce
from relay.errors import DocumentFaults, Fault, RequestRefused
from relay.flows.step_types import Part

MAX_INPUTS = 50
MAX_CHARACTERS = 100_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Input(Part, kw_only=True, frozen=True):
    """A field of the form: `event.body.<name>` in templates. `options`: those of a choice."""

    name: str
    label: str = ""
    kind: Literal["string", "text", "number", "boolean", "choice", "url"] = "string"
    required: bool = False
    options: tuple[str, ...] = ()
    default: str | int | float | bool | None = None
    help: str = ""

    @property
    def shown(self) -> str:
        return self.label or self.name.replace("_", " ").capitalize()

    @property
    def field(self) -> Field:
        return Field(self.name, self.shown, kind=self.kind, options=self.options, max_length=MAX_CHARACTERS)


def fill_in(inputs: tuple[Input, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form, converted to the kinds of its fields. Raises DocumentFaults with every wrong field."""
    wrong = [
        Fault(name, "is not a field of this form") for name in given if name not in {input_.name for input_ in inputs}
    ]
    values: dict[str, Any] = {}
    for input_ in inputs:
        value = given.get(input_.name)
        if value is None or value == "":
            value = input_.default
        if value is None or value == "":
            if input_.required:
                wrong.append(Fault(input_.name, f"{input_.shown} is needed"))
            values[input_.name] = None
            continue
        try:
            values[input_.name] = coerce(input_.field, value)
        except RequestRefused as error:
            wrong.append(Fault(input_.name, str(error)))
    if wrong:
        raise DocumentFaults(wrong)
    return values


def faults(inputs: tuple[Input, ...]) -> Iterator[Fault]:
    """Yields the faults of the form's definition."""
    if len(inputs) > MAX_INPUTS:
        yield Fault("trigger.inputs", f"there may be {MAX_INPUTS} fields")
    seen: set[str] = set()
    for index, input_ in enumerate(inputs[:MAX_INPUTS]):
        path = f"trigger.inputs[{index}]"
        if not _NAME.fullmatch(input_.name):
            yield Fault(f"{path}.name", "is a name of letters, digits and _, up to 64, beginning with a letter")
        elif input_.name in seen:
            yield Fault(f"{path}.name", f"{input_.name} appears twice")
        seen.add(input_.name)
        if (input_.kind == "choice") != bool(input_.options):
            yield Fault(f"{path}.options", "a choice has options, and nothing else has")
        yield from _default_faults(input_, path)


def _default_faults(input_: Input, path: str) -> Iterator[Fault]:
    if input_.default is not None and (input_.kind != "choice" or input_.options):
        try:
            coerce(input_.field, input_.default)
        except RequestRefused as error:
            yield Fault(f"{path}.default", str(error))
