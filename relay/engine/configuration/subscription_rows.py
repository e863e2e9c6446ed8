"""Keeps what Relay knows of a webhook at a sender in its row, and calls the sender with that."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from relay.connectors import registry
from relay.engine.database import statements
from relay.engine.service_calls import service_call
from relay.engine.service_calls.service_call import Caller
from relay.engine.service_calls.webhook import Made, Webhook
from relay.errors import RelayError, VaultError
from relay.models import SubscriptionState, TriggerSubscription
from relay.models.fields import moment

RENEW_SHARE = 0.75  # of the time until it ends, after which a webhook is renewed


def settle(row: TriggerSubscription, hook: Webhook, made: Made) -> None:
    """Set the columns of a webhook that was made or renewed; the caller saves the row."""
    row.webhook_id = made.id
    row.seal({"url": hook.url, "inputs": dict(hook.inputs), "answer": dict(made.answer)})
    row.state, row.error, row.faults = SubscriptionState.CONNECTED, "", 0
    row.ends_at = None if made.ends_at is None else moment(made.ends_at)
    row.due_at = None
    if made.ends_at is not None:
        now = statements.now()
        row.due_at = moment(now + int((made.ends_at - now) * RENEW_SHARE))


def leave_made(row: TriggerSubscription, hook: Webhook, made: Made) -> None:
    """Have upkeep remove a webhook that no row holds any more."""
    left = TriggerSubscription(
        workspace_id=row.workspace_id,
        preset=row.preset,
        connection_id=row.connection_id,
        mark=secrets.token_hex(16),
        webhook_id=made.id,
        about=row.about,
        state=SubscriptionState.LEAVING,
        due_at=moment(statements.now()),
    )
    left.seal({"url": hook.url, "inputs": dict(hook.inputs), "answer": dict(made.answer)})
    left.save()


def remove_at_service(row: TriggerSubscription) -> None:
    """Remove a webhook at its service; without an id, all that the service lists for its URL. Raises RelayError."""
    hook, caller, answer = opened(row)
    if row.webhook_id:
        hook.remove(caller, answer)
    else:
        hook.remove_all(caller)


def opened(row: TriggerSubscription) -> tuple[Webhook, Caller, dict[str, Any]]:
    """The webhook of a row, a caller for it, and the service's last answer about it. Call it in turn."""
    connector, preset = registry.presets().get(row.preset, (None, None))
    if connector is None or preset is None or preset.subscription is None:
        raise RelayError(f"This version of Relay can't create webhooks at {row.preset}")
    if row.connection is None:
        raise RelayError(f"The connection by which the webhook at {connector.label} was made doesn't exist any more")
    known = row.unseal()
    hook = Webhook(connector, preset.subscription, known["inputs"], known["url"])
    return hook, service_call.caller(connector, row.workspace_id, row.connection), known["answer"]


def make_again(row: TriggerSubscription, hook: Webhook, caller: Caller) -> Made:
    """A new webhook in place of one that the service has no longer, with the secret that Relay has made for it."""
    connector, preset = registry.presets()[row.preset]
    if hook.calls.secret or any(handshake.store for handshake in preset.handshakes):
        raise RelayError(f"{connector.label} has the webhook no longer; disconnect the trigger and connect it again")
    hook = hook.prepared(caller)
    hook.remove_all(caller)
    secret = row.secret.unseal() if hook.calls.makes_secret and row.secret else {}
    return hook.subscribe(caller, str(next(iter(secret.values()), "")))


def sends_elsewhere(row: TriggerSubscription, url: str) -> bool:
    """Whether the webhook sends to another URL than the trigger's present one, as after a change of the public URL."""
    try:
        return bool(row.unseal()["url"] != url)
    except VaultError:
        return False


def record(row: TriggerSubscription) -> dict[str, Any]:
    """A webhook as JSON, for the API and the command. Times are in UTC."""
    _, preset = registry.presets().get(row.preset, (None, None))
    return {
        "sender": row.preset,
        "label": preset.label if preset else row.preset,
        "about": row.about,
        "connection": row.connection.name if row.connection else None,
        "state": str(row.state),
        "error": row.error or None,
        "since": _text(row.made_at),
        "by": row.made_by,
        "renewed": _text(row.renewed_at),
        "ends": _text(row.ends_at),
    }


def _text(when: datetime | None) -> str | None:
    return None if when is None else when.isoformat(timespec="seconds").replace("+00:00", "Z")
