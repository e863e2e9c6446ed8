"""Describes trigger types in the editor, and parses the forms of schedules and manual triggers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from relay.flows.document import trigger_settings
from relay.flows.schedules import upcoming
from relay.web.ui import form_data, form_rows

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


def new_trigger(kind: str) -> dict[str, Any]:
    """Return a new trigger of a kind. A schedule is in the reader's time zone."""
    trigger = dict(_NEW.get(kind, {"kind": "webhook"}))
    return trigger | {"timezone": timezone.get_current_timezone_name()} if kind == "schedule" else trigger


def summary(trigger: dict[str, Any]) -> str:
    """Return in one line what starts the flow."""
    match kind_of(trigger):
        case "schedule":
            times = f"Every {trigger['every']}" if trigger.get("every") else str(trigger.get("cron") or "No times yet")
            return f"{times}, {trigger.get('timezone') or 'UTC'}"
        case "manual":
            return "When somebody starts it"
    return "When a request arrives"


def next_starts(trigger: dict[str, Any]) -> list[str]:
    """Return the next starts in the trigger's time zone, as `Mon 30 Nov 09:00`."""
    times = upcoming(trigger_settings({"trigger": trigger}), datetime.now(UTC))
    return [f"{time:%a} {time.day} {time:%b %H:%M}{time:%S}".removesuffix("00") for time in times]


def apply(trigger: dict[str, Any], data: QueryDict) -> bool:
    """Put the posted form of a schedule or manual trigger into it, in place. Return False if it was neither form."""
    if "schedule.cron" in data:
        texts = {
            key: form_data.text(data, f"schedule.{key}", limit=200).strip() for key in ("cron", "every", "timezone")
        }
        catch_up = {"catch_up": "skip" if data.get("schedule.catch_up") == "skip" else ""}
        _put(trigger, {**texts, **catch_up})
        return True
    if "input.name" in data:
        former = {str(row.get("name")): row for row in input_rows(trigger)}
        inputs = [
            _input(row, former.get(row[0].strip(), {})) for row in form_rows.read_rows(data, *COLUMNS) if row[0].strip()
        ]
        _put(trigger, {"inputs": inputs})
        return True
    return False


def _put(trigger: dict[str, Any], values: dict[str, Any]) -> None:
    for key, value in values.items():
        if value:
            trigger[key] = value
        else:
            trigger.pop(key, None)


def _input(row: tuple[str, ...], former: dict[str, Any]) -> dict[str, Any]:
    """Return a posted field, with the former keys that the form doesn't show."""
    name, label, kind, required, options = row
    field: dict[str, Any] = {"name": name.strip()[:64]}
    _put(field, {"label": label.strip()[:200], "kind": kind if kind != "string" and kind in INPUT_KINDS else ""})
    _put(field, {"required": required == "yes"})
    if kind == "choice":
        field["options"] = [part.strip() for part in options.split(",") if part.strip()]
    return field | {key: former[key] for key in ("default", "help") if key in former}


def input_rows(trigger: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields of a manual trigger's form, and an empty one to fill in."""
    inputs = trigger.get("inputs")
    known = [row for row in inputs if isinstance(row, dict)] if isinstance(inputs, list) else []
    return [{**row, "options": ", ".join(map(form_rows.value_text, row.get("options") or ()))} for row in [*known, {}]]
