"""Renews the webhooks at senders before they end, and removes those whose flows were removed, each under a lease.

The lease is the row's `due_at`: one conditional update, which one of all processes can make. It is also the fence:
a process whose lease has ended stores nothing.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import structlog
from django.db import transaction
from django.db.models import QuerySet

from relay.engine import audit
from relay.engine.configuration import subscription_issues, subscription_rows
from relay.engine.configuration.subscriptions import LEASE_SECONDS
from relay.engine.database import statements
from relay.engine.service_calls import turns
from relay.engine.service_calls.webhook import Made, Webhook
from relay.errors import Busy, RelayError
from relay.models import Flow, SubscriptionState, TriggerSubscription
from relay.models.fields import moment

log = structlog.get_logger()

FIRST_DELAY_SECONDS = 60
MAX_DELAY_SECONDS = 3_600
# A webhook whose flow was removed is given up after this number of tries, about a day.
MAX_REMOVAL_TRIES = 25
BUSY_SECONDS = 10
MAX_ERROR_CHARACTERS = 2_000


class SubscriptionLease(NamedTuple):
    """The right to renew or remove a webhook, until a time in microseconds since 1970."""

    subscription_id: int
    workspace_id: int
    until: int


class Due(NamedTuple):
    """A webhook that is due, as it was read."""

    subscription_id: int
    workspace_id: int
    due_at: int


def due(limit: int) -> list[Due]:
    """The webhooks that are due, the longest waiting first; one query."""
    rows = statements.fetch(
        "SELECT id, workspace_id, due_at FROM relay_triggersubscription"
        f" WHERE due_at <= %s AND state != 'connecting' ORDER BY due_at LIMIT {int(limit)}",
        (statements.now(),),
    )
    return [Due(*row) for row in rows]


def take(one: Due) -> SubscriptionLease | None:
    """Take the lease; None if another process has it."""
    until = statements.now() + LEASE_SECONDS * 1_000_000
    rows = TriggerSubscription.objects.filter(pk=one.subscription_id, due_at=moment(one.due_at))
    taken = rows.exclude(state=SubscriptionState.CONNECTING).update(due_at=moment(until))
    return SubscriptionLease(one.subscription_id, one.workspace_id, until) if taken else None


def work(lease: SubscriptionLease) -> None:
    """Renew or remove a webhook, and store the result or why it failed."""
    row = _held(lease).select_related("connection", "trigger__flow__live_version").first()
    if row is None:
        return
    is_leaving = row.state == SubscriptionState.LEAVING
    try:
        if is_leaving:
            turns.in_turn(row.workspace_id, partial(subscription_rows.remove_at_service, row))
        else:
            hook, made = turns.in_turn(row.workspace_id, partial(_renewed, row))
    except Busy:
        _held(lease).update(due_at=moment(statements.now() + BUSY_SECONDS * 1_000_000))
    except RelayError as error:
        _note_failure(lease, row, str(error)[:MAX_ERROR_CHARACTERS])
    else:
        if is_leaving:
            _held(lease).delete()
            log.info("subscription.removed", preset=row.preset)
        else:
            _store(lease, row, hook, made)


def _held(lease: SubscriptionLease) -> QuerySet[TriggerSubscription]:
    return TriggerSubscription.objects.filter(pk=lease.subscription_id, due_at=moment(lease.until))


def _renewed(row: TriggerSubscription) -> tuple[Webhook, Made]:
    """The webhook with a new end; a new one if the service has it no longer."""
    hook, caller, answer = subscription_rows.opened(row)
    return hook, hook.renew(caller, answer) or subscription_rows.make_again(row, hook, caller)


def _store(lease: SubscriptionLease, row: TriggerSubscription, hook: Webhook, made: Made) -> None:
    with transaction.atomic():
        current = _held(lease).select_for_update().first()
        if current is None:
            # It was disconnected meanwhile; a webhook that was made again must not stay.
            if made.id != row.webhook_id:
                subscription_rows.leave_made(row, hook, made)
            return
        subscription_rows.settle(current, hook, made)
        current.renewed_at = moment(statements.now())
        current.save()
    log.info("subscription.renewed", subscription=row.pk, preset=row.preset)
    flow = _flow(row)
    if flow is not None:
        subscription_issues.resolve(row, flow.pk)


def _note_failure(lease: SubscriptionLease, row: TriggerSubscription, reason: str) -> None:
    """Store why it failed, and try again later, longer after each failure in a row."""
    flow, is_leaving = _flow(row), row.state == SubscriptionState.LEAVING
    log.warning("subscription.failed", subscription=row.pk, preset=row.preset, reason=reason)
    if is_leaving and row.faults + 1 >= MAX_REMOVAL_TRIES:
        change = f"The webhook at {row.preset} of a removed flow could not be removed: {reason}"
        with transaction.atomic():
            if _held(lease).delete()[0]:
                audit.note(row.workspace_id, "webhook.left", row.preset, ref=row.webhook_id, change=change)
        return
    delay = min(FIRST_DELAY_SECONDS << min(row.faults, 10), MAX_DELAY_SECONDS)
    changes = {
        "state": SubscriptionState.LEAVING if is_leaving else SubscriptionState.FAILING,
        "error": reason,
        "faults": row.faults + 1,
        "due_at": moment(statements.now() + delay * 1_000_000),
    }
    with transaction.atomic():
        if _held(lease).update(**changes) and flow is not None:
            subscription_issues.record(row, flow, reason)


def _flow(row: TriggerSubscription) -> Flow | None:
    return None if row.trigger is None else row.trigger.flow
