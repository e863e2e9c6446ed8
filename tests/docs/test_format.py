"""Every key of a flow document is on the page of the format, with its default."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from relay.conditions import OPERATORS
from relay.flows import document as doc
from relay.flows import step_types
from relay.flows.forms import Input
from tests.docs.format import FORMAT, OF_EVERY_STEP, Struct, own_fields
from tests.docs.reading import first_table, named, section


@pytest.mark.parametrize("heading", FORMAT)
def test_every_key_of_the_format_is_documented(heading: str) -> None:
    documented = named(section("flow-format", heading))

    assert set(documented) == set(own_fields(FORMAT[heading]))


@pytest.mark.parametrize("heading", FORMAT)
def test_defaults_are_those_of_the_code(heading: str) -> None:
    fields = own_fields(FORMAT[heading])

    documented = {row[0].strip("`"): row[2] for row in first_table(section("flow-format", heading))}

    assert documented == {name: shown_default(one) for name, one in fields.items()}


def shown_default(field: Any) -> str:
    """A default as a table shows it."""
    if field.required:
        return "required"
    default = field.default if field.default is not msgspec.NODEFAULT else field.default_factory()
    if default is None:
        return "none"
    if isinstance(default, msgspec.Struct):
        return "see below"
    return f"`{json.dumps(list(default) if isinstance(default, tuple) else default)}`"


def test_keys_of_every_step_are_documented() -> None:
    assert set(named(section("flow-format", "Step keys"))) == OF_EVERY_STEP | {"kind"}


def test_operators_are_documented() -> None:
    assert named(section("flow-format", "Conditions")) == list(OPERATORS)


def test_format_covers_every_struct() -> None:
    """A part that is added to the document needs a table of its own."""
    assert set(parts(doc.Document)) <= {*FORMAT.values()}


def parts(struct: Struct) -> Iterator[Struct]:
    yield struct
    known = {step_types._Step, step_types.Part}
    everything = [*vars(step_types).values(), *vars(doc).values(), Input]
    yield from (
        one for one in everything if isinstance(one, type) and issubclass(one, step_types.Part) and one not in known
    )
