"""The kinds of steps of a flow document, as types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from relay.backoff import DEFAULT_DELAYS

OnError = Literal["stop", "continue", "branch"]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One object of the document; unknown keys are faults."""


class Retry(Part, kw_only=True, frozen=True):
    """After which delays an action is tried again."""

    delays: tuple[str, ...] = DEFAULT_DELAYS


class _Step(Part, tag_field="kind", frozen=True):
    id: str
    name: str = ""
    note: str = ""
    disabled: bool = False


class Filter(_Step, tag="filter", kw_only=True, frozen=True):
    """Ends the run where its condition doesn't hold."""

    when: Any


class Set(_Step, tag="set", kw_only=True, frozen=True):
    """Names values for later steps."""

    values: dict[str, Any]


class Action(_Step, tag="action", kw_only=True, frozen=True):
    """One delivery. `error_steps` are walked when it has failed and `on_error` is `branch`."""

    action: str
    connection: str | None = None
    inputs: dict[str, Any] = {}
    retry: Retry = Retry()
    timeout: str | None = None
    success: Any = None
    on_error: OnError = "stop"
    error_steps: list[Step] = []


class Respond(_Step, tag="respond", kw_only=True, frozen=True):
    """Answers the caller that waits. `status`: a number, or a template that gives one."""

    status: int | str = 200
    headers: dict[str, str] = {}
    body: Any = ""


class Arm(Part, kw_only=True, frozen=True):
    """One way that a branch can take."""

    name: str = ""
    when: Any
    steps: list[Step]


class Branch(_Step, tag="branch", kw_only=True, frozen=True):
    """Walks the first arm whose condition holds, or all of them; `otherwise` where none does."""

    branches: list[Arm]
    otherwise: list[Step] = msgspec.field(default_factory=list, name="else")
    match: Literal["first", "all"] = "first"


class Loop(_Step, tag="loop", kw_only=True, frozen=True):
    """Walks its steps once for each element of `over`, at most `limit` of them. `called`: the element's name."""

    over: Any
    called: str = msgspec.field(default="item", name="as")
    steps: list[Step]
    limit: int | None = None
    on_error: OnError = "stop"
    error_steps: list[Step] = []


class Delay(_Step, tag="delay", kw_only=True, frozen=True):
    """The run waits: `duration` ("10m"), or until a date or a time of day.

    With a `key` it goes on only where no later run has come to the step with the same key meanwhile.
    """

    duration: str | None = msgspec.field(default=None, name="for")
    until: Any = None
    key: str = ""


class Digest(_Step, tag="digest", kw_only=True, frozen=True):
    """Gathers runs by `key` for a time, until the next time of day, or up to `limit`; then one goes on with all."""

    key: str = ""
    every: str | None = None
    at: str | tuple[str, ...] | None = None
    limit: int | None = None


class Changed(_Step, tag="changed", kw_only=True, frozen=True):
    """Goes on only when the value is another one than the last; `deadband`: by more than so much."""

    value: Any
    key: str = ""
    deadband: int | float | None = None


class Once(_Step, tag="once", kw_only=True, frozen=True):
    """Goes on only the first time that a key comes, again after `window`."""

    key: str
    window: str | None = None


Step = Filter | Set | Action | Respond | Branch | Loop | Delay | Digest | Changed | Once


def blocks(step: Step) -> Sequence[tuple[str, list[Step]]]:
    """The lists of steps inside a step, each with its path in it."""
    if isinstance(step, Branch):
        arms = [(f"branches[{place}].steps", arm.steps) for place, arm in enumerate(step.branches)]
        return [*arms, ("else", step.otherwise)] if step.otherwise else arms
    if isinstance(step, Loop):
        return (("steps", step.steps), ("error_steps", step.error_steps))
    if isinstance(step, Action) and step.error_steps:
        return (("error_steps", step.error_steps),)
    return ()


def every(steps: Sequence[Step]) -> Iterator[Step]:
    """All steps, those inside of others too."""
    for step in steps:
        yield step
        for _, block in blocks(step):
            yield from every(block)


def is_lookup(value: Any) -> bool:
    """Whether a value of a set is looked up in a table: `{"table": {...}, "key": ..., "default": ...}`."""
    return isinstance(value, dict) and {"table", "key"} <= value.keys() <= {"table", "key", "default"}
