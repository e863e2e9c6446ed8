"""Builds the fields of a step's form, each with its value and its preview for the chosen event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from django.http import QueryDict

from relay.conditions import OPERATORS, WITHOUT_RIGHT
from relay.connectors.definition import Field
from relay.connectors.limits import limit_text
from relay.engine.preview.preview import FieldPreview, StepPreview
from relay.web.editor import form_parser, simple_forms
from relay.web.ui import form_rows

BODY_KINDS = (
    ("", "No body"),
    ("json", "JSON"),
    ("form", "Form"),
    ("text", "Text"),
    ("multipart", "Form with files"),
    ("file", "File"),
)


@dataclass(slots=True)
class FormField:
    """One field. `name`: as posted; `id`: of the element; `path`: in the step's tree; `row`: in a table.

    `limit`: what its service allows, in words. `reloads`: a change of it changes other parts of the page.
    """

    name: str
    path: str
    value: str
    label: str = ""
    kind: str = "text"
    help: str = ""
    required: bool = False
    options: list[tuple[str, str]] = field(default_factory=list)
    row: int | None = None
    blank: str = ""
    placeholder: str = ""
    note: str = ""
    limit: str = ""
    reloads: bool = False
    preview: FieldPreview | None = None

    @property
    def id(self) -> str:
        safe = "".join(letter if letter.isalnum() else "-" for letter in self.name)
        return f"f-{safe}" if self.row is None else f"f-{safe}-{self.row}"

    @property
    def posted(self) -> str:
        """The posted name of the text: that of a body has a suffix."""
        return f"{self.name}.text" if self.options and self.name == "in.body" else self.name

    def is_in(self, data: QueryDict) -> bool:
        """Return whether a posted form has this field."""
        return len(data.getlist(self.posted)) > (self.row or 0)

    @property
    def is_template(self) -> bool:
        return "{{" in self.value or "{%" in self.value


@dataclass(frozen=True, slots=True)
class Condition:
    """When a field is asked for: the posted name of another field, its default, and the texts of it, in lower case."""

    name: str
    default: str
    texts: list[str]
    holds: bool


@dataclass(slots=True)
class Group:
    """A field of several parts: `single`, `pairs` of rows, a `body`, an `object` of parts, or `rows` of parts.

    A row that is one expression has one part, of the shape `single`.
    """

    shape: str
    main: FormField
    pairs: list[tuple[FormField, FormField]] = field(default_factory=list)
    parts: list[Group] = field(default_factory=list)
    rows: list[list[Group]] = field(default_factory=list)
    condition: Condition | None = None

    def shown(self) -> list[FormField]:
        """Return the parts that have a preview."""
        if self.shape == "body" and not self.main.kind:
            return []
        if self.shape in ("object", "rows"):
            return [inner for row in (self.parts, *self.rows) for part in row for inner in part.shown()]
        return [value for _, value in self.pairs] or [self.main]


@dataclass(slots=True)
class Form:
    """The form of a step. A filter or a path has `rules`, a set step `pairs`, others `groups`."""

    step: dict[str, Any]
    groups: list[Group] = field(default_factory=list)
    pairs: list[tuple[FormField, FormField]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    join: str = "all"
    raw: FormField | None = None

    def shown(self) -> list[FormField]:
        """Return every field that has a preview."""
        groups = [part for group in self.groups for part in group.shown()]
        rules = [rule[side] for rule in self.rules for side in ("left", "right")]
        return [*groups, *[value for _, value in self.pairs], *rules, *([self.raw] if self.raw else [])]


def build_form(step: dict[str, Any], preview: StepPreview | None) -> Form:
    """Return the form of a step, with the previews of its fields."""
    result = Form(step)
    match step.get("kind"):
        case "filter" | "path":
            _filter(result, step.get("when"))
        case "set":
            result.pairs = pair_rows("values", step.get("values"), "")
        case "action":
            inputs = step.get("inputs")
            fields = [(field, form_parser.field_shape(step, field)) for field in form_parser.fields_of(step)]
            result.groups = _groups(fields, inputs if isinstance(inputs, dict) else {}, "in", "")
        case str() as kind if kind in simple_forms.FORMS:
            result.groups = [Group("single", _simple_field(step, field)) for field in simple_forms.FORMS[kind]]
    for shown in result.shown():
        shown.preview = preview_at(preview, shown.path) if preview else None
    return result


def _simple_field(step: dict[str, Any], field: Field) -> FormField:
    """Return one field of a step type in `simple_forms`."""
    value, labels = step.get(field.key), simple_forms.OPTION_LABELS.get(field.key, {})
    text = simple_forms.field_text(field, value)
    return FormField(
        name=f"k.{field.key}",
        path=field.key,
        value=text or str(field.default) if labels else text,
        label=field.label,
        kind=field.kind,
        help=field.help,
        required=field.required or bool(labels),
        options=[(key, labels.get(key, label)) for key, label in _options(field, value)],
        blank=f"{field.default}, by default" if field.default is not None else "",
        placeholder=str(field.default or field.example or ""),
        note=simple_forms.tree_note(field, value),
        reloads=bool(labels),
    )


def preview_at(preview: StepPreview, path: str) -> FieldPreview | None:
    """Return the preview of a field; for a tree in one field, that of its first fault."""
    exact = preview.fields.get(path)
    if exact is not None:
        return exact
    below = (part for key, part in preview.fields.items() if key.startswith((f"{path}.", f"{path}[")) and part.error)
    return next(below, None)


def _filter(result: Form, when: Any) -> None:
    when = when or {"all": [{"left": "", "op": "equals", "right": ""}]}
    flat = form_rows.flat_rules(when)
    if flat is None:
        result.raw = FormField("when", "", form_rows.value_text(when), label="Condition", kind="json")
        return
    result.join, rules = flat
    for index, rule in enumerate(rules):
        path = f"{result.join}[{index}]." if result.join in when else ""
        result.rules.append(
            {
                "left": FormField("left", f"{path}left", form_rows.value_text(rule.get("left")), row=index),
                "right": FormField("right", f"{path}right", form_rows.value_text(rule.get("right")), row=index),
                "op": rule["op"],
                "alone": rule["op"] in WITHOUT_RIGHT,
            }
        )


def operators() -> list[tuple[str, str]]:
    return list(OPERATORS.items())


def pair_rows(name: str, values: Any, path: str) -> list[tuple[FormField, FormField]]:
    """Return rows of names and values, and an empty row to fill in."""
    values = values if isinstance(values, dict) else {}
    rows = []
    for row, (key, value) in enumerate([*values.items(), ("", "")]):
        field_path = f"{path}.{key}" if path else key
        shown = FormField(f"{name}.value", field_path, form_rows.value_text(value), row=row)
        rows.append((FormField(f"{name}.key", "", key, row=row), shown))
    return rows


def _groups(fields: list[tuple[Field, str]], values: dict[str, Any], name: str, path: str) -> list[Group]:
    """Return the fields of one level with their shapes: the inputs, the parts of an object, or those of a row."""
    groups: dict[str, Group] = {}
    known = {one.key: one for one, _ in fields}
    for one, shape in fields:
        place = f"{path}.{one.key}" if path else one.key
        group = groups[one.key] = _group(one, shape, values.get(one.key), f"{name}.{one.key}", place)
        if one.when is not None and one.when[0] in known:
            other = one.when[0]
            group.condition = _condition(one.when[1], known[other], values.get(other), groups.get(other), name)
    return list(groups.values())


def _condition(wanted: tuple[Any, ...], other: Field, value: Any, group: Group | None, name: str) -> Condition:
    texts, default = [form_rows.value_text(one).lower() for one in wanted], form_rows.value_text(other.default)
    text = form_rows.value_text(value) or default
    is_asked = group is None or group.condition is None or group.condition.holds
    # A template may be any value.
    holds = is_asked and (text.lower() in texts or "{{" in text or "{%" in text)
    return Condition(f"{name}.{other.key}", default, texts, holds)


def _group(field: Field, shape: str, value: Any, name: str, path: str) -> Group:
    shown = FormField(
        name=name,
        path=path,
        value=_text(field, value),
        label=field.label,
        kind=field.kind,
        help=field.help,
        required=field.required,
        options=_options(field, value),
        blank=f"{form_rows.value_text(field.default)}, by default" if field.default is not None else "",
        placeholder=_placeholder(field),
        limit=limit_text(field),
    )
    match shape:
        case "pairs":
            return Group("pairs", shown, pair_rows(name, value, path))
        case "body":
            return _body(shown, value if isinstance(value, dict) else {})
        case "object" if value is None or isinstance(value, dict):
            return Group("object", shown, parts=_groups(_kinds(field), value or {}, name, path))
        case "rows" if form_parser.is_row_list(value):
            rows = [*(value or []), {}]
            shapes = [_row(field, row, f"{name}.{index}", f"{path}[{index}]") for index, row in enumerate(rows)]
            return Group("rows", shown, rows=shapes)
        case "object" | "rows":
            parts = "rows" if shape == "rows" else "fields"
            shown.kind, shown.limit = "json", ""
            shown.help = f"An expression for all of it. Empty it to fill in its {parts} instead. {field.help}".strip()
        case "json":
            shown.note = json_note(value)
    return Group("single", shown)


def _row(field: Field, row: dict[str, Any] | str, name: str, path: str) -> list[Group]:
    if isinstance(row, dict):
        return _groups(_kinds(field), row, name, path)
    return [Group("single", FormField(name, path, row, label="Expression", kind="json", required=True))]


def _kinds(field: Field) -> list[tuple[Field, str]]:
    return [(part, part.kind) for part in field.fields]


def _placeholder(field: Field) -> str:
    """An example of the value as it is typed."""
    return form_rows.value_text(field.default) or (
        "" if isinstance(field.example, bool) else _text(field, field.example)
    )


def _text(field: Field, value: Any) -> str:
    if field.kind == "list" and isinstance(value, list):
        return "\n".join(map(form_rows.value_text, value))
    if field.kind in ("json", "object", "rows") and value is not None and not isinstance(value, str):
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return form_rows.value_text(value)


def _options(field: Field, value: Any) -> list[tuple[str, str]]:
    """Return the options of a choice, with the current value if it is none of them, such as a template."""
    if field.kind == "boolean":
        options = [("true", "Yes"), ("false", "No")]
    elif field.kind == "choice":
        options = [(choice, choice) for choice in field.options]
    else:
        return []
    text = form_rows.value_text(value)
    known = {key for key, _ in options}
    return options if not text or text in known else [*options, (text, text)]


def _body(shown: FormField, value: dict[str, Any]) -> Group:
    kind = next((kind for kind, _ in BODY_KINDS if kind in value), "")
    shown.kind, shown.options = kind, list(BODY_KINDS)
    shown.help = shown.help or "The body of the request."
    shown.path = f"body.{kind}" if kind else "body"
    if kind == "form":
        return Group("body", shown, pair_rows(f"{shown.name}.form", value["form"], "body.form"))
    content = value.get(kind)
    if kind in ("json", "multipart"):
        shown.value = (
            content if isinstance(content, str) else msgspec.json.format(msgspec.json.encode(content)).decode()
        )
        shown.note = json_note(content)
    else:
        shown.value = form_rows.value_text(content)
    return Group("body", shown, [(FormField(f"{shown.name}.type", "", str(value.get("type") or "text/plain")), shown)])


def json_note(value: Any) -> str:
    """Return why a text isn't valid JSON, or "". One expression is fine: it renders to the whole value."""
    if not isinstance(value, str) or (value.strip().startswith("{{") and value.strip().endswith("}}")):
        return ""
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = str(error).removeprefix("JSON is malformed: ")
        return f'This isn\'t JSON yet: {reason}. Put templates in quotes: "{{{{ event.body.id }}}}".'
    return ""
