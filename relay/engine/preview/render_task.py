"""Renders and checks templates in a helper process, without database, network or secrets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from relay import conditions, ids, templating
from relay.bodies import numerals
from relay.connectors import handwritten
from relay.engine.intake import splitting
from relay.engine.intake.event_data import EventData, event_context
from relay.engine.preview import render_loops
from relay.engine.walk import input_masking
from relay.errors import DocumentFaults, MissingName, RelayError, TemplateFault, ValueRefused
from relay.flows.step_types import is_lookup

MAX_VALUE_CHARS = 2_000  # of a field
MAX_KNOWN_VALUES = 600  # of the steps before one, which is as many as a page shows
_TREES = {"action": "inputs", "set": "values", "filter": "when"}
# For other kinds, the keys that hold the step's own templates.
_OWN_KEYS = {
    "loop": ("over",),
    "delay": ("for", "until", "key"),
    "digest": ("key",),
    "changed": ("value", "key"),
    "once": ("key",),
    "respond": ("status", "headers", "body"),
}


def answer(question: dict[str, Any]) -> dict[str, Any]:
    """Answer `{"check": document}` or `{"step", "before", "outputs", "flow", "event"}`, as JSON.

    A document is given as plain values or as JSON or YAML text. The answer has its `faults`; if there are none, also
    the `document` as JSON text and its `uses` of variables. A step may come with `constants`, `vars` and
    `secret_vars` (a list of names). The answer has its `fields` by path and, with an event, `passes` for a filter or
    the `inputs` of an action; `error` if it failed. `loops`: the loops around the step, each as `[position, loop]`:
    `position` says how many of the steps before are done when it is entered. The step sees its first item.
    With `known` the answer has only the outputs of the steps before, by step and name, the `items` of the loops by
    name, and for the loops in `tree`, a list of steps, the `counts` of their items.
    """
    return _check(question["check"]) if "check" in question else _render(question)


def _check(source: Any) -> dict[str, Any]:
    # Imported for the first document, because they are the larger part of this process.
    from relay.flows.checks.validation import parse_document
    from relay.flows.document import document_to_json
    from relay.flows.references import find_references

    try:
        document = document_to_json(parse_document(numerals.plain(source)))
    except DocumentFaults as error:
        return {"faults": [[fault.path, fault.message] for fault in error.faults]}
    used = [[use.name, use.path, use.in_inputs] for use in find_references(document, "vars")]
    return {"faults": [], "document": json.dumps(document), "uses": used}


def _render(question: dict[str, Any]) -> dict[str, Any]:
    preview: dict[str, Any] = {"fields": {}}
    try:
        context = _context(question)
        secret = frozenset(question.get("secret_vars", ()) if question["step"].get("kind") == "action" else ())
        context["vars"] = input_masking.masks(context["vars"], secret)
        if question.get("known"):
            preview["known"] = _known(question["before"], context)
            preview["items"] = {name: context[name] for name in _item_names(question) if name in context}
            preview["counts"] = _counts(question, context)
            return preview
        _show(preview, question["step"], context, secret)
    except RelayError as error:
        preview["error"] = str(error)
    return preview


def _known(before: list[dict[str, Any]], context: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The values of `set` steps by step and name, each text of them rendered, up to MAX_KNOWN_VALUES texts.

    What can't be rendered is left out. Of a lookup there is only its result, as later steps see it.
    """
    texts_left = iter(range(MAX_KNOWN_VALUES))
    known = {}
    for step in before:
        if step.get("kind") == "set":
            found = {name: _as_field(value, context).get("text") for name, value in _look_up(step, context).items()}
            rest = _rendered(_without_tables(step.get("values") or {}), context, texts_left)
            known[step["id"]] = {**(rest if isinstance(rest, dict) else {}), **found}
    return {
        step_id: {name: value for name, value in values.items() if value is not None}
        for step_id, values in known.items()
        if values
    }


def _rendered(value: Any, context: dict[str, Any], texts_left: Iterator[int]) -> Any:
    """A tree with its texts rendered; None for a text that can't be, or when none are left."""
    if isinstance(value, dict):
        return {str(key): _rendered(part, context, texts_left) for key, part in value.items()}
    if isinstance(value, list):
        return [_rendered(part, context, texts_left) for part in value]
    if not isinstance(value, str):
        return value
    return _field(value, context, frozenset()).get("text") if next(texts_left, None) is not None else None


def _item_names(question: dict[str, Any]) -> list[str]:
    loops = [render_loops.item_name(loop) for _, loop in question.get("loops", ())]
    return [*loops, *(["item"] if question.get("split") else [])]


def _counts(question: dict[str, Any], context: dict[str, Any]) -> dict[str, int]:
    answers = question["outputs"]
    return render_loops.counts(question.get("tree", []), context, lambda step, around: _outputs(step, around, answers))


def _context(question: dict[str, Any]) -> dict[str, Any]:
    flow, run = {"name": question["flow"]}, {"id": ids.text(0)}
    context: dict[str, Any] = {"vars": question.get("vars", {}), "constants": question.get("constants", {})}
    context |= {"flow": flow, "run": run, "steps": {}}
    if question["event"] is not None:
        context["event"] = event_context(unpack_event(question["event"]))
        context |= _first_element(question.get("split", ""), context)
    loops = question.get("loops", ())
    for position, step in enumerate(question["before"], 1):
        context["steps"][step.get("id")] = _outputs(step, context, question["outputs"])
        for loop in (loop for entered, loop in loops if entered == position):
            render_loops.enter(loop, context)
    return context


