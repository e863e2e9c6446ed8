"""Executes the commands of the editor's buttons: `add filter big`, `up tell`, `publish`."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.contrib import messages

from relay.connectors import registry
from relay.engine import go_live_checks
from relay.engine.configuration import flow_lifecycle
from relay.engine.preview import preview
from relay.errors import RelayError
from relay.flows.diff import describe
from relay.flows.merging import merge
from relay.web.editor import draft_edits, draft_saving, pasted_command, trigger_kinds
from relay.web.editor.editor_command import UNDO, EditorCommand
from relay.web.editor.steps import places, step_commands
from relay.web.flows import data_source, sample_sending
from relay.web.ui import form_data, form_rows

QUESTION = "asks"  # in the address: what to confirm first, `publish` or `sample`
MAX_CHANGES_CHARACTERS = 400  # of the changes in the message after publishing
ROW_GROUPS = {"rule": ("left", "op", "right"), "input": trigger_kinds.COLUMNS}


def perform(command: EditorCommand, word: str, rest: list[str]) -> None:
    """Execute the command of a button. RelayError says what the person can do."""
    handler = _HANDLERS.get(word)
    if handler is None:
        raise RelayError("Unknown action. Reload the page.")
    if word in _WHOLE_DRAFT:
        command.require_fresh()
    if word not in {"undo", "save"}:
        command.request.session.pop(UNDO, None)
    handler(command, *([*rest, "", "", ""])[:2])
    if UNDO in command.query:
        command.request.session[UNDO] |= {"after": draft_edits.editable_copy(command.flow.draft)}


def _save(command: EditorCommand, _first: str, _second: str) -> None:
    command.save()


def _undo(command: EditorCommand, _first: str, _second: str) -> None:
    former = command.request.session.pop(UNDO, None)
    if not former or former.get("flow") != command.flow.pk:
        raise RelayError("There is nothing left to undo")
    command.open_id = former["step"]
    # Later changes stay.
    command.document, _ = merge(former["after"], former["draft"], command.document)
    command.save()


def _discard(command: EditorCommand, _first: str, _second: str) -> None:
    command.save()
    command.offer_undo("Draft reset to the live version.")
    flow_lifecycle.discard_draft(command.flow, by=command.request.user)


def _publish(command: EditorCommand, answer: str, _second: str) -> None:
    """Publish. If something is unfinished, ask first."""
    command.save()
    if answer != "anyway" and go_live_checks.find_faults(command.flow, command.document):
        command.query[QUESTION] = "publish"
        return
    former = command.flow.live_version
    version = flow_lifecycle.publish(command.flow, by=command.request.user)
    changes = describe(former.document, version.document) if former else ""
    summary = (
        f" Changed: {changes[:MAX_CHANGES_CHARACTERS]}{'…' if len(changes) > MAX_CHANGES_CHARACTERS else ''}."
        if changes
        else ""
    )
    messages.success(command.request, f"Version {version.number} is live. New events run through it.{summary}")


_STARTS = {
    "webhook": "This flow now starts when a request arrives at its URL.",
    "schedule": "This flow now starts on a schedule.",
    "manual": "This flow now starts when somebody starts it by hand.",
}


def _kind(command: EditorCommand, kind: str, _second: str) -> None:
    if trigger_kinds.kind_of(command.document["trigger"]) == kind:
        return
    command.save()
    command.offer_undo(_STARTS.get(kind, _STARTS["webhook"]))
    command.document["trigger"] = trigger_kinds.new_trigger(kind)
    command.save()


def _pick(command: EditorCommand, key: str, _second: str) -> None:
    command.query["pick"] = "1"
    command.save()


def _choose(command: EditorCommand, key: str, _second: str) -> None:
    connector, action = registry.find(key)
    names = command.flow.workspace.connections.filter(connector=connector.key).values_list("name", flat=True)[:2]
    only = names[0] if len(names) == 1 else None
    command.open_id = draft_edits.choose_action(
        command.document, command.open_id, connector=connector, action=action, connection=only
    )
    command.save()


def _more(command: EditorCommand, group: str, _second: str) -> None:
    """Add an empty row. Names and values always have one already."""
    holder = places.condition_holder(command.document, command.open_id)
    flat = form_rows.flat_rules(holder.get("when")) if holder is not None and group == "rule" else None
    if holder is not None and flat is not None:
        join, rules = flat
        if len(rules) >= form_rows.MAX_ROWS:
            raise RelayError(f"A condition may have {form_rows.MAX_ROWS} rows here")
        holder["when"] = {join: [*rules, {"left": "", "op": "equals", "right": ""}]}
        command.focus = f"f-left-{len(rules)}"
    command.save()


def _drop(command: EditorCommand, group: str, row: str) -> None:
    """Remove a row from the posted form, and read the form again."""
    names = ROW_GROUPS.get(group, (f"{group}.key", f"{group}.value"))
    if row.isascii() and row.isdigit():
        form_rows.remove_row(command.data, names, int(row[:6]))
        form_rows.remove_indexed(command.data, group, int(row[:6]))
    _read_again(command)


def _whole(command: EditorCommand, name: str, _second: str) -> None:
    """Edit an object or rows as one text: an expression, or the JSON of what was filled in."""
    step = places.find_step(command.document, command.open_id)
    if step is not None:
        draft_edits.write_as_text(step, name.split(".")[1:])
    command.save()


def _read_again(command: EditorCommand) -> None:
    edited = draft_saving.read(command.flow, command.data)
    command.document, command.open_id = edited.document, edited.open_id
    command.save()


def _default(command: EditorCommand, name: str, row: str) -> None:
    """Add a default to the missing name of a field: `a.b` becomes `a.b | default('')`."""
    values = command.data.getlist(name)
    index = int(row[:6]) if row.isascii() and row.isdigit() else 0
    if index < len(values):
        values[index] = with_default(values[index], _missing(command, values[index]))
        command.data.setlist(name, values)
    _read_again(command)


def _missing(command: EditorCommand, source: str) -> str:
    event = data_source.choose(command.flow, command.chosen).event
    shown = preview.preview(command.flow, command.document, command.open_id, event)
    paths = (field.error.partition(" is missing")[0] for field in shown.fields.values() if field.missing)
    return next((path for path in paths if path in source), "")


def with_default(source: str, path: str) -> str:
    """Return the template with a default for one name. RelayError if the name isn't written like that in it."""
    pattern = re.compile(re.escape(path) + r"(?![\w.\[(])(?!\s*\|\s*default)")
    changed, count = pattern.subn(lambda match: f"{match.group()} | default('')", source) if path else (source, 0)
    if not count:
        raise RelayError("Add it by hand: write | default('something') after the name that is missing")
    return changed


