"""Says what a trigger can be connected to, and what is in the way."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from django.conf import settings

from relay.connectors import registry
from relay.connectors.definition import Connector, Preset, Subscription
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.models import Flow


@dataclass(frozen=True, slots=True)
class Offer:
    """What a trigger can be connected to: the sender of its draft."""

    connector: Connector
    preset: Preset
    calls: Subscription


def offer(flow: Flow) -> Offer | None:
    """What the trigger of a draft can be connected to; None if its sender's webhooks aren't made by Relay."""
    try:
        trigger = trigger_settings(flow.draft)
    except RelayError:
        return None
    connector, preset = registry.presets().get(trigger.preset or "", (None, None))
    if trigger.kind != "webhook" or connector is None or preset is None or preset.subscription is None:
        return None
    return Offer(connector, preset, preset.subscription)


def unreachable_reason() -> str:
    """Why senders on the internet can't reach the URLs of flows; "" if they may be able to."""
    origin = settings.INGEST_URL or settings.PUBLIC_URL
    host = urlsplit(origin).hostname or ""
    try:
        is_local = not ip_address(host).is_global
    except ValueError:
        is_local = host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
    if not is_local:
        return ""
    return (
        f"A service on the internet can't reach {origin}: set RELAY_PUBLIC_URL, or RELAY_INGEST_URL, to an address "
        "that it can reach"
    )


def required(flow: Flow) -> Offer:
    """What the flow is connected to. Raises RelayError if ingest would refuse what the sender sends while that is."""
    offered = offer(flow)
    if offered is None:
        raise RelayError("The sender of this trigger has no webhook that Relay can make: enter the URL at the sender")
    verify = trigger_settings(flow.draft).verify.scheme
    if verify not in ("", offered.preset.key, offered.preset.verifies_as):
        raise RelayError(f"Let the trigger be verified as {offered.preset.label}, and not in a way of its own")
    if flow.live_version is not None and trigger_settings(flow.live_version.document).preset != offered.preset.key:
        raise RelayError(f"Publish the flow first: its live version doesn't expect {offered.preset.label}")
    return offered
