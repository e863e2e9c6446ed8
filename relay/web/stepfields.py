"""The fields of a step's form: what is in them, and what each renders to for the last event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec

from relay.conditions import OPERATORS, WITHOUT_RIGHT
from relay.connectors.definition import Field
from relay.engine.preview import FieldPreview, StepPreview
from relay.web import kindforms, rows, stepforms

BODY_KINDS = (("", "No body"), ("json", "JSON"), ("form", "Form"), ("text", "Text"))


@dataclass(slots=True)
class Shown:
    """One field. `name` is what is posted, `id` the element's, `path` its place in the step's tree, `row` its row."""

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
    preview: FieldPreview | None = None

    @property
    def id(self) -> str:
        safe = "".join(letter if letter.isalnum() else "-" for letter in self.name)
        return f"f-{safe}" if self.row is None else f"f-{safe}-{self.row}"

    @property
    def posted(self) -> str:
        """The posted name that holds the text: a body's is below its field's."""
        return f"{self.name}.text" if self.options and self.name == "in.body" else self.name

    @property
    def is_template(self) -> bool:
        return "{{" in self.value or "{%" in self.value


@dataclass(slots=True)
class Group:
    """A field of several parts: `single`, `pairs` of rows, or a `body`."""

    shape: str
    main: Shown
    pairs: list[tuple[Shown, Shown]] = field(default_factory=list)

    def shown(self) -> list[Shown]:
        """Its parts that have a preview."""
        if self.shape == "body" and not self.main.kind:
            return []
        return [value for _, value in self.pairs] or [self.main]


@dataclass(slots=True)
class Form:
    """All of a step's form. `rules` of a filter, `pairs` of a set, `groups` of others; `errors` of an action."""

    step: dict[str, Any]
    groups: list[Group] = field(default_factory=list)
    pairs: list[tuple[Shown, Shown]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    join: str = "all"
    raw: Shown | None = None
    errors: str = ""

    def shown(self) -> list[Shown]:
        """Every field that has a preview."""
        groups = [part for group in self.groups for part in group.shown()]
        rules = [rule[side] for rule in self.rules for side in ("left", "right")]
        return [*groups, *[value for _, value in self.pairs], *rules, *([self.raw] if self.raw else [])]


def form(step: dict[str, Any], preview: StepPreview | None) -> Form:
    """The form of a step, each field with its preview where there is one."""
    made = Form(step)
    match step.get("kind"):
        case "filter":
            _filter(made, step.get("when"))
        case "set":
            made.pairs = pairs("values", step.get("values"), "")
        case "action":
            made.groups = [_group(step, one) for one in stepforms.fields_of(step)]
            made.errors = kindforms.shown(kindforms.ERROR_STEPS, step.get("error_steps"))
        case str() as kind if kind in kindforms.FORMS:
            made.groups = [Group("single", _of_kind(step, one)) for one in kindforms.FORMS[kind]]
    for shown in made.shown():
        shown.preview = joined(preview, shown.path) if preview else None
    return made


def _of_kind(step: dict[str, Any], one: Field) -> Shown:
    """One field of a kind that is a few fields."""
    value = step.get(one.key)
    return Shown(
        name=f"k.{one.key}",
        path=one.key,
        value=kindforms.shown(one, value),
        label=one.label,
        kind=one.kind,
        help=one.help,
        required=one.required,
        options=_options(one, value),
        blank=f"{one.default}, by default" if one.default is not None else "",
        placeholder=str(one.default or one.example or ""),
        note=kindforms.note(one, value),
    )


def joined(preview: StepPreview, path: str) -> FieldPreview | None:
    """A field's preview; of a tree within one field, its first fault."""
    exact = preview.fields.get(path)
    if exact is not None:
        return exact
    below = (one for key, one in preview.fields.items() if key.startswith((f"{path}.", f"{path}[")) and one.error)
    return next(below, None)


def _filter(made: Form, when: Any) -> None:
    when = when or {"all": [{"left": "", "op": "equals", "right": ""}]}
    found = rows.flat(when)
    if found is None:
        made.raw = Shown("when", "", rows.shown(when), label="Condition", kind="json")
        return
    made.join, rules = found
    for index, rule in enumerate(rules):
        path = f"{made.join}[{index}]"
        made.rules.append(
            {
                "left": Shown("left", f"{path}.left", rows.shown(rule.get("left")), row=index),
                "right": Shown("right", f"{path}.right", rows.shown(rule.get("right")), row=index),
                "op": rule["op"],
                "alone": rule["op"] in WITHOUT_RIGHT,
            }
        )


def operators() -> list[tuple[str, str]]:
    return list(OPERATORS.items())


def pairs(name: str, values: Any, path: str) -> list[tuple[Shown, Shown]]:
    """Rows of name and value, and an empty one to fill."""
    values = values if isinstance(values, dict) else {}
    made = []
    for row, (key, value) in enumerate([*values.items(), ("", "")]):
        place = f"{path}.{key}" if path else key
        shown = Shown(f"{name}.value", place, rows.shown(value), row=row)
        made.append((Shown(f"{name}.key", "", key, row=row), shown))
    return made


def _group(step: dict[str, Any], one: Field) -> Group:
    inputs = step.get("inputs")
    value = inputs.get(one.key) if isinstance(inputs, dict) else None
    shape = stepforms.shape(step, one)
    shown = Shown(
        name=f"in.{one.key}",
        path=one.key,
        value=_text(one, value),
        label=one.label,
        kind=one.kind,
        help=one.help,
        required=one.required,
        options=_options(one, value),
        blank=f"{rows.shown(one.default)}, by default" if one.default is not None else "",
        placeholder=str(one.default or (one.example if isinstance(one.example, str) else "")),
    )
    if shape == "pairs":
        return Group("pairs", shown, pairs(shown.name, value, one.key))
    if shape == "body":
        return _body(shown, value if isinstance(value, dict) else {})
    if shape == "json":
        shown.note = not_json(value)
    return Group("single", shown)


def _text(one: Field, value: Any) -> str:
    if one.kind == "list" and isinstance(value, list):
        return "\n".join(map(rows.shown, value))
    if one.kind == "json" and value is not None and not isinstance(value, str):
        return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return rows.shown(value)


def _options(one: Field, value: Any) -> list[tuple[str, str]]:
    """What a choice offers; a template or another value that is there already stays choosable."""
    if one.kind == "boolean":
        options = [("true", "Yes"), ("false", "No")]
    elif one.kind == "choice":
        options = [(choice, choice) for choice in one.options]
    else:
        return []
    text = rows.shown(value)
    known = {key for key, _ in options}
    return options if not text or text in known else [*options, (text, text)]


def _body(shown: Shown, value: dict[str, Any]) -> Group:
    kind = next((kind for kind in ("json", "form", "text") if kind in value), "")
    shown.kind, shown.options = kind, list(BODY_KINDS)
    shown.help = shown.help or "What is sent."
    shown.path = f"body.{kind}" if kind else "body"
    if kind == "form":
        return Group("body", shown, pairs(f"{shown.name}.form", value["form"], "body.form"))
    content = value.get(kind)
    if kind == "json":
        shown.value = (
            content if isinstance(content, str) else msgspec.json.format(msgspec.json.encode(content)).decode()
        )
        shown.note = not_json(content)
    else:
        shown.value = rows.shown(content)
    return Group("body", shown, [(Shown(f"{shown.name}.type", "", str(value.get("type") or "text/plain")), shown)])


def not_json(value: Any) -> str:
    """What to say of a text where JSON is wanted; an expression gives the whole value, so it is well."""
    if not isinstance(value, str) or (value.strip().startswith("{{") and value.strip().endswith("}}")):
        return ""
    try:
        msgspec.json.decode(value)
    except (msgspec.DecodeError, RecursionError) as error:
        reason = str(error).removeprefix("JSON is malformed: ")
        return f'This isn\'t JSON yet: {reason}. Put templates in quotes: "{{{{ event.body.id }}}}".'
    return ""
