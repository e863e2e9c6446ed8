"""Builds the context of the editor: a flow's cards, the open card's form, the chosen event, and the faults."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from relay.engine.configuration import flow_lifecycle
from relay.engine.files import downloads
from relay.engine.preview import last_answers
from relay.engine.preview import preview as previewing
from relay.engine.preview.preview import StepPreview
from relay.errors import Fault
from relay.flows import nesting
from relay.flows.diff import Difference
from relay.models import Event, Flow, Run
from relay.web.editor import data_source, draft_edits, form_fields
from relay.web.editor.choices import FieldChoices
from relay.web.editor.data_source import DataSource
from relay.web.editor.flow_form import FlowForm
from relay.web.editor.form_fields import Form
from relay.web.editor.step_form import StepForm
from relay.web.editor.trigger_form import TriggerForm
from relay.web.flows import step_summary, versions
from relay.web.runs import narrative
from relay.web.ui import payload_tree

_STEP_FAULT = re.compile(r"steps\[(\d+)\]\.?")


@dataclass(slots=True)
class Card:
    """One card of the list. `summary`: what the step does, in one line."""

    id: str
    kind: str
    name: str
    summary: str
    disabled: bool = False
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class EditorPage(TriggerForm, StepForm, FlowForm):
    """The editor's context, which templates know as `page`.

    Only the form of the card `open_id` is shown: `trigger`, `flow` or the id of a step.
    """

    flow: Flow
    document: dict[str, Any]
    open_id: str
    data: DataSource
    cards: list[Card]
    faults: list[tuple[str, Fault]] | None = None
    step: dict[str, Any] | None = None
    form: Form | None = None
    preview: StepPreview | None = None
    picking: bool = False
    choices: dict[str, FieldChoices] = field(default_factory=dict)

    @property
    def event(self) -> Event | None:
        """The event that fields are previewed with."""
        return self.data.event

    def name_of(self, card_id: str) -> str:
        """Return the name of a card on the page."""
        names = {
            "trigger": self.trigger_card[1],
            "flow": "The flow",
            **{card.id: card.name for card in self.cards},
        }
        return names.get(card_id, card_id)

    @property
    def fault_rows(self) -> list[tuple[str, str, Fault]]:
        """Each fault with the id and the name of its card."""
        return [(card_id, self.name_of(card_id), fault) for card_id, fault in self.faults or ()]

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
    def outputs(self) -> payload_tree.Node | None:
        """The outputs of the steps before the open one for the chosen event, under their template names."""
        outputs = previewing.known_outputs(self.flow, self.document, self.open_id, self.event)
        return payload_tree.build_tree(outputs, name="steps", key="steps", open_to=2) if outputs else None

    def search(self, words: str) -> list[payload_tree.Node]:
        """The parts of the data whose name or value contains `words`."""
        if self.event is None:
            return []
        outputs = previewing.known_outputs(self.flow, self.document, self.open_id, self.event)
        return payload_tree.search(self.event, words, {"steps": outputs})

    @property
    def borrowed_from(self) -> Run | None:
        """The run of another event whose answers are shown, if the chosen event has no run of its own."""
        run = last_answers.source(self.flow, self.event.pk) if self.event and self.step else None
        return run if run is not None and self.event is not None and run.event_id != self.event.pk else None


def build_page(
    flow: Flow, open_id: str, *, document: dict[str, Any] | None = None, checked: bool = False, chosen: str = ""
) -> EditorPage:
    """Return the editor of a flow with a card open: the trigger's, if there is no card `open_id`.

    `document`: an edited draft instead of the stored one. `checked`: with the faults that prevent publishing.
    `chosen`: the event to show, as in the address (see `data_source`).
    """
    document = draft_edits.editable_copy(flow.draft if document is None else document)
    data = data_source.choose(flow, chosen)
    page = EditorPage(flow, document, open_id, data, [build_card(step) for step in nesting.top(document)])
    if checked:
        page.faults = assign_faults(flow_lifecycle.check(flow), page.cards)
    page.step = draft_edits.find_step(document, open_id)
    if page.step is None:
        page.open_id = open_id if open_id == "flow" else "trigger"
    else:
        page.preview = previewing.preview(flow, document, open_id, data.event)
        page.form = form_fields.build_form(page.step, page.preview)
    return page


def assign_faults(faults: list[Fault], cards: list[Card]) -> list[tuple[str, Fault]]:
    """Return each fault with the id of its card, and add its message to the card."""
    assigned = []
    for fault in faults:
        match = _STEP_FAULT.match(fault.path)
        index = int(match.group(1)) if match else -1
        if match and index < len(cards):
            cards[index].faults.append(fault.message)
            assigned.append((cards[index].id, Fault(fault.path[match.end() :], fault.message)))
        else:
            assigned.append(("trigger" if fault.path.startswith("trigger") else "flow", fault))
    return assigned


def build_card(step: dict[str, Any]) -> Card:
    kind = str(step.get("kind"))
    name = step.get("name")
    does = narrative.does(step)
    summarize = step_summary.SUMMARIES.get(kind)
    summary = summarize(step) if summarize else does if name else ""
    disabled = step.get("disabled") is True
    return Card(step["id"], kind, name if isinstance(name, str) and name else does, summary, disabled)
