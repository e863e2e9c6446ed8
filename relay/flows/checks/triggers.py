"""Checks that a trigger has only the keys of its kind, and the keys of schedules and forms."""

from __future__ import annotations

import re
from collections.abc import Iterator

from relay.errors import Fault
from relay.flows import forms, schedules
from relay.flows.document import TriggerSettings

MAX_PATHS = 200  # characters of the paths of files, which are stored with the content type of each event
_is_path = re.compile(r"[A-Za-z0-9_$-]{1,64}(\.[A-Za-z0-9_$-]{1,64}){0,9}").fullmatch
# The keys that only one kind has.
_OWN = {
    "webhook": (
        "preset",
        "methods",
        "body_type",
        "verify",
        "dedupe",
        "response",
        "allow_ips",
        "rate",
        "max_bytes",
        "files",
        "split",
    ),
    "schedule": ("cron", "every", "timezone", "catch_up"),
    "manual": ("inputs",),
}


def kind_faults(trigger: TriggerSettings) -> Iterator[Fault]:
    """Yields keys that belong to another kind of trigger, and the faults of a schedule or form."""
    defaults = TriggerSettings(kind=trigger.kind)
    for kind, keys in _OWN.items():
        for key in keys:
            if kind != trigger.kind and getattr(trigger, key) != getattr(defaults, key):
                yield Fault(f"trigger.{key}", f"is for triggers of the kind {kind}")
    yield from _file_faults(trigger.files)
    if trigger.kind == "schedule":
        yield from schedules.faults(trigger)
    if trigger.kind == "manual":
        yield from forms.faults(trigger.inputs)


def _file_faults(paths: tuple[str, ...]) -> Iterator[Fault]:
    if len(",".join(paths)) > MAX_PATHS:
        yield Fault("trigger.files", f"may have {MAX_PATHS} characters together")
    for index, path in enumerate(paths):
        if not _is_path(path):
            yield Fault(f"trigger.files[{index}]", "is a path of names with dots, such as Attachments.Content")
