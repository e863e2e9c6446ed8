"""Defines and parses the forms of step types with a few fields each; not the steps inside them."""

from __future__ import annotations

from typing import Any

import msgspec
from django.http import QueryDict

from relay.connectors.definition import Field
from relay.errors import DocumentFaults
from relay.flows import loading
from relay.web.ui import form_data, form_rows

_HEADERS = (
    'Names and values, such as {"X-Order": "{{ event.body.id }}"}. Preflights are answered with the '
    "Access-Control-* headers that have no template."
)
FORMS: dict[str, tuple[Field, ...]] = {
    "branch": (Field("match", "Take", kind="choice", options=("first", "all"), default="first"),),
    "loop": (
        Field(
            "over",
            "For each of",
            required=True,
            example="{{ event.body.items }}",
            help="A list. Its items are processed one after the other.",
        ),
        Field(
            "as",
            "Name of an item",
            default="item",
            help="Steps use this name for the item, and loop.index for its number.",
        ),
        Field(
            "limit",
            "At most",
            kind="number",
            help="The most items to process; the rest are skipped. A list of more than 1,000 needs a limit.",
        ),
        Field("on_error", "If one item fails", kind="choice", options=("stop", "continue", "branch"), default="stop"),
    ),
    "delay": (
        Field("for", "Wait for", example="10m", help="Such as 30s, 10m, 2h or 1d."),
        Field("until", "Or until", example="{{ event.body.date }}", help="A date, or a time of day such as 08:30."),
        Field(
            "key",
            "Only the newest for each",
            example="{{ event.body.device }}",
            help="A value. If another event with it arrives while this one waits, only the newest continues.",
        ),
    ),
    "digest": (
        Field("every", "Collect for", example="1h", help="From the first event on, such as 30m, 1h or 1d."),
        Field("at", "Or until", example="08:00", help="The next of these times of day, separated by commas."),
        Field("limit", "Or until there are", kind="number", help="The number of events, up to 1,000."),
        Field("key", "Separately for each", example="{{ event.body.customer }}", help="One digest for each value."),
    ),
    "changed": (
        Field("value", "Value", required=True, example="{{ event.body.temperature }}"),
        Field("key", "Separately for each", example="{{ event.body.sensor }}", help="Each has its own last value."),
        Field("deadband", "Ignore changes smaller than", kind="number", help="For a value that is a number."),
    ),
    "once": (
        Field(
            "key",
            "Only once for each",
            required=True,
            example="{{ event.body.id }}",
            help="The run continues only if this value is new.",
        ),
        Field("window", "Again after", example="24h", help="Empty: never, for as long as the flow exists."),
    ),
    "respond": (
        Field("status", "Status", default=200, help="The HTTP status that the waiting sender gets."),
        Field("body", "Body", kind="text", help="Text, or JSON with templates in it."),
        Field("headers", "Headers", kind="json", help=_HEADERS),
    ),
}
# Fields whose value is always parsed as JSON or YAML.
_TREE_KEYS = frozenset({"headers"})
# What people read for the options of a choice.
OPTION_LABELS = {
    "match": {"first": "the first that matches", "all": "all that match"},
    "on_error": {"stop": "stop", "continue": "skip it", "branch": "do other steps"},
}
NEW_STEPS: dict[str, dict[str, Any]] = {
    "branch": {"branches": []},
    "loop": {"over": "", "steps": []},
    "delay": {"for": "10m"},
    "digest": {"every": "1h"},
    "changed": {"value": ""},
    "once": {"key": ""},
    "respond": {},
}


def apply(step: dict[str, Any], data: QueryDict) -> None:
    """Put the posted fields into a step of one of these types, in place."""
    for field in FORMS[step["kind"]]:
        name = f"k.{field.key}"
        if name in data:
            value = _value(field, form_data.text(data, name), step.get(field.key))
            if value in ("", None) or (value == field.default and field.key not in step):
                step.pop(field.key, None)
                if field.required:
                    step[field.key] = ""
            else:
                step[field.key] = value


def _value(field: Field, text: str, former: Any) -> Any:
    if field.key in _TREE_KEYS:
        return parse_tree(text, former)
    text = text.strip() if field.kind != "text" else text
    if field.key == "at" and "," in text:
        return [part.strip() for part in text.split(",") if part.strip()]
    if field.kind == "number" or field.key == "status":
        return form_rows.read_number(text, former)
    if (
        field.key in ("over", "body", "value")
        and text.lstrip()[:1] in ("[", "{")
        and not text.lstrip().startswith("{{")
    ):
        return parse_tree(text, former)
    return form_rows.keep_type(text, former)


def parse_tree(text: str, former: Any) -> Any:
    """Return the value of JSON or YAML. Text that is neither is kept, so that nothing typed is lost."""
    if not text.strip():
        return None
    try:
        return loading.load(text)
    except DocumentFaults:
        return form_rows.keep_type(text, former)


def field_text(field: Field, value: Any) -> str:
    """Return the text of a value in its field."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, str | list) and field.key not in _TREE_KEYS and field.key != "over":
        return form_rows.value_text(value)
    return value if isinstance(value, str) else msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def tree_note(field: Field, value: Any) -> str:
    """Return why a text isn't a valid value of a JSON or YAML field, or ""."""
    if field.key not in _TREE_KEYS or not isinstance(value, str):
        return ""
    try:
        loading.load(value)
    except DocumentFaults as error:
        return f"This can't be read yet: {error}"
    return 'Enter an object of names and values, such as {"total": 10}.'
