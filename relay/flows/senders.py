"""Who may send to a trigger, and how much: what is wrong with its addresses and its rate."""

from __future__ import annotations

from collections.abc import Iterator

from relay import backoff, forwarded
from relay.errors import Fault
from relay.flows.document import TriggerSettings

MOST_NETWORKS = 200


def faults(trigger: TriggerSettings) -> Iterator[Fault]:
    if len(trigger.allow_ips) > MOST_NETWORKS:
        yield Fault("trigger.allow_ips", f"there may be {MOST_NETWORKS} networks")
    for place, text in enumerate(trigger.allow_ips[:MOST_NETWORKS]):
        try:
            forwarded.network(text)
        except ValueError as error:
            yield Fault(f"trigger.allow_ips[{place}]", str(error))
    try:
        backoff.parts_of("1/s" if trigger.rate is None else trigger.rate)
    except ValueError as error:
        yield Fault("trigger.rate", str(error))
