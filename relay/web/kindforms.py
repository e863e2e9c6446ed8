"""Forms of the kinds of steps that are a few fields each; nested steps are a box of JSON or YAML."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import QueryDict

from relay.connectors.definition import Field
from relay.errors import DocumentFaults
from relay.flows import loading
from relay.web import posted, rows

ERROR_STEPS = Field("error_steps", "Error steps", kind="json", help="A list of steps, as JSON or YAML; for branch.")
_ERRORS = (
    Field(
        "on_error",
        "When an element fails",
        kind="choice",
        options=("stop", "continue", "branch"),
        default="stop",
        help="Stop the run, go on with the next element, or walk the error steps first.",
    ),
    ERROR_STEPS,
)
FORMS: dict[str, tuple[Field, ...]] = {
    "branch": (
        Field(
            "branches",
            "Arms",
            kind="json",
            required=True,
            help="A list of name, when and steps, as JSON or YAML. The first arm whose condition holds is walked.",
        ),
        Field("else", "Else", kind="json", help="The steps to walk where no arm is taken."),
        Field("match", "Arms to walk", kind="choice", options=("first", "all"), default="first"),
    ),
    "loop": (
        Field("over", "List", required=True, example="{{ event.body.items }}", help="One element after the other."),
        Field("as", "Name of an element", default="item", help="What the steps call it, beside loop.index."),
        Field("limit", "Elements at most", kind="number", help="More are left out. Without it, over 1,000 fail."),
        Field("steps", "Steps", kind="json", required=True, help="A list of steps, as JSON or YAML."),
        *_ERRORS,
    ),
    "delay": (
        Field("for", "Wait for", example="10m", help="A number and s, m, h or d."),
        Field("until", "Or until", example="{{ event.body.date }}", help="A date, or a time of day as 08:30."),
        Field(
            "key",
            "Unless another comes with the same",
            example="{{ event.body.device }}",
            help="Of the runs of a key only the last one goes on: when nothing has come for so long.",
        ),
    ),
    "digest": (
        Field("every", "Gather for", example="1h", help="From the first event on: a number and s, m, h or d."),
        Field("at", "Or until", example="08:00", help="The next of these times of day, with commas between them."),
        Field("limit", "Or up to", kind="number", help="So many events, 1,000 at most."),
        Field("key", "Key", example="{{ event.body.customer }}", help="Each key is gathered for itself."),
    ),
    "changed": (
        Field("value", "Value", required=True, example="{{ event.body.temperature }}"),
        Field("key", "Key", example="{{ event.body.sensor }}", help="Each key has its own last value."),
        Field("deadband", "Dead band", kind="number", help="A number has changed when it differs by more."),
    ),
    "once": (
        Field("key", "Key", required=True, example="{{ event.body.id }}", help="A run goes on when it is new."),
        Field("window", "Again after", example="24h", help="Empty: as long as runs are kept."),
    ),
    "respond": (
        Field("status", "Status", default=200, help="Of the answer to the caller that waits."),
        Field("body", "Body", kind="text", help="Text, or JSON with templates in it."),
        Field("headers", "Headers", kind="json", help='Names and values, as {"X-Order": "{{ event.body.id }}"}.'),
    ),
}
# Boxes that hold JSON even where the text is not, yet.
_TREES = frozenset({"branches", "else", "steps", "error_steps", "headers"})
NEW: dict[str, dict[str, Any]] = {
    "branch": {"branches": [{"name": "first", "when": {"left": "{{ event.body.id }}", "op": "exists"}, "steps": []}]},
    "loop": {"over": "", "steps": []},
    "delay": {"for": "10m"},
    "digest": {"every": "1h"},
    "changed": {"value": ""},
    "once": {"key": ""},
    "respond": {},
}


def apply(step: dict[str, Any], data: QueryDict) -> None:
    """Put the posted fields into a step of one of these kinds, in place."""
    for field in FORMS[step["kind"]]:
        name = f"k.{field.key}"
        if name in data:
            value = _value(field, posted.text(data, name), step.get(field.key))
            if value in ("", None) or (value == field.default and field.key not in step):
                step.pop(field.key, None)
                if field.required:
                    step[field.key] = [] if field.key in _TREES else ""
            else:
                step[field.key] = value


def _value(field: Field, text: str, former: Any) -> Any:
    if field.key in _TREES:
        return tree(text, former)
    text = text.strip() if field.kind != "text" else text
    if field.key == "at" and "," in text:
        return [part.strip() for part in text.split(",") if part.strip()]
    if field.kind == "number" or field.key == "status":
        return _number(text)
    if (
        field.key in ("over", "body", "value")
        and text.lstrip()[:1] in ("[", "{")
        and not text.lstrip().startswith("{{")
    ):
        return tree(text, former)
    return rows.kept(text, former)


def _is_tree(text: str) -> bool:
    return text[:1] in ("[", "{") and text[:2] not in ("{{", "{%")


def _number(text: str) -> Any:
    try:
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else float(text)
    except ValueError:
        return text


def tree(text: str, former: Any) -> Any:
    """The value of JSON or YAML; while it is neither, the text itself, so that nothing typed is lost."""
    if not text.strip():
        return None
    try:
        return loading.load(text)
    except DocumentFaults:
        return rows.kept(text, former)


def shown(field: Field, value: Any) -> str:
    """A value as its field shows it."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, str | list) and field.key not in _TREES and field.key != "over":
        return rows.shown(value)
    return value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def note(field: Field, value: Any) -> str:
    """What to say of a text where a tree is wanted."""
    if field.key not in _TREES or not isinstance(value, str):
        return ""
    try:
        loading.load(value)
    except DocumentFaults as error:
        return f"This can't be read yet: {error}"
    return "A list is wanted here." if field.key != "headers" else "Names and values are wanted here."
