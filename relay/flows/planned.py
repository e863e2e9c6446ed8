"""The steps of a plan: compiled, in the form that a walk takes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import time
from typing import Any, ClassVar

import msgspec

from relay.conditions import Condition
from relay.connectors.definition import Action, Connector
from relay.errors import RelayError
from relay.flows.kinds import OnError
from relay.templating import Tree


@dataclass(frozen=True, slots=True)
class FilterStep:
    id: str
    name: str
    condition: Condition
    kind: ClassVar = "filter"
    nests: ClassVar = False


@dataclass(frozen=True, slots=True)
class Lookup:
    """A value out of a table, by a key. `default`: where the key is not in it; None: that fails."""

    table: Mapping[str, Tree]
    key: Tree
    default: Tree | None

    def found(self, name: str, context: dict[str, Any]) -> Any:
        """What the table of a value has for its key; RelayError where it has nothing."""
        key = self.key.render(context)
        found = self.table.get(_as_key(key), self.default)
        if found is None:
            raise RelayError(f"The table of {name} has nothing for {str(key)[:80]!r}, and no default")
        return found.render(context)


def _as_key(value: Any) -> str:
    """A key as a table has it: numbers, true and null as JSON writes them."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


@dataclass(frozen=True, slots=True)
class SetStep:
    id: str
    name: str
    values: Tree
    lookups: tuple[tuple[str, Lookup], ...] = ()
    kind: ClassVar = "set"
    nests: ClassVar = False


@dataclass(frozen=True, slots=True)
class ActionStep:
    """`delays` and `timeout` in seconds; no timeout: the installation's. `error_steps`: walked when it has failed."""

    id: str
    name: str
    connector: Connector
    action: Action
    connection: str | None
    inputs: Tree
    delays: tuple[float, ...]
    timeout: float | None
    success: Callable[[Mapping[str, Any]], bool] | None
    on_error: OnError
    error_steps: tuple[PlanStep, ...] = ()
    variables: frozenset[str] = frozenset()  # that its inputs use
    kind: ClassVar = "action"
    nests: ClassVar = False


@dataclass(frozen=True, slots=True)
class RespondStep:
    id: str
    name: str
    answer: Tree
    kind: ClassVar = "respond"
    nests: ClassVar = False


@dataclass(frozen=True, slots=True)
class Arm:
    """A way of a branch; no condition: the one that is taken where no other is."""

    name: str
    condition: Condition | None
    steps: tuple[PlanStep, ...]


@dataclass(frozen=True, slots=True)
class BranchStep:
    """`takes_all`: every arm whose condition holds is walked, not only the first."""

    id: str
    name: str
    arms: tuple[Arm, ...]
    takes_all: bool
    kind: ClassVar = "branch"
    nests: ClassVar = True


@dataclass(frozen=True, slots=True)
class LoopStep:
    """`limit`: elements at most, the rest is left out; None: as many as the engine allows.

    `inner`: ids of its steps. `keeps_elements`: `over` may give others next time, so those of now are kept.
    """

    id: str
    name: str
    over: Tree
    called: str
    steps: tuple[PlanStep, ...]
    limit: int | None
    on_error: OnError
    error_steps: tuple[PlanStep, ...]
    inner: tuple[str, ...]
    keeps_elements: bool
    kind: ClassVar = "loop"
    nests: ClassVar = True


@dataclass(frozen=True, slots=True)
class DelayStep:
    """`moment` gives a date where `is_date`, else a duration. With a `key` the last run of it goes on, and no other."""

    id: str
    name: str
    moment: Tree
    is_date: bool
    key: Tree | None
    kind: ClassVar = "delay"
    nests: ClassVar = False


@dataclass(frozen=True, slots=True)
class DigestStep:
    """`seconds`: of the window; None: until the next of `times`, or, without any, until `limit` runs are gathered."""

    id: str
    name: str
    key: Tree
    seconds: float | None
    times: tuple[time, ...]
    limit: int
    kind: ClassVar = "digest"
    nests: ClassVar = False


@dataclass(frozen=True, slots=True)
class ChangedStep:
    id: str
    name: str
    value: Tree
    key: Tree
    deadband: float | None
    kind: ClassVar = "changed"
    nests: ClassVar = False


@dataclass(frozen=True, slots=True)
class OnceStep:
    """`seconds`: after which a key is new again; None: never."""

    id: str
    name: str
    key: Tree
    seconds: float | None
    kind: ClassVar = "once"
    nests: ClassVar = False


PlanStep = (
    FilterStep
    | SetStep
    | ActionStep
    | RespondStep
    | BranchStep
    | LoopStep
    | DelayStep
    | DigestStep
    | ChangedStep
    | OnceStep
)
