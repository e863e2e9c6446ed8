"""Prepares what the editor shows in place of a form: steps to add, places to move a step to, or a text to edit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.errors import Fault, RelayError
from relay.web.auth.access import WorkspaceRequest
from relay.web.editor.editor_page import EditorPage
from relay.web.editor.steps import clipboard, places, step_text
from relay.web.editor.steps.cards import Card, Group
from relay.web.editor.steps.step_text import TextFault, TypedText

# Key, name, and what it is for, of each step that can be added.
KINDS = (
    ("action", "Action", "Send something to a service or a URL"),
    ("filter", "Filter", "Continue only if a condition holds"),
    ("branch", "Branch", "Take one path or another"),
    ("loop", "Loop", "Do steps once for each item of a list"),
    ("set", "Set values", "Compute values for later steps"),
    ("delay", "Delay", "Wait for a time"),
    ("digest", "Digest", "Collect many events into one"),
    ("changed", "Only if changed", "Continue only if a value has changed"),
    ("once", "Only once", "Continue only for a value that is new"),
    ("respond", "Respond", "Answer the caller"),
)


@dataclass(frozen=True, slots=True)
class Target:
    """A place to which a step can be moved. `depth`: of nesting."""

    place: str
    label: str
    depth: int

    @property
    def indent(self) -> str:
        return "\u2003" * self.depth


@dataclass(slots=True)
class Panel:
    """What the editor shows in place of a form. `kind`: `add`, `move` or `text`.

    `where`: the place to add at, in words. `copied`: the name of a copied step.
    `text`: of the part of the document that is edited; `piece`: a text to paste that was refused.
    """

    kind: str
    place: str = ""
    where: str = ""
    kinds: tuple[tuple[str, str, str], ...] = KINDS
    targets: list[Target] = field(default_factory=list)
    copied: str = ""
    text: str = ""
    piece: str = ""
    faults: list[TextFault] = field(default_factory=list)
    is_checked: bool = False

    @property
    def size(self) -> int:
        """How many places the list shows at once."""
        return min(max(len(self.targets), 2), 14)


def build_panel(
    request: WorkspaceRequest, page: EditorPage, query: Mapping[str, object], typed: TypedText | None
) -> Panel | None:
    """Return the panel that the query names, or None. `typed`: a text that was refused."""
    kind = str(query.get("panel", ""))
    if kind == "add":
        return _adding(request, page, str(query.get("place", "")), typed)
    if kind == "move" and page.step is not None and page.step.get("kind") != "path":
        return Panel("move", targets=list(_targets(page)))
    if (
        (kind == "text" or page.is_too_long)
        and (page.step is not None or page.open_id == "flow")
        and ":" not in page.open_id
    ):
        return _text(page, typed)
    return None


def _adding(request: WorkspaceRequest, page: EditorPage, place: str, typed: TypedText | None) -> Panel | None:
    try:
        position = places.resolve(page.document, place)
    except RelayError:
        return None
    panel = Panel("add", place, _where(page, place, position), copied=clipboard.label(request.session))
    if typed is not None:
        panel.piece, panel.faults = typed.text, typed.faults
    return panel


def _where(page: EditorPage, place: str, position: places.Position) -> str:
    """Return a place in words: `after “Tell Slack”, in “Germany”`."""
    group = next((group for group in _groups(page.cards) if group.address == position.list.address), None)
    if place == places.START:
        return "at the start"
    if group is None or place != group.address:
        return f"after “{page.name_of(place)}”"
    return "first for each item" if group.kind == "items" else f"first in “{group.name}”"


def _groups(cards: list[Card]) -> Iterator[Group]:
    for card in cards:
        for group in card.groups:
            yield group
            yield from _groups(group.cards)


def _targets(page: EditorPage) -> Iterator[Target]:
    """Yield every place outside of the open step, in the order of the list."""
    moved = page.open_id
    yield Target(places.START, "At the start", 0)
    yield from _below(page.cards, moved, 0)


def _below(cards: list[Card], moved: str, depth: int) -> Iterator[Target]:
    for card in cards:
        if card.id == moved:
            continue
        for group in card.groups:
            yield Target(group.address, f"In “{group.name}”, first", depth + 1)
            yield from _below(group.cards, moved, depth + 1)
        yield Target(card.id, f"After “{card.name}”", depth)


def _text(page: EditorPage, typed: TypedText | None) -> Panel:
    if typed is not None:
        return Panel("text", text=typed.text, faults=typed.faults)
    part: Any = page.step if page.step is not None else page.flow.draft
    panel = Panel("text", text=step_text.text_of(part), is_checked=page.faults is not None)
    start = places.path_of(page.document, page.open_id) if page.step is not None else ""
    own = [fault for fault in page.all_faults if fault.path.startswith(start)]
    panel.faults = step_text.locate(
        [Fault(fault.path.removeprefix(start).removeprefix("."), fault.message) for fault in own], panel.text
    )
    return panel
