"""What each kind of trigger takes, and what is wrong with what it doesn't."""

from __future__ import annotations

from collections.abc import Iterator

from relay.errors import Fault
from relay.flows import forms, schedules
from relay.flows.document import TriggerSettings

# Keys of one kind alone.
_OWN = {
    "webhook": ("preset", "methods", "verify", "dedupe", "response", "allow_ips", "rate", "max_bytes", "split"),
    "schedule": ("cron", "every", "timezone", "catch_up"),
    "manual": ("inputs",),
}


def kind_faults(trigger: TriggerSettings) -> Iterator[Fault]:
    """What belongs to another kind of trigger, and what is wrong with this kind's own."""
    usual = TriggerSettings(kind=trigger.kind)
    for kind, keys in _OWN.items():
        for key in keys:
            if kind != trigger.kind and getattr(trigger, key) != getattr(usual, key):
                yield Fault(f"trigger.{key}", f"is for triggers of the kind {kind}")
    if trigger.kind == "schedule":
        yield from schedules.faults(trigger)
    if trigger.kind == "manual":
        yield from forms.faults(trigger.inputs)
