"""Connects triggers: makes the webhook at the sender by its API, and removes it.

No transaction is open during a call: the sender's handshake arrives at ingest meanwhile, which stores what it brings.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.db import transaction

from relay.connectors import registry
from relay.connectors.definition import Preset, Subscription
from relay.engine import audit
from relay.engine.configuration import subscription_issues, subscription_offers, subscription_rows, trigger_secrets
from relay.engine.configuration.subscription_offers import Offer
from relay.engine.database import statements
from relay.engine.service_calls import service_call, turns, webhook
from relay.engine.service_calls.service_call import Caller
from relay.engine.service_calls.webhook import Made, Webhook
from relay.errors import CallFailed, RelayError
from relay.models import Connection, Flow, SubscriptionState, Trigger, TriggerSecret, TriggerSubscription
from relay.models.fields import moment

# For which one process has a webhook: longer than all calls of one change may take.
LEASE_SECONDS = 90
SECRET_BYTES = 32
MAX_ABOUT_CHARACTERS = 300


def of_flow(flow: Flow) -> TriggerSubscription | None:
    """The webhook that Relay has made for a flow, of its present sender or a former one."""
    rows = TriggerSubscription.objects.select_related("connection")
    return rows.filter(trigger__flow=flow).first()


def connect(
    flow: Flow, connection: Connection, inputs: Mapping[str, Any], *, labels: Mapping[str, str] | None = None
) -> TriggerSubscription:
    """Make the webhook of a flow's trigger at its sender, and store it.

    `inputs`: what a person chooses, by the keys of the subscription's inputs; `labels`: texts to show for them.
    Webhooks that the sender has for this trigger already are kept or replaced, so that there is one afterwards. Raises
    RelayError: nothing is stored then.
    """
    offered = subscription_offers.required(flow)
    if connection.workspace_id != flow.workspace_id or connection.connector != offered.connector.key:
        raise RelayError(f"Choose a connection to {offered.connector.label} of this workspace")
    values = webhook.coerced(offered.calls, inputs)
    hook = Webhook(offered.connector, offered.calls, values, flow.trigger.url)
    about = _about(offered.calls, values, labels or {})
    row, made_secret = _reserve(flow, offered, connection, hook, about)
    try:
        work = partial(_make, flow, offered, hook, connection, made_secret)
        made = turns.in_turn(flow.workspace_id, work)
    except BaseException:
        _drop(row)
        raise
    try:
        _store(flow, offered, hook, row, made)
    except BaseException:
        subscription_rows.leave_made(row, hook, made)
        _drop(row)
        raise
    row.refresh_from_db()
    return row


def _about(calls: Subscription, values: Mapping[str, Any], labels: Mapping[str, str]) -> str:
    texts = []
    for one in calls.inputs:
        value = values.get(one.key)
        if value not in (None, "", []):
            shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            texts.append(f"{one.label}: {labels.get(one.key) or shown}")
    text = "; ".join(texts)
    return text if len(text) <= MAX_ABOUT_CHARACTERS else f"{text[: MAX_ABOUT_CHARACTERS - 1]}…"


def _reserve(
    flow: Flow, offered: Offer, connection: Connection, hook: Webhook, about: str
) -> tuple[TriggerSubscription, str]:
    """The row of a webhook that is about to be made, and the secret that Relay makes for it, or ""."""
    with transaction.atomic():
        trigger = Trigger.objects.select_for_update().get(flow=flow)
        former = TriggerSubscription.objects.filter(trigger=trigger).first()
        if former is not None:
            _check_abandoned(former)
            _drop(former)
        row = TriggerSubscription(
            workspace_id=flow.workspace_id,
            trigger=trigger,
            preset=offered.preset.key,
            connection=connection,
            mark=secrets.token_hex(16),
            about=about,
            state=SubscriptionState.CONNECTING,
            made_by=audit.actor()[:254],
            due_at=_lease(),
        )
        made_secret = ""
        if offered.calls.makes_secret:
            made_secret = secrets.token_urlsafe(SECRET_BYTES)
            row.secret = _add_secret(flow, offered.preset, made_secret)
        row.seal({"url": hook.url, "inputs": dict(hook.inputs), "answer": {}})
        row.save()
    return row, made_secret


def _check_abandoned(former: TriggerSubscription) -> None:
    """Refuse to connect a trigger that is connected, or that another process is connecting."""
    if former.state != SubscriptionState.CONNECTING:
        raise RelayError("This trigger is connected already; disconnect it first")
    if is_being_connected(former):
        raise RelayError("This trigger is being connected already; look again in a moment")


def is_being_connected(row: TriggerSubscription) -> bool:
    """Whether a process is connecting the trigger now. If it has died, its lease has ended."""
    is_leased = row.due_at is not None and row.due_at > moment(statements.now())
    return row.state == SubscriptionState.CONNECTING and is_leased


def _lease() -> Any:
    return moment(statements.now() + LEASE_SECONDS * 1_000_000)


def _add_secret(flow: Flow, preset: Preset, value: str) -> TriggerSecret:
    return trigger_secrets.add(flow, {preset.secret[0].key: value})


def _make(flow: Flow, offered: Offer, hook: Webhook, connection: Connection, made_secret: str) -> Made:
    caller = service_call.caller(offered.connector, flow.workspace_id, connection)
    hook = hook.prepared(caller)
    found = hook.find(caller)
    if found and not _must_be_made_again(offered):
        _remove(hook, caller, found[1:])
        return Made(found[0], {"id": found[0]})
    _remove(hook, caller, found)
    _forget_handshake_secrets(flow, offered.preset)
    try:
        return hook.subscribe(caller, made_secret)
    except CallFailed as error:
        if not 400 <= error.status < 500:
            # It may have been made all the same.
            with contextlib.suppress(RelayError):
                hook.remove_all(caller)
        raise


def _must_be_made_again(offered: Offer) -> bool:
    """Whether a webhook that exists already is of no use, because Relay doesn't know its secret or its end."""
    calls = offered.calls
    brings_secret = any(handshake.store for handshake in offered.preset.handshakes)
    return bool(calls.secret or calls.makes_secret or calls.lifetime or brings_secret)


