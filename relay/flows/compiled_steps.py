"""Defines the steps of a plan, with every template and condition compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, ClassVar

from relay.bodies import numerals
from relay.conditions import Condition
from relay.connectors.definition import Action, Connector
from relay.errors import RelayError
from relay.flows.step_types import OnError
from relay.templating import Tree


@dataclass(frozen=True, slots=True)
class _Step:
    """The attributes of every step. `nests`: whether it contains steps."""

    id: str
    name: str
    kind: ClassVar[str]
    nests: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class FilterStep(_Step):
    condition: Condition
    kind: ClassVar = "filter"


@dataclass(frozen=True, slots=True)
class Lookup:
    """Looks up a value in a table. Without a `default`, a key that is not in the table fails the step."""

    table: Mapping[str, Tree]
    key: Tree
    default: Tree | None

    def render(self, name: str, context: dict[str, Any]) -> Any:
        """The rendered value for the key. Raises RelayError if the table has no entry and there is no default.

        `name`: of the value that is set, for the error.
        """
        key = self.key.render(context)
        value = self.table.get(_as_key(key), self.default)
        if value is None:
            raise RelayError(f"The table of {name} has nothing for {str(key)[:80]!r}, and no default")
        return value.render(context)


def _as_key(value: Any) -> str:
    """The text by which a table holds a key: numbers, true and null are written as in JSON."""
    return value if isinstance(value, str) else numerals.encode(numerals.plain(value)).decode()


@dataclass(frozen=True, slots=True)
class SetStep(_Step):
    values: Tree
    lookups: tuple[tuple[str, Lookup], ...] = ()
    kind: ClassVar = "set"


@dataclass(frozen=True, slots=True)
class ActionStep(_Step):
    """`delays` and `timeout` are in seconds; without a timeout, the installation's applies.

    `error_steps` are walked after the action has failed. `variables`: the names that its inputs use.
    """

    connector: Connector
    action: Action
    connection: str | None
    inputs: Tree
    delays: tuple[float, ...]
    timeout: float | None
    success: Callable[[Mapping[str, Any]], bool] | None
    on_error: OnError
    error_steps: tuple[PlanStep, ...] = ()
    variables: frozenset[str] = frozenset()
    may_call_flows: bool = False
    kind: ClassVar = "action"


@dataclass(frozen=True, slots=True)
class RespondStep(_Step):
    answer: Tree
    kind: ClassVar = "respond"


@dataclass(frozen=True, slots=True)
class Arm:
    """An arm of a branch. The arm without a condition is taken if no other is."""

    name: str
    condition: Condition | None
    steps: tuple[PlanStep, ...]


@dataclass(frozen=True, slots=True)
class BranchStep(_Step):
    """`takes_all`: walk every arm whose condition holds, and not only the first."""

    arms: tuple[Arm, ...]
    takes_all: bool
    kind: ClassVar = "branch"
    nests: ClassVar = True


@dataclass(frozen=True, slots=True)
class LoopStep(_Step):
    """`limit`: the maximum number of elements, the others are left out; None: as many as the engine allows.

    `inner`: the ids of its steps. `keeps_elements`: `over` may give other elements when the run continues, so the
    trail keeps those of the first time.
    """

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
class DelayStep(_Step):
    """`moment` gives a date if `is_date`, else a duration. With a `key`, only the last run of that key continues."""

    moment: Tree
    is_date: bool
    key: Tree | None
    kind: ClassVar = "delay"


@dataclass(frozen=True, slots=True)
class DigestStep(_Step):
    """`seconds`: length of the window.

    None: until the next of `times`, or, without any, until `limit` runs are gathered.
    """

    key: Tree
    seconds: float | None
    times: tuple[time, ...]
    limit: int
    kind: ClassVar = "digest"


@dataclass(frozen=True, slots=True)
class ChangedStep(_Step):
    value: Tree
    key: Tree
    deadband: float | None
    kind: ClassVar = "changed"


@dataclass(frozen=True, slots=True)
class OnceStep(_Step):
    """`seconds`: after which a key counts as new again; None: never."""

    key: Tree
    seconds: float | None
    kind: ClassVar = "once"


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


def max_flow_calls(steps: Sequence[PlanStep]) -> int:
    """The maximum number of actions in one pass through these steps that may call a flow.

    A loop counts as one pass through its steps.
    """
    return sum(_calls(step) for step in steps)


def _calls(step: PlanStep) -> int:
    if isinstance(step, ActionStep):
        return step.may_call_flows + max_flow_calls(step.error_steps)
    if isinstance(step, LoopStep):
        return max_flow_calls(step.steps) + max_flow_calls(step.error_steps)
    if isinstance(step, BranchStep):
        each = [max_flow_calls(arm.steps) for arm in step.arms]
        return sum(each) if step.takes_all else max(each, default=0)
    return 0
