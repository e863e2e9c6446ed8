"""Parses the editor's posted form into the open card of a document. Malformed input is kept as text."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from django.http import QueryDict

from relay.connectors import registry
from relay.connectors.definition import Field
from relay.flows.document import Alerts
from relay.web.editor import choice_picks, sender_choice, simple_forms, trigger_kinds, trigger_limits
from relay.web.ui import form_data, form_rows

MAX_NAME_CHARACTERS = 200
MAX_NOTE_CHARACTERS = 2_000
DEFAULT_METHODS = ("POST", "PUT", "PATCH")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


def apply(step_id: str, card: dict[str, Any], data: QueryDict) -> None:
    """Put the posted form into a card, in place: a step, the trigger, or the flow's own names and settings.

    RelayError for too many rows.
    """
    if step_id == "flow":
        _flow(card, data)
    elif step_id == "trigger":
        _trigger(card, data)
    else:
        _step(card, choice_picks.with_picks(data))


def _flow(document: dict[str, Any], data: QueryDict) -> None:
    document["name"] = form_data.text(data, "name", limit=MAX_NAME_CHARACTERS).strip() or "Untitled flow"
    for key, limit in (("title", 2_000), ("description", 4_000), ("folder", 100)):
        _put(document, key, form_data.text(data, key, limit=limit).strip())
    if "constants.key" in data:
        _put(document, "constants", form_rows.read_pairs(data, "constants", document.get("constants")))
    if "retention" in data:
        _settings(document, data)


def _settings(document: dict[str, Any], data: QueryDict) -> None:
    former = document.get("settings")
    settings = dict(former) if isinstance(former, dict) else {}
    _put(settings, "retention", form_data.text(data, "retention", limit=20).strip())
    _put(settings, "store_bodies", False if "no_bodies" in data else None)
    if "alerts.on" in data:
        _put(settings, "alerts", _alerts(data))
    _put(document, "settings", settings)


def _alerts(data: QueryDict) -> dict[str, str]:
    """Return the alert settings that differ from the defaults."""
    on, silence = form_data.text(data, "alerts.on", limit=20), form_data.text(data, "alerts.silence", limit=20).strip()
    return {**({"on": on} if on != Alerts().on else {}), **({"silence": silence} if silence else {})}


def _put(target: dict[str, Any], key: str, value: Any) -> None:
    """Set a value, or remove the key if the value is empty, to keep documents short."""
    if value in ("", None, {}, []):
        target.pop(key, None)
    else:
        target[key] = value


def _trigger(trigger: dict[str, Any], data: QueryDict) -> None:
    if trigger_kinds.apply(trigger, data) or trigger_kinds.kind_of(trigger) != "webhook":
        return
    sender_choice.apply(trigger, data)
    if "methods" in data:
        methods = [method for method in METHODS if method in data.getlist("methods")]
        if "methods" in trigger or methods != list(DEFAULT_METHODS):
            trigger["methods"] = methods
    for key, value in trigger_limits.posted_limits(data).items():
        _put(trigger, key, value)
    if "split" in data:
        _put(trigger, "split", form_data.text(data, "split", limit=2_000).strip())
    if "dedupe.key" in data:
        key = form_data.text(data, "dedupe.key", limit=2_000).strip()
        window = form_data.text(data, "dedupe.window", limit=20).strip()
        _put(trigger, "dedupe", {"key": key, **({"window": window} if window else {})} if key else None)
    response = trigger.get("response")
    response = dict(response) if isinstance(response, dict) else {}
    status = form_data.text(data, "response.status", limit=3).strip()
    _put(response, "status", int(status) if status.isascii() and status.isdigit() else None)
    if "response.wait" in data:
        _put(response, "wait", form_data.text(data, "response.wait", limit=20).strip())
    _put(response, "body", form_data.text(data, "response.body"))
    _put(response, "headers", form_rows.read_pairs(data, "response.headers", response.get("headers")))
    _put(trigger, "response", response)


def _step(step: dict[str, Any], data: QueryDict) -> None:
    _put(step, "name", form_data.text(data, "name", limit=MAX_NAME_CHARACTERS).strip())
    if "note" in data:
        _put(step, "note", form_data.text(data, "note", limit=MAX_NOTE_CHARACTERS).strip())
    match step.get("kind"):
        case "filter" | "path":
            _filter(step, data)
        case "set":
            step["values"] = form_rows.read_pairs(data, "values", step.get("values"))
        case "action" if step.get("action"):
            _action(step, data)
        case str() as kind if kind in simple_forms.FORMS:
            simple_forms.apply(step, data)


def _filter(step: dict[str, Any], data: QueryDict) -> None:
    if "when" in data:
        step["when"] = parse_json(form_data.text(data, "when"), step.get("when"))
    else:
        step["when"] = form_rows.read_condition(data, step.get("when"))


def _action(step: dict[str, Any], data: QueryDict) -> None:
    _put(step, "connection", form_data.text(data, "connection", limit=MAX_NAME_CHARACTERS))
    former = step.get("inputs")
    inputs = dict(former) if isinstance(former, dict) else {}
    for field in fields_of(step):
        value = _input(field, field_shape(step, field), data, f"in.{field.key}", inputs.get(field.key))
        _put(inputs, field.key, value)
    step["inputs"] = inputs
    delays = [part for part in re.split(r"[\s,]+", form_data.text(data, "retry", limit=MAX_NAME_CHARACTERS)) if part]
    _put(step, "retry", {"delays": delays} if delays or "no_retry" in data else None)
    on_error = data.get("on_error")
    _put(step, "on_error", on_error if on_error in ("continue", "branch") else None)


def fields_of(step: dict[str, Any]) -> tuple[Field, ...]:
    """Return the fields of an action step's form; none if the action is unknown."""
    known = registry.known(step.get("action"))
    return tuple(known[1].inputs) if known else ()


