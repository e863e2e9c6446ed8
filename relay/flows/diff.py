"""Describes the differences between two documents of a flow in words, without anything secret.

Either document may be an incomplete draft.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import msgspec

from relay.connectors import registry
from relay.connectors.definition import Field
from relay.flows.flatten import NumberedStep, moved_ids, number_steps
from relay.redaction import is_secret_name

MAX_SHOWN = 60  # characters of a value
# The steps that are listed, and the details of each: a page shows the differences of twenty versions.
MAX_SUBJECTS = 200
MAX_DETAILS = 40
JSON = Mapping[str, Any]

# Names of the parts of a document; other parts are named by their key.
_NAMES = {
    "name": "name",
    "when": "condition",
    "only": "condition",
    "retry": "tries",
    "on_error": "what happens on an error",
    "error_steps": "steps on an error",
    "success": "what counts as a success",
    "dedupe": "de-duplication",
    "verify": "verification",
    "response": "answer",
    "cron": "times",
    "every": "interval",
    "timezone": "time zone",
    "catch_up": "what happens to missed times",
    "inputs": "form",
    "allow_ips": "addresses that may call",
    "rate": "rate",
    "max_bytes": "largest body",
    "files": "fields with files",
    "body_type": "type of bodies",
    "preset": "sender",
    "title": "title of runs",
    "split": "list that is split",
    "order_key": "order key",
    "store_bodies": "keeping of bodies",
    "at": "time",
    "over": "list",
    "as": "name of the element",
    "match": "paths to take",
    "on": "moment",
}
_ADDED, _REMOVED, _CHANGED = "added", "removed", "changed"
_MISSING: Any = object()
# A URL is often a key itself, so only its host is shown.
_URL = re.compile(r"(https?://)(?:[^/\s@]*@)?([^/?#\s@]*)[^\s]+")


@dataclass(frozen=True, slots=True)
class Detail:
    """One difference: `message changed`. `before` and `after` are given if they are short and not secret."""

    words: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """The differences in one step, the trigger, the settings or the flow itself."""

    subject: str
    details: tuple[Detail, ...]

    def __str__(self) -> str:
        return f"{self.subject} {self.words}" if self.is_whole else f"{self.subject}: {self.words}"

    @property
    def is_whole(self) -> bool:
        """Whether the whole subject, a step, was added or removed."""
        return self.details[0].words in (_ADDED, _REMOVED)

    @property
    def words(self) -> str:
        return ", ".join(detail.words for detail in self.details)


def describe(before: JSON, after: JSON) -> str:
    """The text `Step 2 “Tell Slack”: message changed; step “Only big orders” added`; "" without differences."""
    text = "; ".join(map(str, differences(before, after)))
    return text.replace("; Step “", "; step “")


def differences(before: JSON, after: JSON) -> list[Difference]:
    """The differences, from the flow and the trigger over the steps in order to settings and constants."""
    by_subject = [
        ("Flow", _first_details(_parts(_flow(before), _flow(after)))),
        ("Trigger", _first_details(_trigger(_object(before, "trigger"), _object(after, "trigger")))),
        *_steps(number_steps(before), number_steps(after)),
        ("Settings", _first_details(_settings(_object(before, "settings"), _object(after, "settings")))),
        ("Constants", _first_details(_each("", _object(before, "constants"), _object(after, "constants")))),
    ]
    return [Difference(subject, tuple(details)) for subject, details in by_subject if details][:MAX_SUBJECTS]


def _first_details(details: Iterator[Detail]) -> list[Detail]:
    """The first details; the iterator is not read beyond them."""
    first = list(islice(details, MAX_DETAILS + 1))
    return first if len(first) <= MAX_DETAILS else [*first[:MAX_DETAILS], Detail("and more")]


def _object(part: JSON, key: str) -> JSON:
    value = part.get(key)
    return value if isinstance(value, dict) else {}


def _flow(document: JSON) -> JSON:
    return {key: document.get(key) or "" for key in ("name", "description", "folder", "title")}


def _trigger(before: JSON, after: JSON) -> Iterator[Detail]:
    if before.get("kind") != after.get("kind"):
        yield _detail("kind changed", before.get("kind"), after.get("kind"))
    for key in _keys(before, after, without={"kind"}):
        old, new = before.get(key), after.get(key)
        if isinstance(old, dict) and isinstance(new, dict) and key != "only":
            yield from _each(f"{name_of(key)}: ", old, new)
        else:
            yield from _part(key, before, after)


def _settings(before: JSON, after: JSON) -> Iterator[Detail]:
    yield from _parts(before, after, without={"alerts"})
    yield from _each("alerts: ", _object(before, "alerts"), _object(after, "alerts"))


# Steps


def _steps(before: dict[str, NumberedStep], after: dict[str, NumberedStep]) -> Iterator[tuple[str, list[Detail]]]:
    moved = moved_ids(before, after)
    for key, step in after.items():
        old_step = before.get(key)
        if old_step is None:
            yield f"Step “{step.name}”", [Detail(_ADDED)]
        else:
            yield f"Step {step.number} “{step.name}”", _first_details(_step(old_step, step, has_moved=key in moved))
    for key, old_step in before.items():
        if key not in after:
            yield f"Step “{old_step.name}”", [Detail(_REMOVED)]


def _step(before: NumberedStep, after: NumberedStep, *, has_moved: bool) -> Iterator[Detail]:
    if has_moved:
        yield _moved(before, after)
    if before.name != after.name:
        yield Detail(f"renamed from “{before.name}”")
    if bool(before.own.get("disabled")) != bool(after.own.get("disabled")):
        yield Detail("disabled" if after.own.get("disabled") else "enabled")
    if before.own.get("kind") != after.own.get("kind"):
        yield _detail("kind changed", before.own.get("kind"), after.own.get("kind"))
        return
    if before.own.get("action") != after.own.get("action"):
        yield _detail("action changed", _action(before.own), _action(after.own))
    else:
        fields = _fields(after.own)
        yield from _each("", _object(before.own, "inputs"), _object(after.own, "inputs"), fields)
    yield from _each("value ", _object(before.own, "values"), _object(after.own, "values"))
    yield from _parts(
        before.own, after.own, without={"id", "name", "kind", "action", "disabled", "inputs", "values", "branches"}
    )
    yield from _each("path ", before.arms, after.arms)


def _moved(before: NumberedStep, after: NumberedStep) -> Detail:
    if before.arm != after.arm:
        return Detail(f"moved into {after.arm_name}" if after.arm else "moved out to the flow itself")
    return Detail(f"moved from place {before.number}")


def _action(step: JSON) -> str:
    match = registry.known(step.get("action"))
    return f"{match[0].label}: {match[1].label}" if match else str(step.get("action") or "")


def _fields(step: JSON) -> dict[str, Field]:
    match = registry.known(step.get("action"))
    return {field.key: field for field in match[1].inputs} if match else {}


# Parts


def _parts(before: JSON, after: JSON, *, without: set[str] | None = None) -> Iterator[Detail]:
    for key in _keys(before, after, without=without or set()):
        yield from _part(key, before, after)


def _part(key: str, before: JSON, after: JSON) -> Iterator[Detail]:
    old, new = before.get(key, _MISSING), after.get(key, _MISSING)
    if _is_same(old, new):
        return
    if isinstance(old, bool) or isinstance(new, bool):
        yield Detail(f"{name_of(key)} is {'off' if new is False else 'on' if new is True else 'as usual'} now")
    else:
        yield _changed(name_of(key), old, new, is_secret=is_secret_name(key))


def _each(prefix: str, before: JSON, after: JSON, fields: Mapping[str, Field] | None = None) -> Iterator[Detail]:
    for key in _keys(before, after, without=set()):
        old, new = before.get(key, _MISSING), after.get(key, _MISSING)
        if _is_same(old, new):
            continue
        field = (fields or {}).get(key)
        label = _lowered(field.label) if field else name_of(key) if prefix.endswith(": ") else key
        yield _changed(
            f"{prefix}{label}", old, new, is_secret=is_secret_name(key) or (field is not None and field.secret)
        )


def _keys(before: JSON, after: JSON, *, without: set[str]) -> list[str]:
    return [key for key in dict.fromkeys((*before, *after)) if key not in without]


def _is_same(left: Any, right: Any) -> bool:
    """Whether two values are equal as JSON: true is not 1, and empty values equal missing ones."""
    return left is right or _encoded(left) == _encoded(right)


def _encoded(value: Any) -> bytes:
    return b"" if value is _MISSING or value in (None, "", [], {}) else msgspec.json.encode(value, order="sorted")


def _changed(subject: str, before: Any, after: Any, *, is_secret: bool) -> Detail:
    verb = _ADDED if not _encoded(before) else _REMOVED if not _encoded(after) else _CHANGED
    return Detail(f"{subject} {verb}") if is_secret else _detail(f"{subject} {verb}", before, after)


def _detail(words: str, before: Any, after: Any) -> Detail:
    old, new = _short(before), _short(after)
    return Detail(words, old, new) if old != new else Detail(words)


def _short(value: Any) -> str:
    """A plain value as people read it; "" for lists and objects, which may hold anything."""
    if value is _MISSING or value is None or isinstance(value, dict | list):
        return ""
    text = _URL.sub(r"\1\2/…", " ".join(str(value).split()))
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}…"


def name_of(key: str) -> str:
    """The name by which people know a key of the document."""
    return _NAMES.get(key, key.replace("_", " "))


def _lowered(label: str) -> str:
    """A label as used within a sentence; an abbreviation at its start (URL) keeps its capitals."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
