"""Renders the inputs of an action; secret variables are opened nowhere else."""

from __future__ import annotations

from typing import Any

import msgspec

from relay.connectors import handwritten, path_parts
from relay.engine.walk import input_masking
from relay.engine.walk.secret_taint import derived, others
from relay.engine.walk.walk import Walk
from relay.errors import RelayError, SenderBusy
from relay.flows.compiler import ActionStep
from relay.templating import Budget, Context


class Inputs(msgspec.Struct, frozen=True):
    """The inputs of an action: `sent` goes into its request, `shown` may be stored and shown.

    They are the same object if no secret variable was used.
    """

    sent: Any
    shown: Any

    @property
    def has_secrets(self) -> bool:
        return self.shown is not self.sent


def rendered(walk: Walk, step: ActionStep) -> Inputs:
    """Render the inputs of a step, and add the secrets that they use to those of the walk.

    Raises RelayError; its text contains no secrets.
    """
    inputs, public = _rendered(walk, step)
    path_parts.check_written(step.action, step.inputs.value, inputs.sent)
    handwritten.check_body(step.inputs.value, inputs.shown, public)
    return inputs


def _rendered(walk: Walk, step: ActionStep) -> tuple[Inputs, Context]:
    """The inputs of a step, and the context of their templates with a mask for each secret."""
    opened = walk.work_item.variables.opened(step.variables)
    if not opened:
        inputs = step.inputs.render(walk.context)
        return Inputs(inputs, inputs), walk.context
    walk.outcome.secrets.update(opened.values())
    known = {**walk.work_item.variables.plain, **opened}
    names, source = frozenset(opened), step.inputs.value
    masked = {**walk.context, "vars": input_masking.masks(walk.work_item.variables.plain, names)}
    try:
        sent = step.inputs.render({**walk.context, "vars": known})
    except SenderBusy:
        raise
    except RelayError:
        raise input_masking.fault(source, masked, names) from None
    with Budget.beside():
        shown = input_masking.shown(source, masked, names, sent)
    if any(True for _ in input_masking.worked(source, names)):
        known = {**walk.work_item.variables.plain, **others(opened)}
        with Budget.beside():
            walk.outcome.made.update(derived(source, sent, {**walk.context, "vars": known}, names))
    return Inputs(sent, shown), masked


def only_shown(walk: Walk, step: ActionStep) -> Any:
    """The inputs of a step as they may be shown, rendered without secrets. Raises RelayError as `rendered` does."""
    names, known = _public(walk, step)
    return input_masking.shown(step.inputs.value, known, names)


def check_shown(walk: Walk, step: ActionStep, inputs: Any) -> None:
    """Check the bodies that people write in shown inputs, as `rendered` checks the sent ones. Raises ValueRefused."""
    handwritten.check_body(step.inputs.value, inputs, _public(walk, step)[1])


def _public(walk: Walk, step: ActionStep) -> tuple[frozenset[str], Context]:
    """The secret variables of a step, and the context of its templates with a mask for each."""
    names = frozenset(walk.work_item.variables.opened(step.variables))
    return names, {**walk.context, "vars": input_masking.masks(walk.work_item.variables.plain, names)}
