"""A loop: its steps are walked once for each element, and what they give is gathered."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from relay.engine.endings import Failed, Filtered
from relay.errors import RelayError
from relay.flows.planned import LoopStep

if TYPE_CHECKING:
    from relay.engine.walk import Walk

# Elements that a loop takes whose flow names no limit.
MOST_UNNAMED = 1_000


def loop(walk: Walk, step: LoopStep) -> None:
    """Walk the steps for every element. A filter ends its element only; what a failed step does, `on_error` says."""
    try:
        elements, left_out = _elements(walk, step)
    except Failed as failure:
        _after_failure(walk, step, failure)
        return
    outputs: dict[str, Any] = {"count": len(elements), "left_out": left_out, "outputs": []}
    if walk.passed(step) is None:
        kept: dict[str, Any] = {"items": elements} if step.keeps_elements else {}
        walk.enter(step, "looped", outputs, **kept)
    _Turns(walk, step, outputs["outputs"]).go(elements)
    walk.steps[step.id] = outputs


def _elements(walk: Walk, step: LoopStep) -> tuple[list[Any], int]:
    """The elements that are walked, and how many are left out."""
    entry = walk.passed(step)
    if entry is not None and "items" in entry:
        return entry["items"], entry["outputs"]["left_out"]
    try:
        found = step.over.render(walk.context)
    except RelayError as error:
        walk.failed(step, str(error))
    if not isinstance(found, list):
        walk.failed(step, f"“{step.name}” goes through a list, and this is {_kind(found)}")
    if step.limit is None and len(found) > MOST_UNNAMED:
        walk.failed(
            step,
            f"“{step.name}” has {len(found)} elements, and takes {MOST_UNNAMED} at most. "
            "Its `limit` allows more, or fewer, and leaves out what is over it.",
        )
    taken = found if step.limit is None else found[: step.limit]
    if entry is not None and entry["outputs"]["count"] != len(taken):
        walk.failed(step, f"The list of “{step.name}” has changed since this run began to go through it")
    return taken, len(found) - len(taken)


def _kind(value: Any) -> str:
    """What was found in place of a list, and what makes one of it."""
    kinds: dict[type, str] = {
        dict: "an object; | items makes a list of its names and values, and [ ] around it one of itself",
        str: "text; | parse_json reads a list that is JSON, and [ ] around it makes one of itself",
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
    """One pass through the elements: the names that they have, and what their steps give."""

    def __init__(self, walk: Walk, step: LoopStep, outputs: list[dict[str, Any]]) -> None:
        self._walk, self._step = walk, step
        self._outputs = outputs
        self._place = walk.place
        self._names = {name: walk.context.get(name, _NOTHING) for name in (step.called, "loop")}

    def go(self, elements: list[Any]) -> None:
        try:
            for number, element in enumerate(elements):
                self._outputs.append(self._turn(number, element, len(elements)))
        finally:
            self._leave()
        for one in self._step.inner:
            self._walk.steps[one] = [outputs.get(one) for outputs in self._outputs]

    def _leave(self) -> None:
        self._walk.place = self._place
        for name, value in self._names.items():
            self._walk.context[name] = value
            if value is _NOTHING:
                del self._walk.context[name]

    def _turn(self, number: int, element: Any, count: int) -> dict[str, Any]:
        """Walk the steps for one element; what they gave, by their ids."""
        walk, step = self._walk, self._step
        walk.place = f"{self._place}[{number}]"
        walk.context[step.called] = element
        walk.context["loop"] = _counted(number, count)
        for one in step.inner:
            walk.steps.pop(one, None)
        error: dict[str, str] = {}
        with contextlib.suppress(Filtered):
            error = self._steps()
        return {**{one: walk.steps[one] for one in step.inner if one in walk.steps}, **error}

    def _steps(self) -> dict[str, str]:
        """Walk them; what failed, where that is passed over."""
        try:
            self._walk.block(self._step.steps)
        except Failed as failure:
            _after_failure(self._walk, self._step, failure)
            return {"error": failure.reason}
        return {}


def _counted(number: int, count: int) -> dict[str, Any]:
    """What a template sees as `loop`."""
    return {
        "index": number + 1,
        "index0": number,
        "first": number == 0,
        "last": number + 1 == count,
        "length": count,
    }