def _choices(command: EditorCommand, name: str, _second: str) -> None:
    """Show the choices of a field, for pages without scripts."""
    command.save()
    command.query |= {"choices": name, "find": form_data.text(command.data, f"find.{name}", limit=200).strip()}


def _curl(command: EditorCommand, _first: str, _second: str) -> None:
    """Replace the inputs of an HTTP step by those of the pasted cURL command, and offer to undo it."""
    step = places.find_step(command.document, command.open_id)
    if step is None or not pasted_command.accepts(step):
        raise RelayError("Choose the action “Send a request” first")
    pasted = pasted_command.read(command.data)
    try:
        command.save()
        if not pasted.error:
            command.offer_undo("Inputs replaced.")
            step["inputs"] = pasted.request.inputs
            command.save()
    except RelayError as error:
        command.withdraw_undo()
        pasted = pasted_command.failed(command.data, str(error))
    command.pasted = pasted


def _sample(command: EditorCommand, answer: str, example: str) -> None:
    """Send the chosen event, or a pasted one, to the flow. A live flow runs its steps for real, so it asks first.

    `answer`: `now` after the question, or `example` for an example of the sender: its preset and number.
    """
    command.save()
    body = form_data.text(command.data, "own").strip()
    sending = sample_sending.Sending(command.request, command.flow, body, example if answer == "example" else None)
    command.own = sending.body
    if answer != "now" and sending.must_ask():
        command.query[QUESTION] = "sample"
    else:
        chosen = data_source.choose(command.flow, command.chosen).event
        messages.success(command.request, sending.send(chosen, confirmed=answer == "now"))
    command.own = ""


_HANDLERS: dict[str, Callable[[EditorCommand, str, str], None]] = {
    "": _save,
    "save": _save,
    "mine": _save,
    "restore": _save,
    **step_commands.HANDLERS,
    "undo": _undo,
    "discard": _discard,
    "publish": _publish,
    "kind": _kind,
    "pick": _pick,
    "choose": _choose,
    "more": _more,
    "drop": _drop,
    "whole": _whole,
    "default": _default,
    "choices": _choices,
    "curl": _curl,
    "sample": _sample,
}

# Commands that act on the whole draft, also on changes of others that the page doesn't show.
_WHOLE_DRAFT = frozenset({"publish", "discard"})