def _remove(hook: Webhook, caller: Caller, ids: list[str]) -> None:
    for made_id in ids:
        hook.remove(caller, {"id": made_id})


def _forget_handshake_secrets(flow: Flow, preset: Preset) -> None:
    """Remove the secret that a former webhook has brought, so that the next one's is taken."""
    if any(handshake.store for handshake in preset.handshakes):
        for secret in flow.trigger.secrets.filter(by_handshake=True, sender=preset.key):
            trigger_secrets.remove(secret)


def _store(flow: Flow, offered: Offer, hook: Webhook, row: TriggerSubscription, made: Made) -> None:
    """Store a webhook that was made. Raises RelayError if the flow was removed meanwhile, or its secret is invalid."""
    with transaction.atomic():
        rows = TriggerSubscription.objects.select_for_update().filter(pk=row.pk, trigger__flow=flow)
        stored = rows.filter(state=SubscriptionState.CONNECTING).first()
        if stored is not None:
            if made.secret:
                stored.secret = _add_secret(flow, offered.preset, made.secret)
            subscription_rows.settle(stored, hook, made)
            stored.save()
            change = f"{offered.preset.label}: {row.about}" if row.about else offered.preset.label
            audit.note(flow.workspace_id, "flow.connected", flow, ref=flow.pk, change=change)
            return
    raise RelayError("The flow or its webhook was removed meanwhile")


def _drop(row: TriggerSubscription) -> None:
    """Remove the row of a webhook, and the secret that was stored for it."""
    with transaction.atomic():
        secret = TriggerSecret.objects.select_related("trigger__flow").filter(pk=row.secret_id or 0).first()
        TriggerSubscription.objects.filter(pk=row.pk).delete()
        if secret is not None:
            trigger_secrets.remove(secret)


def disconnect(flow: Flow, *, forget: bool = False) -> None:
    """Remove the webhook of a flow at its sender, and what is stored of it.

    `forget`: remove only what is stored. Raises RelayError if there is none, or if the sender doesn't remove it.
    """
    row = of_flow(flow)
    if row is None:
        raise RelayError("This trigger isn't connected")
    if row.state == SubscriptionState.CONNECTING:
        _check_abandoned(row)
    if not forget:
        turns.in_turn(flow.workspace_id, partial(subscription_rows.remove_at_service, row))
    with transaction.atomic():
        _drop(row)
        _, preset = registry.presets().get(row.preset, (None, None))
        if preset is not None:
            _forget_handshake_secrets(flow, preset)
        change = f"{preset.label if preset else row.preset}{', only in Relay' if forget else ''}"
        audit.note(flow.workspace_id, "flow.disconnected", flow, ref=flow.pk, change=change)
    subscription_issues.resolve(row, flow.pk)


def leave(flow: Flow) -> None:
    """Have upkeep remove the webhook of a flow that is being removed, in the transaction that does that."""
    rows = TriggerSubscription.objects.filter(trigger__flow=flow)
    # A webhook that is being connected is removed by who connects it, or after the lease.
    rows.exclude(state=SubscriptionState.CONNECTING).update(due_at=moment(statements.now()))
    rows.update(state=SubscriptionState.LEAVING, trigger=None, error="", faults=0)
