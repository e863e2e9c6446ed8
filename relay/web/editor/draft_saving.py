"""Saves the editor's open form into the draft, merged with the changes that others saved since it was shown."""

from __future__ import annotations

import copy
import secrets
from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.http import QueryDict

from relay.engine.configuration import flow_lifecycle
from relay.errors import DocumentFaults, DraftChanged, RelayError
from relay.flows import loading, nesting
from relay.flows.merging import Conflict, merge
from relay.models import Flow, User
from relay.web.editor import draft_edits, form_parser
from relay.web.editor.steps import places
from relay.web.ui import form_data

MAX_CARD_BYTES = flow_lifecycle.MAX_DRAFT_BYTES
MAX_TRIES = 5  # a try fails when somebody else saves at the same time
# The keys of a document that the card "flow" edits.
FLOW_KEYS = ("name", "title", "description", "folder", "constants", "settings")
_MAX_VALUE_CHARACTERS = 80  # of a value in a sentence


@dataclass(frozen=True, slots=True)
class FormBase:
    """The state that a form was rendered from. The form posts it back, so that a save can be merged with others.

    `card`: the card's part of the document, as JSON. `revision`: of the draft. `page`: a random id of this form.
    """

    card: str
    revision: int
    page: str


@dataclass(frozen=True, slots=True)
class EditedDraft:
    """A draft with the posted form merged in. `card`: the open card as the form shows it.

    It is blocked, and must not be saved, if others changed the same values (`conflicts`) or removed the step (`gone`).
    `others`: somebody else saved the draft since the form was shown.
    """

    document: dict[str, Any]
    open_id: str
    card: dict[str, Any] | None = None
    conflicts: list[Conflict] = field(default_factory=list)
    gone: bool = False
    others: bool = False

    @property
    def is_blocked(self) -> bool:
        return self.gone or bool(self.conflicts)


def base_of(flow: Flow, document: dict[str, Any], step_id: str) -> FormBase:
    """Return the base for a form that is rendered now."""
    return FormBase(_json(card_of(document, step_id)), flow.draft_revision, secrets.token_urlsafe(12))


def next_base(flow: Flow, edited: EditedDraft, data: QueryDict) -> FormBase:
    """Return the base for the form that stays on the page after its save.

    If others saved too, the revision stays the page's: the page doesn't show their changes yet.
    """
    revision = _revision(data) if edited.others else flow.draft_revision
    return FormBase(_json(edited.card), revision, page_of(data))


def read(flow: Flow, data: QueryDict, *, overwrite: bool = False) -> EditedDraft:
    """Return the draft with the posted form merged in. `overwrite`: the form wins if both changed a value.

    RelayError for a form that can't be read.
    """
    document = draft_edits.editable_copy(flow.draft)
    step_id = form_data.text(data, "step", limit=form_parser.MAX_NAME_CHARACTERS)
    base = _base(data)
    is_same_page = bool(flow.draft_page) and flow.draft_page == page_of(data)
    if base is not None and base.get("kind") == "path" and not is_same_page:
        step_id = _path_now(document, step_id, base)
    saved = card_of(document, step_id)
    # Without "form" the page doesn't show the card's fields, so there is nothing to read.
    if "form" not in data:
        return EditedDraft(document, step_id if saved is not None else "trigger")
    if saved is None:
        return _read_removed(document, step_id, base, data)
    base = copy.deepcopy(saved) if base is None else base
    mine = copy.deepcopy(base)
    form_parser.apply(step_id, mine, data)
    merged, conflicts = merge(base, mine, saved)
    if overwrite or is_same_page:
        conflicts = []
    _replace_card(document, step_id, merged)
    return EditedDraft(document, step_id, mine, conflicts, others=_revision(data) != flow.draft_revision)


def save(flow: Flow, data: QueryDict, *, by: User) -> EditedDraft:
    """Save the posted form, unless it is blocked. RelayError if it can't be read or stored."""
    for _ in range(MAX_TRIES):
        edited = read(flow, data)
        if edited.is_blocked or _json(edited.document) == _json(flow.draft):
            return edited
        try:
            flow_lifecycle.save_draft(flow, edited.document, by=by, page=page_of(data))
        except DraftChanged:
            flow.refresh_from_db()
        else:
            return edited
    raise RelayError("Others are saving this flow at the same time. Try again in a moment.")


def is_stale(flow: Flow, data: QueryDict) -> bool:
    """Return whether others saved the draft since the page was shown. False for a form without a revision."""
    return "revision" in data and _revision(data) != flow.draft_revision


def restore_step(flow: Flow, data: QueryDict) -> EditedDraft:
    """Return the draft with a removed step restored from the posted form. RelayError if its id is in use."""
    edited = read(flow, data)
    if not edited.gone or edited.card is None:
        return edited
    if edited.card.get("kind") == "path":
        _restore_path(edited)
        return EditedDraft(edited.document, edited.open_id, edited.card)
    taken = {step["id"] for step in nesting.all_steps(edited.document)}
    own = {step["id"] for step in nesting.all_steps({"steps": [edited.card]})}
    if own & taken or not own:
        raise RelayError("This step can't be restored")
    edited.document["steps"].append(edited.card)
    return EditedDraft(edited.document, edited.open_id, edited.card)


