"""Finds what is unfinished in a valid flow, which would do nothing, too much or the wrong thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from relay.errors import Fault, RelayError
from relay.flows import nesting
from relay.flows.document import trigger_settings
from relay.flows.references import find_mentions
from relay.flows.verification import verification
from relay.models import Flow

JSON = dict[str, Any]


def find_faults(flow: Flow, document: JSON) -> list[Fault]:
    """Find what is unfinished in a document of this flow; the path of a fault is the id of its card."""
    return [*_sender(flow, document), *find_document_faults(document)]


def find_document_faults(document: JSON) -> list[Fault]:
    """Find what is unfinished in a document, without what its flow stores separately."""
    return [*_steps(document), *_constants(document)]


def _sender(flow: Flow, document: JSON) -> Iterator[Fault]:
    """A sender that signs requests, but has no stored secret: every request would be refused."""
    try:
        rules = verification(trigger_settings(document))
    except RelayError:
        return  # publishing reports the fault
    if not rules.secret or any(handshake.store for handshake in rules.handshakes):
        return
    if all(secret.is_over for secret in flow.trigger.secrets.for_senders(rules.sender)):
        yield Fault("trigger", f"no secret of {rules.label} is stored: every request is refused until you add one")


def _steps(document: JSON) -> Iterator[Fault]:
    steps = [step for step in nesting.all_steps(document) if step.get("disabled") is not True]
    if not steps:
        yield Fault("flow", "it has no steps: events are accepted, and nothing is done with them")
    for step in steps:
        problem = _CHECKS.get(str(step.get("kind")), _no_check)(step)
        if problem:
            yield Fault(step["id"], problem)
        yield from _paths(step)


def _paths(step: JSON) -> Iterator[Fault]:
    """Paths of a branch that compare nothing; the address of a path is that of its card in the editor."""
    for number, path in enumerate(nesting.arms(step) if step.get("kind") == "branch" else (), 1):
        if isinstance(path, dict) and _is_open(path.get("when")):
            yield Fault(f"{step['id']}:{number}", "it has no condition yet, so every event takes this path")


def _constants(document: JSON) -> Iterator[Fault]:
    """Constants that steps use and that have no value, as in recipes, where people fill them in."""
    constants = document.get("constants")
    empty = {name for name, value in constants.items() if value in ("", None)} if isinstance(constants, dict) else set()
    used = {reference.name for reference in find_mentions(document, "constants")} if empty else set()
    for name in sorted(empty & used):
        yield Fault("flow", f"the constant {name} is empty, and steps use it")


def _no_check(step: JSON) -> str:
    return ""


def _filter(step: JSON) -> str:
    return "it has no condition yet: everything passes" if _is_open(step.get("when")) else ""


def _is_open(condition: Any) -> bool:
    """Whether a condition, or one of its rows, compares nothing."""
    if not isinstance(condition, dict):
        return not condition
    for key in ("all", "any"):
        if key in condition:
            rows = condition[key]
            return not rows or (isinstance(rows, list) and any(map(_is_open, rows)))
    return "left" in condition and condition["left"] in ("", None)


def _branch(step: JSON) -> str:
    has_steps = any(block for name, block in nesting.inner(step) if name not in ("", "error_steps"))
    return "" if has_steps else "none of its paths has a step"


def _loop(step: JSON) -> str:
    return "" if any(block for name, block in nesting.inner(step) if not name) else "it has no steps to repeat"


def _changed(step: JSON) -> str:
    return "it has no value yet: everything but the first stops here" if _is_blank(step.get("value")) else ""


def _once(step: JSON) -> str:
    return "it has no key yet" if _is_blank(step.get("key")) else ""


def _set(step: JSON) -> str:
    return "" if step.get("values") else "it sets no values yet"


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


_CHECKS = {"filter": _filter, "branch": _branch, "loop": _loop, "changed": _changed, "once": _once, "set": _set}