def field_shape(step: dict[str, Any], field: Field) -> str:
    """Return how a field is edited: `pairs` for headers and query, `body` for a body, or its own kind."""
    known = registry.known(step.get("action"))
    if known is None:
        return field.kind
    action = known[1]
    if field.key in (action.headers_input, action.query_input):
        return "pairs"
    return "body" if field.key == action.body_input else field.kind


def _input(field: Field, shape: str, data: QueryDict, name: str, former: Any) -> Any:
    match shape:
        case "pairs":
            return form_rows.read_pairs(data, name, former)
        case "body":
            return parse_body(data, name, former)
        case "object":
            return _object(field, data, name, former)
        case "rows":
            return _rows(field, data, name, former)
        case "json":
            return parse_json(form_data.text(data, name), former)
        case "list":
            return _list(form_data.text(data, name), former)
        case "boolean":
            return {"true": True, "false": False}.get(form_data.text(data, name), form_data.text(data, name))
        case "number" | "integer":
            return form_rows.read_number(form_data.text(data, name).strip(), former)
    return form_rows.keep_type(form_data.text(data, name), former)


def is_row_list(value: Any) -> bool:
    """Return whether a value is edited row by row: up to 100 objects or expressions, or nothing yet."""
    if value is None:
        return True
    return (
        isinstance(value, list)
        and len(value) < form_rows.MAX_ROWS
        and all(isinstance(row, dict | str) for row in value)
    )


def _object(field: Field, data: QueryDict, name: str, former: Any) -> Any:
    """Return the posted parts of an object, or the text in place of it. Names that the field lacks are kept."""
    if name in data:
        return _whole(form_data.text(data, name).strip(), former)
    values = dict(former) if isinstance(former, dict) else {}
    for part in field.fields:
        _put(values, part.key, _input(part, part.kind, data, f"{name}.{part.key}", values.get(part.key)))
    return values


def _rows(field: Field, data: QueryDict, name: str, former: Any) -> Any:
    """Return the posted rows without empty ones, or the text in place of them. RelayError for too many rows."""
    if name in data:
        return _whole(form_data.text(data, name).strip(), former)
    indexes = form_rows.posted_indexes(data, name)
    known = former if isinstance(former, list) else []
    rows = [_object(field, data, f"{name}.{index}", known[index] if index < len(known) else None) for index in indexes]
    return [row for row in rows if row]


def _whole(text: str, former: Any) -> Any:
    """Return the text of an expression, or the JSON that a text is where there was JSON before."""
    return text if isinstance(former, str | None) else parse_json(text, former)


def _list(text: str, former: Any) -> Any:
    if isinstance(former, list) and text == "\n".join(map(form_rows.value_text, former)):
        return former
    if text.strip().startswith("{{") and "\n" not in text.strip():
        return text.strip()  # one expression that renders to the list
    return [line for line in text.split("\n") if line.strip()]


def parse_json(text: str, former: Any) -> Any:
    """Return the JSON value of a text. Invalid JSON is kept as text, so that nothing typed is lost."""
    if not text.strip():
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return form_rows.keep_type(text, former)


def parse_body(data: QueryDict, name: str, former: Any) -> Any:
    """Return the body, such as `{"json": tree}`, `{"form": {...}}` or `{"text": ..., "type": ...}`; None for none."""
    text = form_data.text(data, f"{name}.text")
    former = former if isinstance(former, dict) else {}
    match data.get(f"{name}.kind"):
        case "json" | "multipart" as shape:
            tree = parse_json(text, former.get(shape))
            return {shape: tree if tree is not None else {}} | _kept_type(former, shape)
        case "file":
            return {"file": form_rows.keep_type(text, former.get("file"))} | _kept_type(former, "file")
        case "form":
            return {"form": form_rows.read_pairs(data, f"{name}.form", former.get("form"))}
        case "text":
            kind = form_data.text(data, f"{name}.type", limit=MAX_NAME_CHARACTERS).strip()
            return {"text": text, "type": kind or "text/plain"}
    return None


def _kept_type(former: dict[str, Any], shape: str) -> dict[str, Any]:
    """The content type of a body whose form has no field for it."""
    return {"type": former["type"]} if shape in former and "type" in former else {}
