"""Checks the actions of a document: connections, inputs, delays and time-outs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from relay import backoff, templating
from relay.connectors import registry, value_kinds
from relay.connectors.chains import MAX_KEY
from relay.connectors.definition import Action, Connector, Field
from relay.connectors.input_coercion import applies, coerce, excluded, is_blank, is_blank_row
from relay.errors import Fault, RelayError, RequestRefused
from relay.flows import step_types
from relay.flows.checks.names import Scope, condition_faults, template_faults
from relay.flows.checks.requests import request_faults
from relay.flows.structure_checks import join
from relay.outbound import check_url

# In the database, the key of a delivery has up to 64 characters: the id of its step, the indexes of its elements in
# loops, and the key of a call.
MAX_ID = 64
MAX_ID_IN_LOOP = 44
MAX_DELAYS = 20
MAX_TIMEOUT_SECONDS = 60.0
_UNKNOWN: Any = object()


def action_faults(step: step_types.Action, path: str, scope: Scope) -> Iterator[Fault]:
    yield from template_faults(step.inputs, join(path, "inputs"), scope)
    yield from _times(step, path)
    if step.error_steps and step.on_error != "branch":
        yield Fault(join(path, "error_steps"), "needs on_error: branch")
    if step.success is not None:
        yield from condition_faults(step.success, join(path, "success"), scope.with_names("answer"))
    try:
        connector, action = registry.find(step.action)
    except RelayError as error:
        yield Fault(join(path, "action"), str(error))
        return
    if action.before and len(step.id) > (longest := (MAX_ID_IN_LOOP if scope.loops else MAX_ID) - MAX_KEY - 1):
        yield Fault(join(path, "id"), f"may have {longest} characters, as the action makes several calls")
    yield from _connection(step, connector, action, path)
    yield from _inputs(step, action, join(path, "inputs"))


def _times(step: step_types.Action, path: str) -> Iterator[Fault]:
    if len(step.retry.delays) > MAX_DELAYS:
        yield Fault(join(path, "retry.delays"), f"there may be {MAX_DELAYS} delays")
    for index, delay in enumerate(step.retry.delays):
        try:
            backoff.seconds(delay)
        except ValueError as error:
            yield Fault(join(path, f"retry.delays[{index}]"), str(error))
    if step.timeout is None:
        return
    try:
        if not 0 < backoff.seconds(step.timeout) <= MAX_TIMEOUT_SECONDS:
            yield Fault(join(path, "timeout"), f"is at most {MAX_TIMEOUT_SECONDS:g}s")
    except ValueError as error:
        yield Fault(join(path, "timeout"), str(error))


def _connection(step: step_types.Action, connector: Connector, action: Action, path: str) -> Iterator[Fault]:
    if connector.needs_connection and not step.connection:
        yield Fault(join(path, "connection"), f"{connector.label} needs a connection")
    elif step.connection and not connector.has_connection:
        yield Fault(join(path, "connection"), f"{connector.label} takes no connection")
    elif not step.connection and action.sign_input and step.inputs.get(action.sign_input):
        yield Fault(join(path, "connection"), "signing needs a connection that holds the signing secret")


def _inputs(step: step_types.Action, action: Action, path: str) -> Iterator[Fault]:
    yield from _unknown_names(action.inputs, step.inputs, path, "input")
    yield from _excluded(action.inputs, step.inputs, path)
    for field, value in _asked(action.inputs, step.inputs):
        place = join(path, field.key)
        if not _is_template(value):
            faults = list(request_faults(action, field.key, value, place)) if not is_blank(field, value) else []
            yield from faults or _value_faults(field, value, place)


def _fields(fields: tuple[Field, ...], values: Mapping[str, Any], path: str, label: str) -> Iterator[Fault]:
    """Yields the faults of the parts of an object or of a row; `label`: what they are part of."""
    yield from _unknown_names(fields, values, path, "field")
    yield from _excluded(fields, values, path)
    for field, value in _asked(fields, values):
        for fault in () if _is_template(value) else _value_faults(field, value, join(path, field.key)):
            yield Fault(fault.path, f"{label}: {fault.message}")


def _excluded(fields: tuple[Field, ...], values: Mapping[str, Any], path: str) -> Iterator[Fault]:
    """Yields the fields that are given as constants together with one that they exclude."""
    given = {one.key for one in fields if not is_blank(one, values.get(one.key))}
    constant = {key for key in given if not _is_template(values[key])}
    for field in fields:
        if {field.key, field.excludes} <= constant:
            yield Fault(join(path, field.key), excluded(fields, field))


def _unknown_names(fields: tuple[Field, ...], values: Mapping[str, Any], path: str, noun: str) -> Iterator[Fault]:
    known = [field.key for field in fields]
    for name in values:
        if name not in known:
            yield Fault(join(path, name), f"unknown {noun}; there are {', '.join(known)}")


def _asked(fields: tuple[Field, ...], values: Mapping[str, Any]) -> Iterator[tuple[Field, Any]]:
    """Yields the fields that are asked for beside the constants of their level, with their values."""
    constants: dict[str, Any] = {}
    for field in fields:
        is_asked = applies(field, constants, is_unknown=lambda value: value is _UNKNOWN)
        if is_asked is False:
            continue
        value = values.get(field.key)
        constants[field.key] = _constant(field, value)
        if is_asked or not is_blank(field, value):
            yield field, value


def _constant(field: Field, value: Any) -> Any:
    """The converted value of a field without templates; _UNKNOWN for others."""
    value = field.default if is_blank(field, value) else value
    if is_blank(field, value):
        return None
    try:
        return _UNKNOWN if _is_template(value) else coerce(field, value)
    except RequestRefused:
        return _UNKNOWN


def _value_faults(field: Field, value: Any, path: str) -> Iterator[Fault]:
    """Yields the faults of a value that is no template; there may be templates inside an object or a list."""
    if is_blank(field, value):
        if field.required:
            yield Fault(path, f"{field.label} is needed")
    elif field.kind == "object" and isinstance(value, dict):
        yield from _fields(field.fields, value, path, field.label)
    elif field.kind == "rows" and isinstance(value, list):
        yield from _row_faults(field, value, path)
    else:
        yield from _constant_faults(field, value, path)


def _row_faults(field: Field, rows: list[Any], path: str) -> Iterator[Fault]:
    try:
        value_kinds.check_count(field, rows, "rows")
    except RequestRefused as error:
        yield Fault(path, str(error))
        return
    given = [(index, row) for index, row in enumerate(rows) if not is_blank_row(field, row)]
    if field.required and not given:
        yield Fault(path, f"{field.label} is needed")
    for index, row in given:
        label, place = f"{field.label}, row {index + 1}", f"{path}[{index}]"
        if isinstance(row, dict):
            yield from _fields(field.fields, row, place, label)
        elif not _is_template(row):
            yield Fault(place, f"{label} must be an object, not {value_kinds.word(row)}")


def _constant_faults(field: Field, value: Any, path: str) -> Iterator[Fault]:
    try:
        coerce(field, value)
        if field.kind == "url":
            check_url(str(value))
    except RequestRefused as error:
        yield Fault(path, str(error))


def _is_template(value: Any) -> bool:
    return isinstance(value, str) and templating.has_template(value)
