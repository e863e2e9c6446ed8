"""Holds one press of a button of the editor: the draft that it changes, and what to show next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

from relay.engine.configuration import flow_lifecycle
from relay.errors import RelayError
from relay.models import Flow
from relay.web.auth.access import WorkspaceRequest
from relay.web.editor import draft_edits, draft_saving
from relay.web.editor.pasted_command import PastedCommand
from relay.web.editor.steps.step_text import TypedText
from relay.web.flows import data_source
from relay.web.ui import form_data

UNDO = "undo"  # in the session: the former draft; in the address: offer to undo
STALE = "Others have changed this flow since the page was loaded. Look at it, then try again."


@dataclass(slots=True)
class EditorCommand:
    """One press of a button: the draft with the open form merged in, and the card and query to show next.

    `pasted`: what became of a cURL command, and `typed`: a text that can't be taken. Both are shown at once, because
    their text is not stored. `focus`: the id of the element that gets the focus. `said`: what was done, in words.
    `own`: the text of a sample that was not sent.
    """

    request: WorkspaceRequest
    flow: Flow
    document: dict[str, Any]
    data: QueryDict
    open_id: str = "trigger"
    query: dict[str, str] = field(default_factory=dict)
    pasted: PastedCommand | None = None
    typed: TypedText | None = None
    focus: str = ""
    said: str = ""
    own: str = ""

    @property
    def chosen(self) -> str:
        """The event that the page shows, as in its address."""
        return form_data.text(self.data, data_source.PARAMETER, limit=40)

    def save(self) -> None:
        flow_lifecycle.save_draft(self.flow, self.document, by=self.request.user, page=draft_saving.page_of(self.data))

    def offer_undo(self, what: str) -> None:
        """Store the present draft in the session, and offer to undo the next change, which `what` describes."""
        draft = draft_edits.editable_copy(self.document)
        self.request.session[UNDO] = {"flow": self.flow.pk, "draft": draft, "step": self.open_id, "what": what}
        self.query[UNDO] = "1"
        self.said = what

    def change(self, what: str, edit: Callable[[], object]) -> None:
        """Save the open form, then edit the draft, and offer to undo the edit. If the edit fails, nothing changes."""
        self.save()
        self.offer_undo(what)
        try:
            edit()
            self.save()
        except RelayError:
            self.withdraw_undo()
            raise

    def withdraw_undo(self) -> None:
        """Take back the offer, because nothing was done."""
        self.request.session.pop(UNDO, None)
        self.query.pop(UNDO, None)
        self.said = ""

    def require_fresh(self) -> None:
        """Raise RelayError if others have changed the flow since the page was loaded; what was typed is saved then.

        The page is shown again with the error, so that it would lose the open form.
        """
        if draft_saving.is_stale(self.flow, self.data):
            if self.document != draft_edits.editable_copy(self.flow.draft):
                self.save()
            raise RelayError(STALE)
