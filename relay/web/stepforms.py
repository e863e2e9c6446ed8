"""What an editor's form posted becomes the open step of a document; odd input is a message, never a crash."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from django.http import QueryDict

from relay.connectors import registry
from relay.connectors.definition import Field
from relay.errors import RelayError
from relay.flows.document import Alerts
from relay.web import drafts, kindforms, kinds, limits, posted, rows, senders

NAME = 200
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?")


def apply(document: dict[str, Any], data: QueryDict) -> str:
    """Put the posted form into the document, in place; the id of the open card. RelayError says what is too much."""
    step_id = posted.text(data, "step", limit=NAME)
    step = drafts.found(document, step_id)
    if step is None and step_id != "flow":
        step_id = "trigger"
    # Without it the page showed something else than the form: nothing is to be read.
    if "form" not in data:
        return step_id
    if step is not None:
        _step(step, data)
    elif step_id == "flow":
        _flow(document, data)
    else:
        _trigger(document["trigger"], data)
    return step_id


def _flow(document: dict[str, Any], data: QueryDict) -> None:
    document["name"] = posted.text(data, "name", limit=NAME).strip() or "Untitled flow"
    for key, limit in (("title", 2_000), ("description", 4_000), ("folder", 100)):
        _put(document, key, posted.text(data, key, limit=limit).strip())
    if "constants.key" in data:
        _put(document, "constants", rows.pairs(data, "constants", document.get("constants")))
    if "retention" in data:
        _settings(document, data)


def _settings(document: dict[str, Any], data: QueryDict) -> None:
    former = document.get("settings")
    settings = dict(former) if isinstance(former, dict) else {}
    _put(settings, "retention", posted.text(data, "retention", limit=20).strip())
    _put(settings, "store_bodies", False if "no_bodies" in data else None)
    if "alerts.on" in data:
        _put(settings, "alerts", _alerts(data))
    _put(document, "settings", settings)


def _alerts(data: QueryDict) -> dict[str, str]:
    """What is not as usual about when people are told."""
    on, silence = posted.text(data, "alerts.on", limit=20), posted.text(data, "alerts.silence", limit=20).strip()
    return {**({"on": on} if on != Alerts().on else {}), **({"silence": silence} if silence else {})}


def _put(into: dict[str, Any], key: str, value: Any) -> None:
    """Set a value, or leave the key out where there is none: the documents stay short."""
    if value in ("", None, {}, []):
        into.pop(key, None)
    else:
        into[key] = value


def _trigger(trigger: dict[str, Any], data: QueryDict) -> None:
    if kinds.read(trigger, data) or kinds.kind_of(trigger) != "webhook":
        return
    senders.apply(trigger, data)
    if "methods" in data:
        trigger["methods"] = [method for method in METHODS if method in data.getlist("methods")]
    for key, value in limits.read(data).items():
        _put(trigger, key, value)
    if "split" in data:
        _put(trigger, "split", posted.text(data, "split", limit=2_000).strip())
    if "dedupe.key" in data:
        key = posted.text(data, "dedupe.key", limit=2_000).strip()
        window = posted.text(data, "dedupe.window", limit=20).strip()
        _put(trigger, "dedupe", {"key": key, **({"window": window} if window else {})} if key else None)
    response = trigger.get("response")
    response = dict(response) if isinstance(response, dict) else {}
    status = posted.text(data, "response.status", limit=3).strip()
    _put(response, "status", int(status) if status.isascii() and status.isdigit() else None)
    if "response.wait" in data:
        _put(response, "wait", posted.text(data, "response.wait", limit=20).strip())
    _put(response, "body", posted.text(data, "response.body"))
    _put(response, "headers", rows.pairs(data, "response.headers", response.get("headers")))
    _put(trigger, "response", response)


def _step(step: dict[str, Any], data: QueryDict) -> None:
    _put(step, "name", posted.text(data, "name", limit=NAME).strip())
    match step.get("kind"):
        case "filter":
            _filter(step, data)
        case "set":
            step["values"] = rows.pairs(data, "values", step.get("values"))
        case "action" if step.get("action"):
            _action(step, data)
        case str() as kind if kind in kindforms.FORMS:
            kindforms.apply(step, data)


def _filter(step: dict[str, Any], data: QueryDict) -> None:
    if "when" in data:
        step["when"] = parsed(posted.text(data, "when"), step.get("when"))
    else:
        step["when"] = rows.condition(data, step.get("when"))


def _action(step: dict[str, Any], data: QueryDict) -> None:
    _put(step, "connection", posted.text(data, "connection", limit=NAME))
    former = step.get("inputs")
    inputs = dict(former) if isinstance(former, dict) else {}
    for field in fields_of(step):
        _put(inputs, field.key, _input(step, field, data, inputs.get(field.key)))
    step["inputs"] = inputs
    delays = [part for part in re.split(r"[\s,]+", posted.text(data, "retry", limit=NAME)) if part]
    _put(step, "retry", {"delays": delays} if delays or "no_retry" in data else None)
    on_error = data.get("on_error")
    _put(step, "on_error", on_error if on_error in ("continue", "branch") else None)
    steps = kindforms.tree(posted.text(data, "error_steps"), step.get("error_steps"))
    _put(step, "error_steps", steps if on_error == "branch" else None)


def fields_of(step: dict[str, Any]) -> tuple[Field, ...]:
    """The fields of an action step's form; none when the action isn't known."""
    try:
        return tuple(registry.find(str(step.get("action")))[1].inputs)
    except RelayError:
        return ()


def shape(step: dict[str, Any], field: Field) -> str:
    """How a field is edited: `pairs`, `body`, or its own kind."""
    if step.get("action") == "http.request":
        return {"headers": "pairs", "query": "pairs", "body": "body"}.get(field.key, field.kind)
    return field.kind


def _input(step: dict[str, Any], field: Field, data: QueryDict, former: Any) -> Any:
    name = f"in.{field.key}"
    match shape(step, field):
        case "pairs":
            return rows.pairs(data, name, former)
        case "body":
            return body(data, name, former)
        case "json":
            return parsed(posted.text(data, name), former)
        case "list":
            return _list(posted.text(data, name), former)
        case "boolean":
            return {"true": True, "false": False}.get(posted.text(data, name), posted.text(data, name))
        case "number":
            return _number(posted.text(data, name).strip(), former)
    return rows.kept(posted.text(data, name), former)


def _number(text: str, former: Any) -> Any:
    if not _NUMBER.fullmatch(text):
        return rows.kept(text, former)
    return float(text) if "." in text else int(text)


def _list(text: str, former: Any) -> Any:
    if isinstance(former, list) and text == "\n".join(map(rows.shown, former)):
        return former
    if text.strip().startswith("{{") and "\n" not in text.strip():
        return text.strip()  # one expression that gives the list
    return [line for line in text.split("\n") if line.strip()]


def parsed(text: str, former: Any) -> Any:
    """The JSON value of a text; while it isn't JSON, the text itself, so that nothing typed is lost."""
    if not text.strip():
        return None
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return rows.kept(text, former)


def body(data: QueryDict, name: str, former: Any) -> Any:
    """`{"json": tree}`, `{"form": {...}}` or `{"text": ..., "type": ...}`; None for no body."""
    text = posted.text(data, f"{name}.text")
    former = former if isinstance(former, dict) else {}
    match data.get(f"{name}.kind"):
        case "json":
            tree = parsed(text, former.get("json"))
            return {"json": tree} if tree is not None else {"json": {}}
        case "form":
            return {"form": rows.pairs(data, f"{name}.form", former.get("form"))}
        case "text":
            kind = posted.text(data, f"{name}.type", limit=NAME).strip()
            return {"text": text, "type": kind or "text/plain"}
    return None
