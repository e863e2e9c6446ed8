"""The kinds of triggers in the editor: their forms, and what a person reads of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict

from relay.flows.document import trigger_settings
from relay.flows.schedules import upcoming
from relay.web import posted, rows

NAMES = {"webhook": "Webhook", "schedule": "Schedule", "manual": "By hand"}
ICONS = {"webhook": "webhook", "schedule": "clock", "manual": "play"}
INPUT_KINDS = {
    "string": "Text",
    "text": "Long text",
    "number": "Number",
    "boolean": "Yes or no",
    "choice": "Choice",
    "url": "Address",
}
COLUMNS = ("input.name", "input.label", "input.kind", "input.required", "input.options")
_NEW: dict[str, dict[str, Any]] = {
    "schedule": {"kind": "schedule", "cron": "0 9 * * 1-5", "timezone": "UTC"},
    "manual": {"kind": "manual"},
}


def kind_of(trigger: dict[str, Any]) -> str:
    kind = trigger.get("kind")
    return kind if isinstance(kind, str) and kind in NAMES else "webhook"


def fresh(kind: str) -> dict[str, Any]:
    """A new trigger of a kind."""
    return dict(_NEW.get(kind, {"kind": "webhook"}))


def summary(trigger: dict[str, Any]) -> str:
    """What starts the flow, in a line."""
    match kind_of(trigger):
        case "schedule":
            times = f"Every {trigger['every']}" if trigger.get("every") else str(trigger.get("cron") or "No times yet")
            return f"{times}, {trigger.get('timezone') or 'UTC'}"
        case "manual":
            return "When somebody starts it"
    return "When a request arrives"


def moments(trigger: dict[str, Any]) -> list[str]:
    """`Mon 30 Nov 09:00`: when it starts next, by the clock of its zone."""
    found = upcoming(trigger_settings({"trigger": trigger}), datetime.now(UTC))
    return [f"{one:%a} {one.day} {one:%b %H:%M}{one:%S}".removesuffix("00") for one in found]


def read(trigger: dict[str, Any], data: QueryDict) -> bool:
    """Put a posted form of a schedule or of a manual trigger into it, in place; False when it was neither."""
    if "schedule.cron" in data:
        words = {key: posted.text(data, f"schedule.{key}", limit=200).strip() for key in ("cron", "every", "timezone")}
        late = {"catch_up": "skip" if data.get("schedule.catch_up") == "skip" else ""}
        _put(trigger, {**words, **late})
        return True
    if "input.name" in data:
        former = {str(one.get("name")): one for one in input_rows(trigger)}
        made = [_input(row, former.get(row[0].strip(), {})) for row in rows.table(data, *COLUMNS) if row[0].strip()]
        _put(trigger, {"inputs": made})
        return True
    return False


def _put(trigger: dict[str, Any], values: dict[str, Any]) -> None:
    for key, value in values.items():
        if value:
            trigger[key] = value
        else:
            trigger.pop(key, None)


def _input(row: tuple[str, ...], former: dict[str, Any]) -> dict[str, Any]:
    """A field as posted; what the form doesn't show of it stays."""
    name, label, kind, required, options = row
    made: dict[str, Any] = {"name": name.strip()[:64]}
    _put(made, {"label": label.strip()[:200], "kind": kind if kind != "string" and kind in INPUT_KINDS else ""})
    _put(made, {"required": required == "yes"})
    if kind == "choice":
        made["options"] = [part.strip() for part in options.split(",") if part.strip()]
    return made | {key: former[key] for key in ("default", "help") if key in former}


def input_rows(trigger: dict[str, Any]) -> list[dict[str, Any]]:
    """The fields of a form to be edited, and an empty one; each with its number."""
    inputs = trigger.get("inputs")
    known = [one for one in inputs if isinstance(one, dict)] if isinstance(inputs, list) else []
    return [{**one, "options": ", ".join(map(rows.shown, one.get("options") or ()))} for one in [*known, {}]]
