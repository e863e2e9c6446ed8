"""Checks the requests of an action: samples become requests, limits hold before sending, and secrets stay masked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from relay import redaction
from relay.connectors import chains, masked_request, request_builder
from relay.connectors.conformance import samples
from relay.connectors.definition import Action, Connector, Field
from relay.connectors.input_coercion import coerce_inputs
from relay.errors import RelayError, RequestRefused
from relay.masking import MASK, mask
from relay.outbound import Request, check_headers, check_url

KEY = "0000000000000-conformance"
Put = Callable[[Any], dict[str, Any]]


def request_of(connector: Connector, action: Action, inputs: Mapping[str, Any]) -> Request:
    """The request of an action for inputs, with the sample connection. Raises RelayError."""
    connection = samples.connection_of(connector) if connector.has_connection else None
    names = samples.names_of(action)
    return request_builder.build(connector, action, inputs, connection, key=KEY, now=0.0, names=names)


def build_faults(connector: Connector, action: Action) -> Iterator[str]:
    """The examples of the required inputs, and of all, become a request that can be sent."""
    if action.target != "http":
        return
    for name, inputs in samples.variants(action):
        for made in requests_of(action):
            try:
                request = request_of(connector, made, inputs)
                check_url(request.url)
                check_headers(request.headers)
            except RelayError as error:
                yield f"{name}: {made.label}: {error}"


def requests_of(action: Action) -> Iterator[Action]:
    """Yields the calls of an action, each as an action that sees the answers of those before it, and the action."""
    for number, call in enumerate(action.before):
        yield replace(chains.call_action(action, call), before=action.before[:number])
    yield action


def needed_faults(connector: Connector, action: Action) -> Iterator[str]:
    """A required input that is missing is named by its label."""
    for field, put in _places(action.inputs, samples.inputs_of(action.inputs), lambda inputs: inputs):
        if field.required and field.default is None:
            yield from _refused(action, put(""), field, "is missing")


def limit_faults(connector: Connector, action: Action) -> Iterator[str]:
    """A value beyond a limit of its field is refused before it is sent, with the label of the field."""
    for field, put in _places(action.inputs, samples.inputs_of(action.inputs), lambda inputs: inputs):
        for value, why in _beyond(field):
            yield from _refused(action, put(value), field, why)


def _beyond(field: Field) -> Iterator[tuple[Any, str]]:
    """Yields values beyond each limit of a field, and what is wrong with them."""
    if field.max_length is not None:
        yield "x" * (field.max_length + 1), "is too long"
    if field.minimum is not None:
        yield field.minimum - 1, "is below its minimum"
    if field.maximum is not None:
        yield field.maximum + 1, "is above its maximum"
    if field.max_items is not None:
        row: Any = samples.inputs_of(field.fields) if field.kind == "rows" else "x"
        row = samples.FILE if field.kind == "file" else row
        yield [row] * (field.max_items + 1), "has too many items"
    if field.kind in ("number", "integer", "boolean", "choice", "date", "datetime", "email"):
        yield "\N{SNOWMAN}", "is of the wrong kind"
    if field.kind in ("object", "rows", "file"):
        yield 7, "is of the wrong kind"


def _refused(action: Action, inputs: Mapping[str, Any], field: Field, why: str) -> Iterator[str]:
    try:
        coerce_inputs(action, inputs)
    except RequestRefused as error:
        if field.label not in str(error):
            yield f"{field.key} {why}, and the message does not say {field.label}: {error}"
        return
    yield f"{field.key} {why}, and is not refused"


def _places(fields: tuple[Field, ...], inputs: Mapping[str, Any], put: Put) -> Iterator[tuple[Field, Put]]:
    """Yields each field, also those of objects and rows, and a function that makes inputs with another value of it."""
    for field in fields:
        chosen = samples.chosen_for(fields, *_asked_by(field)) if field.when else {}
        others = {**inputs, **chosen}

        def place(value: Any, key: str = field.key, others: Mapping[str, Any] = others) -> dict[str, Any]:
            return put({**others, key: value})

        yield field, place
        inner = samples.inputs_of(field.fields)
        if field.kind == "object":
            yield from _places(field.fields, inner, place)
        elif field.kind == "rows":
            yield from _places(field.fields, inner, _in_row(place))


def _in_row(place: Put) -> Put:
    return lambda row: place([row])


def _asked_by(field: Field) -> tuple[str, Any]:
    assert field.when is not None
    return field.when[0], field.when[1][0]


def secret_faults(connector: Connector, action: Action) -> Iterator[str]:
    """The stored request has a mask in place of every secret of the connection and of the inputs."""
    if action.target != "http":
        return
    names = samples.names_of(action)
    connection = samples.connection_of(connector) if connector.has_connection else None
    public = masked_request.shown_connection(connector, connection)
    inputs = samples.inputs_of(action.inputs)
    shown = masked_request.outline(connector, action, inputs, public, key=KEY, now=0.0, names=names)
    stored = str(redaction.request_record(shown, ()))
    for secret in request_builder.secrets_of(connector, connection):
        if mask(stored, (secret,)) != stored:
            yield "the stored request contains a secret of the connection"
    for field in action.inputs:
        if field.when is None and field.kind not in ("object", "rows", "file"):
            masked = samples.inputs_of(action.inputs, chosen={field.key: MASK})
            shown = masked_request.outline(connector, action, masked, public, key=KEY, now=0.0, names=names)
            if action.sign_input != field.key and MASK not in str(redaction.request_record(shown, ())):
                yield f"a secret in {field.key} leaves no mask in the stored request"
