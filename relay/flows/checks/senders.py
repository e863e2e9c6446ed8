"""Checks the addresses and the rate from which a trigger accepts requests."""

from __future__ import annotations

from collections.abc import Iterator

from relay import backoff, client_address
from relay.errors import Fault
from relay.flows.document import TriggerSettings

MAX_NETWORKS = 200


def faults(trigger: TriggerSettings) -> Iterator[Fault]:
    if len(trigger.allow_ips) > MAX_NETWORKS:
        yield Fault("trigger.allow_ips", f"there may be {MAX_NETWORKS} networks")
    for index, text in enumerate(trigger.allow_ips[:MAX_NETWORKS]):
        try:
            client_address.network(text)
        except ValueError as error:
            yield Fault(f"trigger.allow_ips[{index}]", str(error))
    try:
        backoff.parts_of("1/s" if trigger.rate is None else trigger.rate)
    except ValueError as error:
        yield Fault("trigger.rate", str(error))
