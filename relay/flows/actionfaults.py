"""What is wrong with an action of a document: its connection, its inputs, its times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay import backoff, templating
from relay.connectors import registry
from relay.connectors.definition import Action, Connector, Field
from relay.connectors.fitting import fit
from relay.errors import Fault, RelayError, RequestRefused
from relay.flows import kinds
from relay.flows.names import Scope, condition_faults, template_faults
from relay.flows.requests import request_faults
from relay.flows.shape import join
from relay.outbound import check_url

MOST_DELAYS = 20
MOST_TIMEOUT = 60.0


def action_faults(step: kinds.Action, path: str, scope: Scope) -> Iterator[Fault]:
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
    yield from _connection(step, connector, action, path)
    yield from _inputs(step, action, join(path, "inputs"))


def _times(step: kinds.Action, path: str) -> Iterator[Fault]:
    if len(step.retry.delays) > MOST_DELAYS:
        yield Fault(join(path, "retry.delays"), f"there may be {MOST_DELAYS} delays")
    for place, delay in enumerate(step.retry.delays):
        try:
            backoff.seconds(delay)
        except ValueError as error:
            yield Fault(join(path, f"retry.delays[{place}]"), str(error))
    if step.timeout is None:
        return
    try:
        if not 0 < backoff.seconds(step.timeout) <= MOST_TIMEOUT:
            yield Fault(join(path, "timeout"), f"is at most {MOST_TIMEOUT:g}s")
    except ValueError as error:
        yield Fault(join(path, "timeout"), str(error))


def _connection(step: kinds.Action, connector: Connector, action: Action, path: str) -> Iterator[Fault]:
    if connector.needs_connection and not step.connection:
        yield Fault(join(path, "connection"), f"{connector.label} needs a connection")
    elif step.connection and not connector.connection:
        yield Fault(join(path, "connection"), f"{connector.label} takes no connection")
    elif not step.connection and action.sign_input and step.inputs.get(action.sign_input):
        yield Fault(join(path, "connection"), "signing needs a connection that holds the signing secret")


def _inputs(step: kinds.Action, action: Action, path: str) -> Iterator[Fault]:
    known = [one.key for one in action.inputs]
    for name in step.inputs:
        if name not in known:
            yield Fault(join(path, name), f"unknown input; there are {', '.join(known)}")
    for one in action.inputs:
        value = step.inputs.get(one.key)
        if value is None or value == "":
            if one.required:
                yield Fault(join(path, one.key), f"{one.label} is needed")
        elif not (isinstance(value, str) and templating.has_template(value)):
            yield from _constant(action, one, value, join(path, one.key))


def _constant(action: Action, one: Field, value: Any, path: str) -> Iterator[Fault]:
    """What is wrong with an input that is known before any event."""
    wrong = list(request_faults(action, one.key, value, path))
    yield from wrong
    if wrong:
        return
    try:
        fit(one, value)
        if one.kind == "url":
            check_url(str(value))
    except RequestRefused as error:
        yield Fault(path, str(error))