def _restore_path(edited: EditedDraft) -> None:
    branch = places.find_step(edited.document, edited.open_id.rpartition(":")[0])
    if branch is None or edited.card is None or not isinstance(branch.get("branches"), list):
        raise RelayError("This path can't be restored: its branch was removed too")
    branch["branches"].append({**_without_kind(edited.card), "steps": []})


def blocked_reasons(flow: Flow, edited: EditedDraft, by: User) -> list[str]:
    """Return sentences that say why an edit can't be saved."""
    who = "You" if flow.draft_saved_by_id == by.pk else str(flow.draft_saved_by or "Somebody else")
    where = " in another tab" if flow.draft_saved_by_id == by.pk else ""
    if edited.gone:
        what = "path" if edited.card and edited.card.get("kind") == "path" else "step"
        return [f"{who} removed this {what}{where}. What you typed is only on this page."]
    return [f"{who} changed {_path_text(conflict.path)}{where}: {_change(conflict)}" for conflict in edited.conflicts]


def card_of(document: dict[str, Any], step_id: str) -> dict[str, Any] | None:
    """Return the part of a document that a card edits, or None if there is no such step."""
    if step_id == "flow":
        return {key: document[key] for key in FLOW_KEYS if key in document}
    if step_id == "trigger":
        trigger: dict[str, Any] = document["trigger"]
        return trigger
    step = places.find_step(document, step_id)
    path = places.find_path(document, step_id) if step is None else None
    return {"kind": "path", **_path_part(path.own)} if path else step


def _path_part(path: dict[str, Any]) -> dict[str, Any]:
    """The part of a path that its card edits: not its steps."""
    return {key: value for key, value in path.items() if key != "steps"}


def _without_kind(card: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in card.items() if key != "kind"}


def _path_now(document: dict[str, Any], address: str, base: dict[str, Any]) -> str:
    """The address of a path that others may have moved since its form was shown; an unused one if it was removed."""
    path = places.find_path(document, address)
    if path is not None and path.own.get("name") == base.get("name"):
        return address
    step_id = address.rpartition(":")[0]
    paths = nesting.arms(places.find_step(document, step_id) or {})
    same = [number for number, one in enumerate(paths, 1) if one.get("name") == base.get("name")]
    if len(same) == 1:
        return f"{step_id}:{same[0]}"
    is_renamed = path is not None and path.own.get("when") == base.get("when")
    return address if is_renamed else f"{step_id}:{len(paths) + 1}"


def _replace_card(document: dict[str, Any], step_id: str, card: dict[str, Any]) -> None:
    if step_id == "flow":
        for key in FLOW_KEYS:
            document.pop(key, None)
        document.update(card)
        return
    if step_id == "trigger":
        document["trigger"] = card
        return
    position = places.position_of(document, step_id)
    path = places.find_path(document, step_id) if position is None else None
    if position is not None:
        position.list.steps[position.index] = card
    elif path is not None:
        path.paths[path.index] = {**_without_kind(card), "steps": path.own.get("steps", [])}


def _read_removed(document: dict[str, Any], step_id: str, base: dict[str, Any] | None, data: QueryDict) -> EditedDraft:
    if base is None or (base.get("kind") != "path" and base.get("id") != step_id):
        raise RelayError("This step no longer exists. Reload the page.")
    form_parser.apply(step_id, base, data)
    return EditedDraft(document, step_id, base, gone=True, others=True)


def _base(data: QueryDict) -> dict[str, Any] | None:
    text = data.get("base") or ""
    if text[:1] != "{" or len(text) > MAX_CARD_BYTES:
        return None
    try:
        # It comes from the browser, so it may be anything: the limits of documents apply.
        card = loading.load(text)
    except DocumentFaults:
        return None
    return card if isinstance(card, dict) else None


def _json(card: dict[str, Any] | None) -> str:
    return msgspec.json.encode(card or {}).decode()


def page_of(data: QueryDict) -> str:
    """Return the id of the editor page that posted a form."""
    return form_data.text(data, "page", limit=32)


def _revision(data: QueryDict) -> int:
    text = form_data.text(data, "revision", limit=12)
    return int(text) if text.isascii() and text.isdigit() else 0


def _path_text(path: tuple[str | int, ...]) -> str:
    return ".".join(str(key) for key in path) or "it"


def _change(conflict: Conflict) -> str:
    return f"it is now {_short(conflict.theirs)}; you have {_short(conflict.mine)}."


def _short(value: Any) -> str:
    if value in (None, ""):
        return "empty"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"“{text[:_MAX_VALUE_CHARACTERS]}{'…' if len(text) > _MAX_VALUE_CHARACTERS else ''}”"
