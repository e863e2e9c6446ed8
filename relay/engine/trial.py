"""A trial: what a helper process does with templates that a page shows. No database, no network, no secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from relay import conditions, ids, templating
from relay.engine import splitting
from relay.engine.arrived import Arrived, event_context
from relay.errors import DocumentFaults, MissingName, RelayError, TemplateFault
from relay.flows.kinds import is_lookup
from relay.redaction import MASK

SHOWN = 2_000  # characters of a field's value
_TREES = {"action": "inputs", "set": "values", "filter": "when"}
# Of other kinds, the keys that hold templates of the step itself.
_OWN = {
    "loop": ("over",),
    "delay": ("for", "until", "key"),
    "digest": ("key",),
    "changed": ("value", "key"),
    "once": ("key",),
    "respond": ("status", "headers", "body"),
}


def answer(asked: dict[str, Any]) -> dict[str, Any]:
    """The answer to `{"check": document}` or to `{"step", "before", "outputs", "flow", "event"}`, as JSON.

    A step may come with `constants`, `vars` and `secret_vars`, which are names. Of a document, its `faults`. Of a step,
    `fields` by path, and for an event `passes` of a filter or the `inputs` of an action; `error` where it went no
    further.
    """
    return _checked(asked["check"]) if "check" in asked else _tried(asked)


def _checked(document: Any) -> dict[str, Any]:
    # Loaded for the first document: it is the larger half of this process.
    from relay.flows.validation import parse_document

    try:
        parse_document(document)
    except DocumentFaults as error:
        return {"faults": [[fault.path, fault.message] for fault in error.faults]}
    return {"faults": []}


def _tried(asked: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"fields": {}}
    try:
        context = _context(asked)
        if asked["step"].get("kind") == "action":
            context["vars"] = {**context["vars"], **dict.fromkeys(asked.get("secret_vars", ()), MASK)}
        _show(shown, asked["step"], context)
    except RelayError as error:
        shown["error"] = str(error)
    return shown


def _context(asked: dict[str, Any]) -> dict[str, Any]:
    flow, run = {"name": asked["flow"]}, {"id": ids.text(0)}
    context: dict[str, Any] = {"vars": asked.get("vars", {}), "constants": asked.get("constants", {})}
    context |= {"flow": flow, "run": run, "steps": {}}
    if asked["event"] is not None:
        context["event"] = event_context(arrived(asked["event"]))
        context |= _first(asked.get("split", ""), context)
    for step in asked["before"]:
        context["steps"][step.get("id")] = _outputs(step, context, asked["outputs"])
    return context


def _first(split: str, context: dict[str, Any]) -> dict[str, Any]:
    """`item` and `loop` of the first element, where the event is split."""
    try:
        with templating.Budget():
            return splitting.names(templating.compile_leaf(split), context, 1) if split else {}
    except RelayError:
        return {}


def packed(event: Arrived) -> list[Any]:
    """An event as JSON holds it."""
    return [*(getattr(event, name) for name in Arrived.__slots__[:5]), event.body.decode("latin-1"), event.received_at]


def arrived(values: list[Any]) -> Arrived:
    """The event that `packed` has packed."""
    number, method, query, headers, content_type, body, received_at = values
    return Arrived(number, method, query, headers, content_type, body.encode("latin-1"), received_at)


def _outputs(step: dict[str, Any], context: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    if step.get("kind") != "set":
        return dict(answers.get(str(step.get("id")), {}))
    try:
        with templating.Budget():
            values = templating.compile_tree(_without_tables(step.get("values") or {})).render(context)
    except RelayError:
        return {}
    looked_up = {name: found for name, found in _looked_up(step, context).items() if not isinstance(found, RelayError)}
    return {**values, **looked_up} if isinstance(values, dict) else {}


def _looked_up(step: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """What each value of a set that is looked up comes to, or why it comes to nothing."""
    values = step.get("values")
    named = values.items() if isinstance(values, dict) else ()
    tables = {name: value for name, value in named if is_lookup(value) and isinstance(value["table"], dict)}
    return {name: _found(name, value, context) for name, value in tables.items()}


def _found(name: str, value: dict[str, Any], context: dict[str, Any]) -> Any:
    # Loaded for the first of them: few flows have tables.
    from relay.flows.plan import compile_lookup

    try:
        with templating.Budget():
            return compile_lookup(value).found(name, context)
    except RelayError as error:
        return error


def _without_tables(values: Any) -> Any:
    """Values of a set, but for those that are looked up."""
    if not isinstance(values, dict):
        return values
    return {name: value for name, value in values.items() if not is_lookup(value)}


def _show(shown: dict[str, Any], step: dict[str, Any], context: dict[str, Any]) -> None:
    kind = str(step.get("kind"))
    tree = {key: step.get(key) for key in _OWN[kind]} if kind in _OWN else step.get(_TREES.get(kind, ""))
    for path, source in leaves(tree):
        shown["fields"][path] = _field(source, context)
    for name, found in _looked_up(step, context).items() if kind == "set" else ():
        shown["fields"][name] = _told(found, context)
    if "event" not in context:
        return
    with templating.Budget():
        if kind == "filter":
            shown["passes"] = conditions.compile_condition(tree).holds(context)
        elif kind == "action":
            shown["inputs"] = templating.compile_tree(tree or {}).render(context)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a tree with its path: `text`, `blocks[0].type`."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from leaves(value, f"{path}[{index}]")


def _field(source: str, context: dict[str, Any]) -> dict[str, Any]:
    try:
        with templating.Budget():
            return _told(templating.compile_leaf(source).render(context), context)
    except RelayError as error:
        return _told(error, context)


def _told(value: Any, context: dict[str, Any]) -> dict[str, Any]:
    """A value, or the error that came instead, as a preview shows it."""
    if isinstance(value, MissingName):
        if "event" not in context and value.path.split(".")[0].split("[")[0] == "event":
            return {}
        return {"error": str(value), "missing": True}
    if isinstance(value, TemplateFault):
        return {"error": str(value), "line": value.line, "column": value.column}
    if isinstance(value, RelayError):
        return {"error": str(value)}
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return {"text": text if len(text) <= SHOWN else text[:SHOWN] + "…"}
