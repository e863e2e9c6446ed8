"""Loads the variables of workspaces for the runs that use them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from relay.errors import KeyLost
from relay.models import Variable


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables of a workspace. `sealed`: for each secret, a function that opens it."""

    plain: Mapping[str, str]
    sealed: Mapping[str, Callable[[], str]]

    def opened(self, names: Iterable[str]) -> dict[str, str]:
        """The opened secrets among `names`, by name."""
        return {name: self.sealed[name]() for name in names if name in self.sealed}

    def locked(self, names: Iterable[str]) -> str:
        """The first of `names` whose key is lost; "" if all can be opened."""
        for name in names:
            try:
                self.opened([name])
            except KeyLost:
                return name
        return ""


NONE = Variables({}, {})


def load(workspaces: Iterable[int]) -> dict[int, Variables]:
    """The variables of each workspace, in one query."""
    by_workspace: dict[int, list[Variable]] = defaultdict(list)
    for row in Variable.objects.filter(workspace_id__in=workspaces):
        by_workspace[row.workspace_id].append(row)
    return {workspace: _variables(rows) for workspace, rows in by_workspace.items()}


def _variables(rows: list[Variable]) -> Variables:
    plain = {row.name: row.value for row in rows if not row.is_secret}
    return Variables(plain, {row.name: row.unseal for row in rows if row.is_secret})
