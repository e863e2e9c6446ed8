"""Builds the context of the editor: a flow's cards, the open card's form, the chosen event, and the faults."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from relay.engine.configuration import flow_lifecycle
from relay.engine.files import downloads
from relay.engine.preview import last_answers
from relay.engine.preview import preview as previewing
from relay.engine.preview.preview import KnownData, StepPreview
from relay.errors import Fault
from relay.flows import nesting
from relay.flows.diff import Difference
from relay.models import Event, Flow, Run
from relay.web.editor import draft_edits, file_choices, form_fields
from relay.web.editor.choices import FieldChoices
from relay.web.editor.file_choices import FileGroup
from relay.web.editor.flow_form import FlowForm
from relay.web.editor.form_fields import Form
from relay.web.editor.step_form import StepForm
from relay.web.editor.steps import cards as cards_of_steps
from relay.web.editor.steps import places
from relay.web.editor.steps.cards import Card
from relay.web.editor.trigger_form import TriggerForm
from relay.web.flows import data_source, versions
from relay.web.flows.data_source import DataSource
from relay.web.ui import form_rows, payload_tree

MAX_FIELDS = 500  # of a form


@dataclass(slots=True)
class EditorPage(TriggerForm, StepForm, FlowForm):
    """The editor's context, which templates know as `page`.

    Only the form of the card `open_id` is shown: `trigger`, `flow`, the id of a step or the address of a path.
    """

    flow: Flow
    document: dict[str, Any]
    open_id: str
    data: DataSource
    cards: list[Card]
    faults: list[tuple[str, Fault]] | None = None
    all_faults: list[Fault] = field(default_factory=list)
    step: dict[str, Any] | None = None
    form: Form | None = None
    preview: StepPreview | None = None
    picking: bool = False
    known_data: KnownData | None = None
    choices: dict[str, FieldChoices] = field(default_factory=dict)

    @property
    def event(self) -> Event | None:
        """The event that fields are previewed with."""
        return self.data.event

    def name_of(self, address: str) -> str:
        """Return the name of a card on the page."""
        names = {"trigger": self.trigger_card[1], "flow": "The flow"}
        named = ((card.id, card.name) for card in cards_of_steps.every_card(self.cards))
        return {**dict(named), **names}.get(address, address)

    @property
    def named_faults(self) -> list[tuple[str, str, Fault]]:
        """Each fault with the address and the name of its card."""
        return [(address, self.name_of(address), fault) for address, fault in self.faults or ()]

    @property
    def open_card(self) -> Card | None:
        """The card that is open, with its present name and summary; None for the trigger and the flow."""
        return next((card for card in cards_of_steps.every_card(self.cards) if card.id == self.open_id), None)

    @property
    def is_too_long(self) -> bool:
        """Whether the open card has too many rows for a form, so that it is edited as text."""
        if self.open_id == "flow":
            return len(self.constants) > form_rows.MAX_ROWS + 1
        return self.form is not None and _is_too_long(self.form)

    @property
    def known(self) -> KnownData:
        """What is known at the open card."""
        if self.known_data is None:
            is_path = self.step is not None and self.step.get("kind") == "path"
            step_id = self.open_id.rpartition(":")[0] if is_path else self.open_id
            self.known_data = previewing.known_data(self.flow, self.document, step_id, self.event)
        return self.known_data

    @property
    def changes(self) -> list[Difference]:
        """What publishing would change in the live version."""
        return versions.unpublished(self.flow, self.document)

    @property
    def arrived(self) -> payload_tree.EventTree | None:
        """The data of the chosen event."""
        return payload_tree.event_tree(self.event) if self.event else None

    @property
    def files(self) -> payload_tree.Node | None:
        """The files of the chosen event, if it has any."""
        files = downloads.of_event(self.event) if self.event else []
        return payload_tree.files_tree(files) if files else None

    @property
    def file_groups(self) -> list[FileGroup]:
        """The files that a field of the open step can send."""
        if self.step is None or not file_choices.needs_files(self.step):
            return []
        return file_choices.offered(self.document, self.open_id, self.event, self.known)

    @property
    def items(self) -> list[payload_tree.Node]:
        """The first items of the loops around the open step, the innermost first."""
        found = reversed(self.known.items.items())
        return [payload_tree.build_tree(item, name=name, key=name, open_to=2) for name, item in found]

    @property
    def outputs(self) -> payload_tree.Node | None:
        """The outputs of the steps before the open one for the chosen event, under their template names."""
        outputs = self.known.outputs
        return payload_tree.build_tree(outputs, name="steps", key="steps", open_to=2) if outputs else None

    def search(self, words: str) -> list[payload_tree.Node]:
        """The parts of the data whose name or value contains `words`."""
        if self.event is None:
            return []
        return payload_tree.search(self.event, words, {**self.known.items, "steps": self.known.outputs})

    @property
    def borrowed_from(self) -> Run | None:
        """The run of another event whose answers are shown, if the chosen event has no run of its own."""
        run = last_answers.source(self.flow, self.event.pk) if self.event and self.step else None
        return run if run is not None and self.event is not None and run.event_id != self.event.pk else None


def _is_too_long(form: Form) -> bool:
    """Whether a form has more rows than can be posted, or more fields than a page can show."""
    rows = max((len(pairs) for pairs in (form.pairs, *(group.pairs for group in form.groups))), default=0)
    return rows > form_rows.MAX_ROWS + 1 or len(form.shown()) > MAX_FIELDS


def build_page(
    flow: Flow,
    open_id: str,
    *,
    document: dict[str, Any] | None = None,
    checked: bool = False,
    has_counts: bool = True,
    chosen: str = "",
) -> EditorPage:
    """Return the editor of a flow with a card open: the trigger's, if there is no card `open_id`.

    `document`: an edited draft instead of the stored one. `checked`: with the faults that prevent publishing.
    `has_counts`: with the number of items of each loop. `chosen`: the event to show, as in the address (see
    `data_source`).
    """
    document = draft_edits.editable_copy(flow.draft if document is None else document)
    page = EditorPage(flow, document, open_id, data_source.choose(flow, chosen), [])
    page.step = _open_step(document, open_id)
    page.open_id = page.step["id"] if page.step else "flow" if open_id == "flow" else "trigger"
    is_loop = page.step is not None and page.step.get("kind") == "loop"
    page.cards = cards_of_steps.build_cards(document, page.known.counts if has_counts or is_loop else {})
    if checked:
        page.all_faults = flow_lifecycle.check(flow)
        page.faults = cards_of_steps.assign_faults(page.all_faults, document, page.cards)
    if page.step is not None:
        page.preview = _preview(page)
        page.form = form_fields.build_form(page.step, page.preview)
    return page


def _open_step(document: dict[str, Any], open_id: str) -> dict[str, Any] | None:
    """Return the step to open, or a path as a step of the kind `path`; None for any other card.

    The entries of runs name the item of a loop too, as `tell[2]`.
    """
    for address in dict.fromkeys((open_id, nesting.base(open_id))):
        step = places.find_step(document, address)
        if step is not None:
            return step
    path = places.find_path(document, open_id)
    return {**path.own, "kind": "path", "id": open_id} if path else None


def _preview(page: EditorPage) -> StepPreview:
    """Return the preview of the open step or path."""
    step = page.step or {}
    if step.get("kind") != "path":
        return previewing.preview(page.flow, page.document, step["id"], page.event)
    branch_id = step["id"].rpartition(":")[0]
    return previewing.preview_condition(page.flow, page.document, branch_id, step.get("when"), page.event)
