"""Variables are set, changed and removed here, and loaded for the runs that use them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.db import transaction

from relay import redaction
from relay.engine import audit, destinations
from relay.errors import KeyLost, RelayError
from relay.flows.uses import Use, uses
from relay.models import Flow, Variable, Workspace

MOST = 200  # of a workspace
MOST_CHARACTERS = 16_384
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class Variables:
    """Those of a workspace, for a walk. `sealed`: how each secret one is opened, which is done for its call alone."""

    plain: Mapping[str, str]
    sealed: Mapping[str, Callable[[], str]]

    def opened(self, names: Iterable[str]) -> dict[str, str]:
        """The secret ones among `names`, by name."""
        return {name: self.sealed[name]() for name in names if name in self.sealed}

    def locked(self, names: Iterable[str]) -> str:
        """The first among `names` whose key is lost; "" where all open."""
        for name in names:
            try:
                self.opened([name])
            except KeyLost:
                return name
        return ""


NONE = Variables({}, {})


def load(workspaces: Iterable[int]) -> dict[int, Variables]:
    """The variables of each workspace, in one query."""
    found: dict[int, list[Variable]] = defaultdict(list)
    for row in Variable.objects.filter(workspace_id__in=workspaces):
        found[row.workspace_id].append(row)
    return {workspace: _of(rows) for workspace, rows in found.items()}


def _of(rows: list[Variable]) -> Variables:
    plain = {row.name: row.value for row in rows if not row.is_secret}
    return Variables(plain, {row.name: row.unseal for row in rows if row.is_secret})


def set_variable(workspace: Workspace, name: str, value: str, *, secret: bool = False) -> Variable:
    """Make or change a variable; RelayError says what is wrong. What is secret stays so until it is removed."""
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise RelayError("A variable's name has letters, digits and _, up to 64, and begins with a letter")
    with transaction.atomic():
        former = workspace.variables.filter(name=name).first()
        variable = former or Variable(workspace=workspace, name=name)
        if former is None and workspace.variables.count() >= MOST:
            raise RelayError(f"A workspace may have {MOST} variables")
        if secret and former is not None and not former.is_secret:
            _check_places(former)
        _check_value(value, secret=secret or variable.is_secret)
        if secret or variable.is_secret:
            variable.seal(value)
        else:
            variable.value = value
        variable.save()
        destinations.secret_changed(destinations.of_variable(workspace.pk, name))
        verb = "variable.created" if former is None else "variable.changed"
        audit.note(workspace, verb, name, ref=variable.pk, change="secret" if variable.is_secret else "plain")
    return variable


def _check_value(value: str, *, secret: bool) -> None:
    if len(value) > MOST_CHARACTERS or "\0" in value:
        raise RelayError(f"A variable may have {MOST_CHARACTERS:,} characters, and no NUL among them")
    if secret and len(value) < redaction.MIN_SECRET:
        raise RelayError(
            f"A secret has {redaction.MIN_SECRET} characters or more: a shorter one can't be masked where it is shown"
        )


def _check_places(variable: Variable) -> None:
    """Before a plain variable becomes a secret: it may stand where secrets may not."""
    open_places = [
        flow.name
        for flow, used in _uses(variable.workspace).items()
        if any(use.name == variable.name and not use.in_inputs for use in used)
    ]
    if open_places:
        where = ", ".join(f"“{name}”" for name in open_places[:5])
        raise RelayError(
            f"{variable.name} can't be secret: {where} uses it outside the inputs of actions. Change that first."
        )


def remove(variable: Variable) -> None:
    """Remove a variable that no live flow uses."""
    live = [flow.name for flow in used_by(variable) if flow.live_version_id is not None]
    if live:
        raise RelayError(f"{variable.name} is used by {', '.join(live)}; change that first")
    with transaction.atomic():
        audit.note(variable.workspace_id, "variable.removed", variable, ref=variable.pk)
        variable.delete()


def used_by(variable: Variable) -> list[Flow]:
    """The flows whose draft or live version uses the variable."""
    return users(variable.workspace).get(variable.name, [])


def users(workspace: Workspace) -> dict[str, list[Flow]]:
    """The flows that use each variable, by its name."""
    found: dict[str, list[Flow]] = defaultdict(list)
    for flow, used in _uses(workspace).items():
        for name in {use.name for use in used}:
            found[name].append(flow)
    return found


def _uses(workspace: Workspace) -> dict[Flow, list[Use]]:
    found = {}
    for flow in workspace.flows.select_related("live_version").order_by("name"):
        documents = [flow.draft, flow.live_version.document if flow.live_version else {}]
        found[flow] = [use for document in documents for use in uses(document, "vars")]
    return found
