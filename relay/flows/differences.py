"""Differences between two documents of a flow, in words; either may be half-built, and nothing secret is said."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from relay.connectors import registry
from relay.connectors.definition import Field
from relay.errors import RelayError
from relay.flows.listed import Placed, listed, moved
from relay.redaction import is_secret_name

MOST_SHOWN = 60  # characters of a value
JSON = Mapping[str, Any]

# What parts of a document are called; others are called by their key.
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
    "preset": "sender",
    "title": "title of runs",
    "split": "list that is split",
    "order_key": "order key",
    "store_bodies": "keeping of bodies",
    "at": "time",
    "over": "list",
    "as": "name of the element",
    "match": "choice of arms",
    "on": "moment",
}
_ADDED, _REMOVED, _CHANGED = "added", "removed", "changed"
_NOTHING: Any = object()
# Addresses often are keys themselves: of one that is written out only the host is said.
_URL = re.compile(r"(https?://)(?:[^/\s@]*@)?([^/?#\s@]*)[^\s]+")


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that is different: `message changed`. `before` and `after` where they are short and no secret."""

    words: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """What is different about one step, the trigger, the settings or the flow itself."""

    subject: str
    details: tuple[Detail, ...]

    def __str__(self) -> str:
        return f"{self.subject} {self.words}" if self.is_whole else f"{self.subject}: {self.words}"

    @property
    def is_whole(self) -> bool:
        """Whether it is about all of the subject: a step that was added or removed."""
        return self.details[0].words in (_ADDED, _REMOVED)

    @property
    def words(self) -> str:
        return ", ".join(one.words for one in self.details)


def in_words(before: JSON, after: JSON) -> str:
    """`Step 2 “Tell Slack”: message changed; step “Only big orders” added`; "" where nothing is different."""
    text = "; ".join(map(str, differences(before, after)))
    return text.replace("; Step “", "; step “")


def differences(before: JSON, after: JSON) -> list[Difference]:
    """From the trigger over the steps in their order to the settings; [] where nothing is different."""
    found = [
        ("Flow", list(_parts(_flow(before), _flow(after)))),
        ("Trigger", list(_trigger(_object(before, "trigger"), _object(after, "trigger")))),
        *_steps(listed(before), listed(after)),
        ("Settings", list(_settings(_object(before, "settings"), _object(after, "settings")))),
        ("Constants", list(_each("", _object(before, "constants"), _object(after, "constants")))),
    ]
    return [Difference(subject, tuple(details)) for subject, details in found if details]


def _object(part: JSON, key: str) -> JSON:
    value = part.get(key)
    return value if isinstance(value, dict) else {}


def _flow(document: JSON) -> JSON:
    return {key: document.get(key) or "" for key in ("name", "description", "folder", "title")}


def _trigger(before: JSON, after: JSON) -> Iterator[Detail]:
    if before.get("kind") != after.get("kind"):
        yield _detail("kind changed", before.get("kind"), after.get("kind"))
    for key in _keys(before, after, without={"kind"}):
        one, other = before.get(key), after.get(key)
        if isinstance(one, dict) and isinstance(other, dict) and key != "only":
            yield from _each(f"{name_of(key)}: ", one, other)
        else:
            yield from _part(key, before, after)


def _settings(before: JSON, after: JSON) -> Iterator[Detail]:
    yield from _parts(before, after, without={"alerts"})
    yield from _each("alerts: ", _object(before, "alerts"), _object(after, "alerts"))


# Steps


def _steps(before: dict[str, Placed], after: dict[str, Placed]) -> Iterator[tuple[str, list[Detail]]]:
    strayed = moved(before, after)
    for key, now in after.items():
        former = before.get(key)
        if former is None:
            yield f"Step “{now.name}”", [Detail(_ADDED)]
        else:
            yield f"Step {now.number} “{now.name}”", list(_step(former, now, has_moved=key in strayed))
    for key, former in before.items():
        if key not in after:
            yield f"Step “{former.name}”", [Detail(_REMOVED)]


def _step(before: Placed, after: Placed, *, has_moved: bool) -> Iterator[Detail]:
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
    yield from _each("arm ", before.arms, after.arms)


def _moved(before: Placed, after: Placed) -> Detail:
    if before.arm != after.arm:
        return Detail(f"moved into {after.arm_name}" if after.arm else "moved out to the flow itself")
    return Detail(f"moved from place {before.number}")


def _action(step: JSON) -> str:
    try:
        connector, action = registry.find(str(step.get("action") or ""))
    except RelayError:
        return str(step.get("action") or "")
    return f"{connector.label}: {action.label}"


def _fields(step: JSON) -> dict[str, Field]:
    try:
        return {field.key: field for field in registry.find(str(step.get("action") or ""))[1].inputs}
    except RelayError:
        return {}


# Parts


def _parts(before: JSON, after: JSON, *, without: set[str] | None = None) -> Iterator[Detail]:
    for key in _keys(before, after, without=without or set()):
        yield from _part(key, before, after)


def _part(key: str, before: JSON, after: JSON) -> Iterator[Detail]:
    one, other = before.get(key, _NOTHING), after.get(key, _NOTHING)
    if _is_same(one, other):
        return
    if isinstance(one, bool) or isinstance(other, bool):
        yield Detail(f"{name_of(key)} is {'off' if other is False else 'on' if other is True else 'as usual'} now")
    else:
        yield _changed(name_of(key), one, other, is_secret=is_secret_name(key))


def _each(what: str, before: JSON, after: JSON, fields: Mapping[str, Field] | None = None) -> Iterator[Detail]:
    for key in _keys(before, after, without=set()):
        one, other = before.get(key, _NOTHING), after.get(key, _NOTHING)
        if _is_same(one, other):
            continue
        field = (fields or {}).get(key)
        label = _lowered(field.label) if field else name_of(key) if what.endswith(": ") else key
        yield _changed(
            f"{what}{label}", one, other, is_secret=is_secret_name(key) or (field is not None and field.secret)
        )


def _keys(before: JSON, after: JSON, *, without: set[str]) -> list[str]:
    return [key for key in dict.fromkeys((*before, *after)) if key not in without]


def _is_same(one: Any, other: Any) -> bool:
    """Equal; true is not 1 here, as it is in Python, and what is empty might as well not be there."""
    return one is other or _encoded(one) == _encoded(other)


def _encoded(value: Any) -> bytes:
    return b"" if value is _NOTHING or value in (None, "", [], {}) else msgspec.json.encode(value, order="sorted")


def _changed(what: str, before: Any, after: Any, *, is_secret: bool) -> Detail:
    verb = _ADDED if not _encoded(before) else _REMOVED if not _encoded(after) else _CHANGED
    return Detail(f"{what} {verb}") if is_secret else _detail(f"{what} {verb}", before, after)


def _detail(words: str, before: Any, after: Any) -> Detail:
    one, other = _short(before), _short(after)
    return Detail(words, one, other) if one != other else Detail(words)


def _short(value: Any) -> str:
    """A plain value as people read it; nothing for a tree, which may hold anything."""
    if value is _NOTHING or value is None or isinstance(value, dict | list):
        return ""
    text = _URL.sub(r"\1\2/…", " ".join(str(value).split()))
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"


def name_of(key: str) -> str:
    """What people call a key of the document."""
    return _NAMES.get(key, key.replace("_", " "))


def _lowered(label: str) -> str:
    """A label within a sentence; one that begins with an abbreviation (URL) stays."""
    return label if label[1:2].isupper() else label[:1].lower() + label[1:]
