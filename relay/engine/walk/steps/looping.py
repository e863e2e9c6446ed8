"""Walks a loop: its steps once for each element, collecting their outputs."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from relay.engine.intake.elements import render_list
from relay.engine.walk.exceptions import Failed, Filtered
from relay.engine.walk.walk import Walk
from relay.errors import RelayError
from relay.flows.compiled_steps import LoopStep

# Elements that a loop without a `limit` takes.
DEFAULT_MAX_ELEMENTS = 1_000


def loop(walk: Walk, step: LoopStep) -> None:
    """Walk the steps for every element. A filter ends only its element; `on_error` says what a failed step does."""
    try:
        elements = _elements(walk, step)
    except Failed as failure:
        _after_failure(walk, step, failure)
        return
    outputs: dict[str, Any] = {"count": elements.count, "left_out": elements.left_out, "outputs": []}
    if elements.is_new:
        walk.enter(step, "looped", outputs, items=elements.all() if step.keeps_elements else None)
    # Inner steps see a separate value, because a growing list must not become part of itself.
    walk.steps[step.id] = {**outputs, "outputs": []}
    try:
        _Turns(walk, step, outputs["outputs"], elements).run()
    except _Unusable as fault:
        if fault.step is not step:
            raise
        _fail(walk, step, str(fault))
        return
    walk.steps[step.id] = outputs


def _fail(walk: Walk, step: LoopStep, reason: str) -> None:
    try:
        walk.fail(step, reason)
    except Failed as failure:
        _after_failure(walk, step, failure)


class _Unusable(Exception):
    """The list of a loop can't be used, or is not the one with which the run started the loop."""

    def __init__(self, step: LoopStep, reason: str) -> None:
        super().__init__(reason)
        self.step = step


@dataclass(slots=True)
class _Elements:
    """The elements of a loop. A walk that only skips them needs none, so the list is rendered on first use."""

    walk: Walk
    step: LoopStep
    count: int
    left_out: int
    taken: list[Any] | None
    is_new: bool = False

    def all(self) -> list[Any]:
        if self.taken is None:
            self.taken, _ = _render(self.walk, self.step)
            if len(self.taken) != self.count:
                name = self.step.name
                raise _Unusable(self.step, f"The list of “{name}” has changed since this run began to go through it")
        return self.taken


def _elements(walk: Walk, step: LoopStep) -> _Elements:
    """The elements to walk, and how many are left out."""
    entry = walk.restore(step)
    if entry is not None:
        outputs = entry.outputs or {}
        return _Elements(walk, step, outputs["count"], outputs["left_out"], entry.items)
    walk.check_turn()
    try:
        taken, left_out = _render(walk, step)
    except _Unusable as fault:
        walk.fail(step, str(fault))
    return _Elements(walk, step, len(taken), left_out, taken, is_new=True)


def _render(walk: Walk, step: LoopStep) -> tuple[list[Any], int]:
    """Render the elements that a loop takes, and how many it leaves out."""
    try:
        elements = render_list(step.over, step.over.value, walk.context)
    except RelayError as error:
        raise _Unusable(step, str(error)) from None
    if not isinstance(elements, list):
        raise _Unusable(step, f"“{step.name}” goes through a list, and this is {_kind(elements)}")
    if step.limit is None and len(elements) > DEFAULT_MAX_ELEMENTS:
        raise _Unusable(
            step,
            f"“{step.name}” has {len(elements)} elements, and takes {DEFAULT_MAX_ELEMENTS} at most. "
            "Its `limit` allows more, or fewer, and leaves out what is over it.",
        )
    taken = elements if step.limit is None else elements[: step.limit]
    return taken, len(elements) - len(taken)


def _kind(value: Any) -> str:
    """What a value is that should be a list, and how to make a list of it."""
    kinds: dict[type, str] = {
        dict: "an object; | items makes a list of its names and values, and {{ [...] | flatten }} takes one or many",
        str: "text; | parse_json reads a list that is JSON, and {{ [...] | flatten }} takes one or many",
        bool: "true or false",
        type(None): "nothing; | default([], true) takes an empty one instead",
    }
    return kinds.get(type(value), "a number")


def _after_failure(walk: Walk, step: LoopStep, failure: Failed) -> None:
    if step.on_error == "stop":
        raise failure
    walk.steps[step.id] = {"error": failure.reason, "outputs": []}
    walk.after_failure(step)


_NOTHING: Any = object()


class _Turns:
    """Walks the elements: sets their names in the context, and collects the outputs of their steps."""

    def __init__(self, walk: Walk, step: LoopStep, outputs: list[dict[str, Any]], elements: _Elements) -> None:
        self._walk, self._step = walk, step
        self._outputs, self._elements = outputs, elements
        self._number = -1
        self.is_bound = True
        self._suffix, self._width = walk.loop_suffix, walk.width
        self._names = {name: walk.context.get(name, _NOTHING) for name in (step.called, "loop")}

    def run(self) -> None:
        self._walk.loops.append(self)
        self._walk.width = self._width * max(1, self._elements.count)
        try:
            for number in range(self._elements.count):
                self._outputs.append(self._turn(number))
        finally:
            self._leave()
        for step_id in self._step.inner:
            self._walk.steps[step_id] = [outputs.get(step_id) for outputs in self._outputs]

    def bind(self) -> None:
        """Set the names of the current element in the context, before the first step that may use it."""
        if not self.is_bound:
            self.is_bound = True
            self._walk.context[self._step.called] = self._elements.all()[self._number]
            self._walk.context["loop"] = _loop_values(self._number, self._elements.count)

    def _leave(self) -> None:
        self._walk.loops.pop()
        for loop in self._walk.loops:
            loop.is_bound = False  # this loop may have used the same names
        self._walk.loop_suffix, self._walk.width = self._suffix, self._width
        for name, value in self._names.items():
            self._walk.context[name] = value
            if value is _NOTHING:
                del self._walk.context[name]

    def _turn(self, number: int) -> dict[str, Any]:
        """Walk the steps for one element; their outputs by step id."""
        walk, step = self._walk, self._step
        walk.loop_suffix = f"{self._suffix}[{number}]"
        self._number, self.is_bound = number, False
        for step_id in step.inner:
            walk.steps.pop(step_id, None)
        error: dict[str, str] = {}
        with contextlib.suppress(Filtered):
            error = self._steps()
        return {**{step_id: walk.steps[step_id] for step_id in step.inner if step_id in walk.steps}, **error}

    def _steps(self) -> dict[str, str]:
        """Walk the steps; the error of a failed one if the loop continues after it, else {}."""
        try:
            self._walk.block(self._step.steps)
        except Failed as failure:
            _after_failure(self._walk, self._step, failure)
            return {"error": failure.reason}
        return {}


def _loop_values(number: int, count: int) -> dict[str, Any]:
    """The value of `loop` in templates."""
    return {
        "index": number + 1,
        "index0": number,
        "first": number == 0,
        "last": number + 1 == count,
        "length": count,
    }
