"""Executes the editor's commands on steps and paths: `add filter big`, `up tell`, `move tell route:2`, `copy tell`."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages

from relay.errors import RelayError
from relay.flows import nesting
from relay.web.editor import draft_edits
from relay.web.editor.editor_command import EditorCommand
from relay.web.editor.steps import cards, clipboard, places, step_edits, step_text
from relay.web.ui import form_data

MAX_LACKS_CHARACTERS = 600  # of the message about what a pasted piece lacks


def _add(command: EditorCommand, kind: str, place: str) -> None:
    _require_place(command, place)
    if kind == "path":
        command.open_id = step_edits.add_path(command.document, place)
    elif kind == "failure":
        step_edits.add_failure_steps(command.document, place)
    elif kind in step_edits.STEP_TYPES:
        command.open_id = step_edits.add(command.document, kind, place=place)
    else:
        raise RelayError("Unknown step type")
    command.focus = f"add-{_key(f'{place}:{places.FAILURE}')}" if kind == "failure" else "form-title"
    command.said = "Added."
    command.save()


def _require_place(command: EditorCommand, address: str) -> None:
    """Refuse the address of a path or list from a page that is out of date: its number may now mean another path."""
    if ":" in address and places.find_step(command.document, address) is None:
        command.require_fresh()


def _edit(command: EditorCommand, what: str, address: str, edit: Callable[[], object], *, focus: str = "more") -> None:
    """Execute an edit that can be undone, and keep the open card open where its path has been moved."""
    _require_place(command, address)
    opened = places.find_path(command.document, command.open_id)
    own = opened.own if opened else None
    command.focus = f"{focus}-{_key(address)}"
    command.change(f"{_name(command, address)} {what}.", edit)
    if opened is not None:
        now = [number for number, path in enumerate(opened.paths, 1) if path is own]
        command.open_id = f"{opened.branch['id']}:{now[0]}" if now else str(opened.branch["id"])


def _name(command: EditorCommand, address: str) -> str:
    """Return what a step or path is called, in quotes."""
    path = places.find_path(command.document, address)
    step = places.find_step(command.document, address)
    if step is None and path is not None:
        step = {**path.own, "kind": "path", "id": address}
    return f"“{cards.build_card(step).name}”" if step else "The step"


def _key(address: str) -> str:
    return address.replace(":", "-")


def _shift(by: int) -> Callable[[EditorCommand, str, str], None]:
    def shift(command: EditorCommand, address: str, _second: str) -> None:
        def edit() -> None:
            step_edits.shift(command.document, address, by=by)

        is_path = places.find_step(command.document, address) is None
        _edit(command, "moved up" if by < 0 else "moved down", address, edit)
        number = address.rpartition(":")[2]
        if is_path and number.isdigit():
            command.focus = f"more-{_key(address.rpartition(':')[0])}-{int(number) + by}"

    return shift


def _move(command: EditorCommand, step_id: str, place: str) -> None:
    place = place or form_data.text(command.data, "place", limit=200)
    _require_place(command, place)
    _edit(command, "moved", step_id, lambda: step_edits.move(command.document, step_id, place=place))


def _out(command: EditorCommand, step_id: str, _second: str) -> None:
    _edit(command, "moved out of its group", step_id, lambda: step_edits.move_out(command.document, step_id))


def _into(command: EditorCommand, step_id: str, _second: str) -> None:
    _edit(command, "moved into the group above", step_id, lambda: step_edits.move_in(command.document, step_id))


def _duplicate(command: EditorCommand, address: str, _second: str) -> None:
    _require_place(command, address)
    command.open_id = step_edits.duplicate(command.document, address)
    command.focus, command.said = "form-title", "Duplicated. The copy is open."
    command.save()


def _switch(command: EditorCommand, step_id: str, _second: str) -> None:
    step_edits.toggle(command.document, step_id)
    command.focus = f"more-{_key(step_id)}"
    command.save()


def _remove(command: EditorCommand, address: str, _second: str) -> None:
    def edit() -> None:
        command.open_id = step_edits.remove(command.document, address)

    # Others may have added steps inside it, which the page doesn't show.
    command.require_fresh()
    what = f"{_name(command, address)} removed."
    command.change(what, edit)
    command.focus = f"card-{_key(command.open_id)}"


def _remove_failure(command: EditorCommand, step_id: str, _second: str) -> None:
    command.require_fresh()
    _edit(
        command,
        "no longer has steps for its failure",
        step_id,
        lambda: step_edits.remove_failure_steps(command.document, step_id),
    )


def _copy(command: EditorCommand, step_id: str, _second: str) -> None:
    step = places.find_step(command.document, step_id)
    if step is None:
        raise RelayError(places.GONE)
    name = cards.build_card(step).name
    clipboard.put(command.request.session, step, name)
    command.save()
    command.focus = f"more-{_key(step_id)}"
    messages.success(command.request, f"“{name}” is copied. Press + where to paste it, in this flow or another one.")


def _paste(command: EditorCommand, place: str, _second: str) -> None:
    """Paste the posted text, or what was copied; the message says what it uses and this flow lacks."""
    _require_place(command, place)
    text = form_data.text(command.data, "piece", limit=step_text.MAX_CHARACTERS)
    try:
        steps = clipboard.read(command.request.session, text)

        def edit() -> None:
            command.open_id = clipboard.paste(command.document, steps, place=place)

        command.change("Pasted.", edit)
    except RelayError as error:
        command.typed = step_text.typed(text, RelayError(clipboard.error_of(error)))
        command.query |= {"panel": "add", "place": place}
        return
    command.focus = "form-title"
    lacks = clipboard.lacks(command.flow, command.document, steps)
    if lacks:
        message = f"This flow lacks what the pasted steps use: {', '.join(lacks)}"
        messages.warning(command.request, f"{message[:MAX_LACKS_CHARACTERS]}.")


def _text(command: EditorCommand, _first: str, _second: str) -> None:
    """Replace a step, or the whole draft, by the posted text."""
    text = form_data.text(command.data, step_text.FIELD, limit=step_text.MAX_CHARACTERS)
    try:
        command.require_fresh()
        edit = _flow_edit(command, text) if command.open_id == "flow" else _step_edit(command, text)
        command.change("Changes to the text applied.", edit)
    except RelayError as error:
        command.typed = step_text.typed(text, error)
        command.query |= {"panel": "text"}
        return
    command.query |= {"panel": "text", "check": "1"}


def _flow_edit(command: EditorCommand, text: str) -> Callable[[], object]:
    document = step_text.read_flow(text)

    def edit() -> None:
        command.document = document

    return edit


def _step_edit(command: EditorCommand, text: str) -> Callable[[], object]:
    found = places.position_of(command.document, command.open_id)
    if found is None:
        raise RelayError("Choose a step to edit it as text")
    own = {step["id"] for step, _ in nesting.every([found.list.steps[found.index]])}
    taken = {step["id"] for step in nesting.all_steps(command.document)} - own
    step = step_text.read_step(text, taken)

    def edit() -> None:
        found.list.steps[found.index] = step
        command.document = draft_edits.editable_copy(command.document)
        command.open_id = step["id"]

    return edit


HANDLERS: dict[str, Callable[[EditorCommand, str, str], None]] = {
    "add": _add,
    "up": _shift(-1),
    "down": _shift(1),
    "move": _move,
    "out": _out,
    "into": _into,
    "duplicate": _duplicate,
    "switch": _switch,
    "remove": _remove,
    "unfail": _remove_failure,
    "copy": _copy,
    "paste": _paste,
    "text": _text,
}
