"""Forms: what a person fills in when starting a flow by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from relay.connectors.definition import Field
from relay.connectors.fitting import fit
from relay.errors import DocumentFaults, Fault, RequestRefused
from relay.flows.kinds import Part

MOST_INPUTS = 50
MOST_CHARACTERS = 100_000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


class Input(Part, kw_only=True, frozen=True):
    """One field of the form: `event.body.<name>` in templates. `options`: of a choice."""

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
        return Field(self.name, self.shown, kind=self.kind, options=self.options, max_length=MOST_CHARACTERS)


def filled(inputs: tuple[Input, ...], given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a form, each as its kind has it; DocumentFaults names every field that is wrong."""
    wrong = [Fault(name, "is no field of this form") for name in given if name not in {one.name for one in inputs}]
    values: dict[str, Any] = {}
    for one in inputs:
        value = given.get(one.name)
        if value is None or value == "":
            value = one.default
        if value is None or value == "":
            if one.required:
                wrong.append(Fault(one.name, f"{one.shown} is needed"))
            values[one.name] = None
            continue
        try:
            values[one.name] = fit(one.field, value)
        except RequestRefused as error:
            wrong.append(Fault(one.name, str(error)))
    if wrong:
        raise DocumentFaults(wrong)
    return values


def faults(inputs: tuple[Input, ...]) -> Iterator[Fault]:
    """What is wrong with a form itself."""
    if len(inputs) > MOST_INPUTS:
        yield Fault("trigger.inputs", f"there may be {MOST_INPUTS} fields")
    seen: set[str] = set()
    for place, one in enumerate(inputs[:MOST_INPUTS]):
        path = f"trigger.inputs[{place}]"
        if not _NAME.fullmatch(one.name):
            yield Fault(f"{path}.name", "is a name of letters, digits and _, up to 64, beginning with a letter")
        elif one.name in seen:
            yield Fault(f"{path}.name", f"{one.name} stands twice")
        seen.add(one.name)
        if (one.kind == "choice") != bool(one.options):
            yield Fault(f"{path}.options", "a choice has options, and nothing else has")
        yield from _default(one, path)


def _default(one: Input, path: str) -> Iterator[Fault]:
    if one.default is not None and (one.kind != "choice" or one.options):
        try:
            fit(one.field, one.default)
        except RequestRefused as error:
            yield Fault(f"{path}.default", str(error))