def _first_element(split: str, context: dict[str, Any]) -> dict[str, Any]:
    """`item` and `loop` of the first element, if the event is split."""
    try:
        with templating.Budget():
            return splitting.element_context(templating.compile_leaf(split), context, 1) if split else {}
    except RelayError:
        return {}


def pack_event(event: EventData) -> list[Any]:
    """Convert an event to JSON values."""
    return event.pack()


def unpack_event(values: list[Any]) -> EventData:
    """Convert the JSON values of `pack_event` to an event."""
    return EventData.unpack(values)


def _outputs(step: dict[str, Any], context: dict[str, Any], answers: dict[str, Any]) -> dict[str, Any]:
    if step.get("kind") != "set":
        return dict(answers.get(str(step.get("id")), {}))
    try:
        with templating.Budget():
            values = templating.compile_tree(_without_tables(step.get("values") or {})).render(context)
    except RelayError:
        return {}
    lookups = {name: value for name, value in _look_up(step, context).items() if not isinstance(value, RelayError)}
    return {**values, **lookups} if isinstance(values, dict) else {}


def _look_up(step: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
    """The results of the lookups of a `set` step by name; an error if a lookup failed."""
    values = step.get("values")
    named = values.items() if isinstance(values, dict) else ()
    tables = {name: value for name, value in named if is_lookup(value) and isinstance(value["table"], dict)}
    return {name: _look_up_value(name, value, context) for name, value in tables.items()}


def _look_up_value(name: str, value: dict[str, Any], context: dict[str, Any]) -> Any:
    # Imported for the first lookup, because few flows have tables.
    from relay.flows.compiler import compile_lookup

    try:
        with templating.Budget():
            return compile_lookup(value).render(name, context)
    except RelayError as error:
        return error


def _without_tables(values: Any) -> Any:
    """The values of a `set` step that are not lookups."""
    if not isinstance(values, dict):
        return values
    return {name: value for name, value in values.items() if not is_lookup(value)}


def _show(preview: dict[str, Any], step: dict[str, Any], context: dict[str, Any], secret: frozenset[str]) -> None:
    kind, tree = str(step.get("kind")), _tree(step)
    preview["fields"].update(_fields(step, context, secret))
    if "event" not in context:
        return
    with templating.Budget():
        if kind == "filter":
            preview["passes"] = conditions.compile_condition(tree).holds(context)
            texts = {path: field["text"] for path, field in preview["fields"].items() if "text" in field}
            preview["hint"] = next(conditions.not_numbers(tree, texts), "")
        elif kind == "action":
            templating.compile_tree(tree or {})
            inputs = input_masking.shown(tree or {}, context, secret)
            handwritten.check_body(tree or {}, inputs, context)
            preview["inputs"] = inputs
        elif kind == "respond":
            preview["fields"] |= _response_fault(tree, context)


def _response_fault(answer: dict[str, Any], context: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The error of a response that can't be sent, on its body; {} if it can."""
    rendered = templating.compile_tree(answer).render(context)
    try:
        handwritten.check_answer(answer, rendered, context)
    except ValueRefused as error:
        return {"body": _as_field(error, context)}
    return {}


def _tree(step: dict[str, Any]) -> Any:
    """The part of a step that holds its own templates."""
    kind = str(step.get("kind"))
    return {key: step.get(key) for key in _OWN_KEYS[kind]} if kind in _OWN_KEYS else step.get(_TREES.get(kind, ""))


def _fields(
    step: dict[str, Any], context: dict[str, Any], secret: frozenset[str] = frozenset()
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The fields of a step by path, each with its value or error."""
    for path, source in leaves(_tree(step)):
        yield path, _field(source, context, secret)
    if step.get("kind") == "set":
        for name, value in _look_up(step, context).items():
            yield name, _as_field(value, context)


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The texts of a tree with their paths: `text`, `blocks[0].type`."""
    if isinstance(tree, str):
        yield path, tree
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for index, value in enumerate(tree):
            yield from leaves(value, f"{path}[{index}]")


def _field(source: str, context: dict[str, Any], secret: frozenset[str]) -> dict[str, Any]:
    try:
        with templating.Budget():
            return _as_field(input_masking.shown(source, context, secret), context)
    except RelayError as error:
        return _as_field(error, context)


def _as_field(value: Any, context: dict[str, Any]) -> dict[str, Any]:
    """A value or an error in the form of a preview's field."""
    if isinstance(value, MissingName):
        if "event" not in context and value.path.split(".")[0].split("[")[0] == "event":
            return {}
        return {"error": str(value), "missing": True}
    if isinstance(value, TemplateFault):
        return {"error": str(value), "line": value.line, "column": value.column}
    if isinstance(value, RelayError):
        return {"error": str(value)}
    text = value if isinstance(value, str) else numerals.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return {"text": text if len(text) <= MAX_VALUE_CHARS else text[:MAX_VALUE_CHARS] + "…"}
