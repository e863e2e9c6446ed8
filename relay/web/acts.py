"""What the editor's buttons do, one function a word: `add filter big`, `up tell`, `publish`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.contrib import messages
from django.http import QueryDict

from relay.connectors import registry
from relay.engine import preview, publish, sampling
from relay.errors import RelayError
from relay.flows.differences import in_words
from relay.models import Flow
from relay.web import drafts, kinds, rows, stepforms
from relay.web.access import WorkspaceRequest

UNDO = "undo"
TOLD = 400  # characters of what publishing has changed
ROW_GROUPS = {"rule": ("left", "op", "right"), "input": kinds.COLUMNS}


@dataclass(slots=True)
class Act:
    """One press of a button: the draft with the open form in it, and where to go then."""

    request: WorkspaceRequest
    flow: Flow
    document: dict[str, Any]
    data: QueryDict
    open_id: str = "trigger"
    query: dict[str, str] = field(default_factory=dict)

    def save(self) -> None:
        publish.save_draft(self.flow, self.document)


def perform(act: Act, word: str, rest: list[str]) -> None:
    """Do what a button says; RelayError in words for people."""
    verb = _VERBS.get(word)
    if verb is None:
        raise RelayError("That button is not known; load the page again")
    if word not in {"undo", "save"}:
        act.request.session.pop(UNDO, None)
    verb(act, *([*rest, "", "", ""])[:2])


def _save(act: Act, _one: str, _two: str) -> None:
    act.save()


def _add(act: Act, kind: str, after: str) -> None:
    if kind not in drafts.KINDS:
        raise RelayError("There is no such kind of step")
    act.open_id = drafts.add(act.document, kind, after=after)
    act.save()


def _move(by: int) -> Callable[[Act, str, str], None]:
    def move(act: Act, step_id: str, _two: str) -> None:
        drafts.move(act.document, step_id, by=by)
        act.save()

    return move


def _duplicate(act: Act, step_id: str, _two: str) -> None:
    act.open_id = drafts.duplicate(act.document, step_id)
    act.save()


def _switch(act: Act, step_id: str, _two: str) -> None:
    drafts.switch(act.document, step_id)
    act.save()


def _remove(act: Act, step_id: str, _two: str) -> None:
    act.save()
    _remember(act, "The step is removed.")
    act.open_id = drafts.remove(act.document, step_id)
    act.save()


def _remember(act: Act, what: str) -> None:
    """Keep the draft as it is, and say beside its button what can be taken back."""
    draft = drafts.copied(act.document)
    act.request.session[UNDO] = {"flow": act.flow.pk, "draft": draft, "step": act.open_id, "what": what}
    act.query[UNDO] = "1"


def _undo(act: Act, _one: str, _two: str) -> None:
    former = act.request.session.pop(UNDO, None)
    if not former or former.get("flow") != act.flow.pk:
        raise RelayError("There is nothing to take back any more")
    act.open_id = former["step"]
    publish.save_draft(act.flow, former["draft"])


def _discard(act: Act, _one: str, _two: str) -> None:
    act.save()
    _remember(act, "The draft is as the live version again.")
    publish.discard_draft(act.flow)


def _publish(act: Act, _one: str, _two: str) -> None:
    act.save()
    former = act.flow.live_version
    version = publish.publish(act.flow, by=act.request.user)
    changed = in_words(former.document, version.document) if former else ""
    told = f" Changed: {changed[:TOLD]}{'…' if len(changed) > TOLD else ''}." if changed else ""
    messages.success(act.request, f"Version {version.number} is live. What arrives from now on goes through it.{told}")


def _kind(act: Act, kind: str, _two: str) -> None:
    if kinds.kind_of(act.document["trigger"]) == kind:
        return
    act.save()
    _remember(act, "What starts the flow is another now.")
    act.document["trigger"] = kinds.fresh(kind)
    act.save()


def _pick(act: Act, key: str, _two: str) -> None:
    act.query["pick"] = "1"
    act.save()


def _choose(act: Act, key: str, _two: str) -> None:
    connector, action = registry.find(key)
    names = act.flow.workspace.connections.filter(connector=connector.key).values_list("name", flat=True)[:2]
    only = names[0] if len(names) == 1 else None
    act.open_id = drafts.choose(act.document, act.open_id, connector=connector, action=action, connection=only)
    act.save()


def _more(act: Act, group: str, _two: str) -> None:
    """An empty row below; of names and values there is always one already."""
    step = drafts.found(act.document, act.open_id)
    found = rows.flat(step.get("when")) if step is not None and group == "rule" else None
    if found is not None:
        _, rules = found
        if len(rules) >= rows.MAX_ROWS:
            raise RelayError(f"A filter may have {rows.MAX_ROWS} rows here")
        rules.append({"left": "", "op": "equals", "right": ""})
    act.save()


def _drop(act: Act, group: str, row: str) -> None:
    """Take a row away, and read the form again without it."""
    names = ROW_GROUPS.get(group, (f"{group}.key", f"{group}.value"))
    if row.isascii() and row.isdigit():
        rows.without(act.data, names, int(row[:6]))
    act.document = drafts.copied(act.flow.draft)
    stepforms.apply(act.document, act.data)
    act.save()


def _default(act: Act, name: str, row: str) -> None:
    """Give the missing name of a field a default: `a.b` becomes `a.b | default('')`."""
    values = act.data.getlist(name)
    place = int(row[:6]) if row.isascii() and row.isdigit() else 0
    if place < len(values):
        values[place] = with_default(values[place], _missing(act, values[place]))
        act.data.setlist(name, values)
    act.document = drafts.copied(act.flow.draft)
    stepforms.apply(act.document, act.data)
    act.save()


def _missing(act: Act, source: str) -> str:
    event = act.flow.events.order_by("-id").first()
    shown = preview.preview(act.flow, act.document, act.open_id, event)
    found = (one.error.partition(" is missing")[0] for one in shown.fields.values() if one.missing)
    return next((path for path in found if path in source), "")


def with_default(source: str, path: str) -> str:
    """The template with a default for one name; RelayError when the name isn't written in it like that."""
    pattern = re.compile(re.escape(path) + r"(?![\w.\[(])(?!\s*\|\s*default)")
    changed, count = pattern.subn(lambda match: f"{match.group()} | default('')", source) if path else (source, 0)
    if not count:
        raise RelayError("Add it by hand: write | default('something') after the name that is missing")
    return changed


def _sample(act: Act, _one: str, _two: str) -> None:
    act.save()
    body = act.data.get("sample", "").strip()
    event = sampling.send_sample(act.flow, body.encode("utf-8", "replace") if body else None)
    run = event.runs.first()
    what = "captured, for the flow is a draft" if run is None else "on its way through the live version"
    messages.success(act.request, f"The sample has arrived: it is {what}.")


_VERBS: dict[str, Callable[[Act, str, str], None]] = {
    "": _save,
    "save": _save,
    "add": _add,
    "up": _move(-1),
    "down": _move(1),
    "duplicate": _duplicate,
    "switch": _switch,
    "remove": _remove,
    "undo": _undo,
    "discard": _discard,
    "publish": _publish,
    "kind": _kind,
    "pick": _pick,
    "choose": _choose,
    "more": _more,
    "drop": _drop,
    "default": _default,
    "sample": _sample,
}
