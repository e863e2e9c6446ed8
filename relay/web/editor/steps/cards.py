"""Builds the list of cards of a flow: its steps, and the groups of steps inside them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.errors import Fault
from relay.flows import nesting
from relay.flows.limits import MAX_DEPTH
from relay.web.editor.steps import places
from relay.web.flows import step_summary
from relay.web.runs import narrative

JSON = dict[str, Any]
_FAULT_PLACE = re.compile(r"(?:branches\[(\d+)\]\.)?(steps|else|error_steps)\[(\d+)\]\.?")
_FAULT_PATH = re.compile(r"branches\[(\d+)\]\.?")


@dataclass(slots=True)
class Card:
    """One card of the list: a step, or the head of a path. `summary`: what it does, in one line.

    `id`: its address, which opens it. `groups`: the steps inside it. `hidden`: the number of steps inside it that are
    nested too deeply to be shown. `can_fail`: whether it may have steps for its failure, and has none yet.
    """

    id: str
    kind: str
    name: str
    summary: str
    disabled: bool = False
    note: str = ""
    faults: list[str] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    hidden: int = 0
    can_fail: bool = False

    @property
    def key(self) -> str:
        """The id of its elements on the page."""
        return self.id.replace(":", "-")

    @property
    def is_path(self) -> bool:
        return self.kind == "path"


@dataclass(slots=True)
class Group:
    """A list of steps inside a step. `kind`: `path`, `otherwise`, `items` or `failure`.

    `depth`: of its steps. `head`: the card of a path, which may be the first or the last one. `unused`: it never runs.
    """

    address: str
    kind: str
    name: str
    cards: list[Card]
    depth: int
    head: Card | None = None
    unused: bool = False
    is_first: bool = False
    is_last: bool = False

    @property
    def key(self) -> str:
        return self.address.replace(":", "-")

    @property
    def is_empty(self) -> bool:
        return not self.cards


def build_cards(document: JSON, counts: Mapping[str, int]) -> list[Card]:
    """Return the cards of a document from `draft_edits.editable_copy`. `counts`: the number of items of each loop."""
    return [_card(step, counts, 0) for step in nesting.top(document)]


def build_card(step: JSON) -> Card:
    """Return the card of a step, without those inside it, or that of a path (`{"kind": "path", ...}`)."""
    kind = str(step.get("kind"))
    name, note = step.get("name"), step.get("note")
    if kind == "path":
        label = name if isinstance(name, str) and name else "A path without a name"
        return Card(step["id"], kind, label, step_summary.condition(step))
    does = narrative.does(step)
    summarize = step_summary.SUMMARIES.get(kind)
    summary = summarize(step) if summarize else does if name else ""
    return Card(
        id=step["id"],
        kind=kind,
        name=narrative.label(step),
        summary=summary,
        disabled=step.get("disabled") is True,
        note=note if isinstance(note, str) else "",
        can_fail=places.FAILURE in places.possible_lists(step) and not _has_failure_steps(step),
    )


def every_card(cards: list[Card]) -> Iterator[Card]:
    """Yield all cards, each before those inside it; the heads of paths are among them."""
    for card in cards:
        yield card
        for group in card.groups:
            if group.head:
                yield group.head
            yield from every_card(group.cards)


def _card(step: JSON, counts: Mapping[str, int], depth: int) -> Card:
    card = build_card(step)
    if depth < MAX_DEPTH:
        card.groups = list(_groups(step, counts, depth))
    else:
        card.hidden = sum(1 for steps in places.step_lists({"steps": [step]}) for _ in steps.steps) - 1
    return card


def _groups(step: JSON, counts: Mapping[str, int], depth: int) -> Iterator[Group]:
    """Yield the groups of a step: those that it has, and those that a step of its kind always has."""
    step_id, paths = step["id"], nesting.arms(step)

    def group(kind: str, name: str, holder: JSON, key: str, list_key: str) -> Group:
        steps = holder.get(list_key)
        cards = [_card(inner, counts, depth + 1) for inner in steps] if isinstance(steps, list) else []
        return Group(f"{step_id}:{key}", kind, name, cards, depth + 1)

    for number, path in enumerate(paths, 1):
        head = build_card({**path, "kind": "path", "id": f"{step_id}:{number}"})
        made = group("path", head.name, path, str(number), "steps")
        made.head, made.is_first, made.is_last = head, number == 1, number == len(paths)
        yield made
    if step.get("kind") == "branch" or step.get(places.OTHERWISE):
        yield group("otherwise", "Otherwise", step, places.OTHERWISE, places.OTHERWISE)
    if step.get("kind") == "loop" or step.get(places.ELEMENTS):
        found = f" ({counts[step_id]} in this event)" if step_id in counts else ""
        name = f"For each of {step_summary.list_name(step)}{found}"
        yield group("items", name, step, places.ELEMENTS, places.ELEMENTS)
    if _has_failure_steps(step):
        name = "If an item fails" if step.get("kind") == "loop" else "If it fails"
        made = group("failure", name, step, places.FAILURE, places.FAILURE)
        made.unused = step.get("on_error") != "branch"
        yield made


def _has_failure_steps(step: JSON) -> bool:
    return step.get("on_error") == "branch" or bool(step.get(places.FAILURE))


def assign_faults(faults: list[Fault], document: JSON, cards: list[Card]) -> list[tuple[str, Fault]]:
    """Return each fault with the address of its card, and add its message to the card."""
    by_id = {card.id: card for card in every_card(cards)}
    assigned = []
    for fault in faults:
        address, path = _place_of(document, fault.path)
        if address in by_id:
            by_id[address].faults.append(fault.message)
        assigned.append((address, Fault(path, fault.message)))
    return assigned


def _place_of(document: JSON, path: str) -> tuple[str, str]:
    """Return the address of the card that a path of the document belongs to, and the rest of the path."""
    if path.startswith("trigger"):
        return "trigger", path
    holder, address, rest = document, "", path
    while match := _FAULT_PLACE.match(rest):
        inner = _inner(holder, match)
        if inner is None:
            break
        holder, address, rest = inner, inner["id"], rest[match.end() :]
    found = _FAULT_PATH.match(rest)
    if address and found:
        return f"{address}:{int(found[1]) + 1}", rest[found.end() :]
    return (address, rest) if address else ("flow", path)


def _inner(holder: JSON, match: re.Match[str]) -> JSON | None:
    """Return the step in a step, or in the document, to which a part of a path leads."""
    paths = nesting.arms(holder)
    if match[1] is not None:
        holder = paths[int(match[1])] if int(match[1]) < len(paths) else {}
    steps = holder.get(match[2])
    index = int(match[3])
    return steps[index] if isinstance(steps, list) and index < len(steps) else None
