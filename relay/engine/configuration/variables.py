"""Sets, changes and removes the variables of a workspace."""

from __future__ import annotations

import re
from collections import defaultdict

from django.db import transaction

from relay import masking
from relay.engine import audit
from relay.engine.flow_control import circuit_breaker
from relay.errors import RelayError
from relay.flows.references import Reference, find_mentions
from relay.models import Flow, Variable, Workspace

MAX_VARIABLES = 200  # per workspace
MAX_CHARACTERS = 16_384
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


def set_variable(workspace: Workspace, name: str, value: str, *, secret: bool = False) -> Variable:
    """Create or change a variable; RelayError says what is wrong. A secret one stays secret until it is removed."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise RelayError("A variable's name has letters, digits and _, up to 64, and begins with a letter")
    with transaction.atomic():
        former = workspace.variables.filter(name=name).first()
        variable = former or Variable(workspace=workspace, name=name)
        if former is None and workspace.variables.count() >= MAX_VARIABLES:
            raise RelayError(f"A workspace may have {MAX_VARIABLES} variables")
        if secret and former is not None and not former.is_secret:
            _check_uses(former)
        _check_value(value, secret=secret or variable.is_secret)
        if secret or variable.is_secret:
            variable.seal(value)
        else:
            variable.value = value
        variable.save()
        circuit_breaker.release_target(circuit_breaker.variable_target(workspace.pk, name))
        verb = "variable.created" if former is None else "variable.changed"
        audit.note(workspace, verb, name, ref=variable.pk, change="secret" if variable.is_secret else "plain")
    return variable


def _check_value(value: str, *, secret: bool) -> None:
    if len(value) > MAX_CHARACTERS or "\0" in value:
        raise RelayError(f"A variable may have {MAX_CHARACTERS:,} characters, and no NUL among them")
    if secret and len(value) < masking.MIN_SECRET:
        raise RelayError(
            f"A secret has {masking.MIN_SECRET} characters or more: a shorter one can't be masked where it is shown"
        )


def _check_uses(variable: Variable) -> None:
    """Before a plain variable becomes secret, check that it isn't used where secrets are not allowed."""
    flows = [
        flow.name
        for flow, used in _uses(variable.workspace).items()
        if any(use.name == variable.name and not use.in_inputs for use in used)
    ]
    if flows:
        where = ", ".join(f"“{name}”" for name in flows[:5])
        raise RelayError(
            f"{variable.name} can't be secret: {where} uses it outside the inputs of actions. Change that first."
        )


def remove(variable: Variable) -> None:
    """Remove a variable; RelayError if a live flow uses it."""
    live = [flow.name for flow in used_by(variable) if flow.live_version_id is not None]
    if live:
        raise RelayError(f"{variable.name} is used by {', '.join(live)}; change that first")
    with transaction.atomic():
        audit.note(variable.workspace_id, "variable.removed", variable, ref=variable.pk)
        variable.delete()


def used_by(variable: Variable) -> list[Flow]:
    """The flows whose draft or live version uses the variable."""
    return flows_by_variable(variable.workspace).get(variable.name, [])


def flows_by_variable(workspace: Workspace) -> dict[str, list[Flow]]:
    """The flows that use each variable, by its name."""
    flows: dict[str, list[Flow]] = defaultdict(list)
    for flow, used in _uses(workspace).items():
        for name in {use.name for use in used}:
            flows[name].append(flow)
    return flows


def _uses(workspace: Workspace) -> dict[Flow, list[Reference]]:
    references = {}
    for flow in workspace.flows.select_related("live_version").order_by("name"):
        documents = [flow.draft, flow.live_version.document if flow.live_version else {}]
        references[flow] = [use for document in documents for use in find_mentions(document, "vars")]
    return references
