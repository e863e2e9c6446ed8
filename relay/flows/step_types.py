"""Declares the kinds of steps of a flow document as types."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from relay.backoff import DEFAULT_DELAYS

OnError = Literal["stop", "continue", "branch"]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One object of the document; unknown keys are faults."""


class Retry(Part, kw_only=True, frozen=True):
    """The delays after which an action is tried again."""

    delays: tuple[str, ...] = DEFAULT_DELAYS


class _Step(Part, tag_field="kind", frozen=True):
    id: str
    name: str = ""
    note: str = ""
    disabled: bool = False


class Filter(_Step, tag="filter", kw_only=True, frozen=True):
    """Ends the run if its condition doesn't hold."""

    when: Any


class Set(_Step, tag="set", kw_only=True, frozen=True):
    """Names values for later steps."""

    values: dict[str, Any]


class Action(_Step, tag="action", kw_only=True, frozen=True):
    """Sends a request. `error_steps` are walked if it has failed and `on_error` is `branch`."""

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
    """An arm of a branch."""

    name: str = ""
    when: Any
    steps: list[Step]


class Branch(_Step, tag="branch", kw_only=True, frozen=True):
    """Walks the first arm whose condition holds, or all such arms; `otherwise` if none does."""

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
    """Waits for a `duration` ("10m"), or until a date or a time of day.

    With a `key`, the run continues only if no later run has reached the step with the same key in the meantime.
    """

    duration: str | None = msgspec.field(default=None, name="for")
    until: Any = None
    key: str = ""


class Digest(_Step, tag="digest", kw_only=True, frozen=True):
    """Gathers runs by `key` for a time, until a time of day, or up to `limit`; one run continues with all items."""

    key: str = ""
    every: str | None = None
    at: str | tuple[str, ...] | None = None
    limit: int | None = None


class Changed(_Step, tag="changed", kw_only=True, frozen=True):
    """Continues only if the value differs from the last one; with a `deadband`, only if it differs by more."""

    value: Any
    key: str = ""
    deadband: int | float | None = None


class Once(_Step, tag="once", kw_only=True, frozen=True):
    """Continues only for a key that was not seen within `window`, or never without one."""

    key: str
    window: str | None = None


Step = Filter | Set | Action | Respond | Branch | Loop | Delay | Digest | Changed | Once


def blocks(step: Step) -> Sequence[tuple[str, list[Step]]]:
    """The lists of steps inside a step, each with its path in the step."""
    if isinstance(step, Branch):
        arms = [(f"branches[{index}].steps", arm.steps) for index, arm in enumerate(step.branches)]
        return [*arms, ("else", step.otherwise)] if step.otherwise else arms
    if isinstance(step, Loop):
        return (("steps", step.steps), ("error_steps", step.error_steps))
    if isinstance(step, Action) and step.error_steps:
        return (("error_steps", step.error_steps),)
    return ()


def every(steps: Sequence[Step]) -> Iterator[Step]:
    """Yields all steps, nested ones included."""
    for step in steps:
        yield step
        for _, block in blocks(step):
            yield from every(block)


def is_lookup(value: Any) -> bool:
    """Whether a value of a set step is looked up in a table: `{"table": {...}, "key": ..., "default": ...}`."""
    return isinstance(value, dict) and {"table", "key"} <= value.keys() <= {"table", "key", "default"}
