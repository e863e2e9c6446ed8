"""Adds, ends and removes the secrets of triggers, and notifies ingest of each change."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from relay.connectors.definition import Field, check_values
from relay.engine import audit
from relay.errors import RelayError
from relay.flows.document import trigger_settings
from relay.flows.verification import Verification, verification
from relay.models import Flow, Trigger, TriggerSecret

MAX_SECRETS = 10


def fields(flow: Flow) -> tuple[Field, ...]:
    """The fields of a secret for this flow's trigger, by its draft; () if it needs no secret."""
    return _verification_of(flow.draft).secret


def _verification_of(document: dict[str, Any]) -> Verification:
    """The request verification of a document; an empty one if its trigger is invalid."""
    try:
        return verification(trigger_settings(document))
    except RelayError:
        return Verification()


def former_secrets(flow: Flow) -> QuerySet[TriggerSecret]:
    """The secrets of former senders, which neither the draft nor the live version uses."""
    documents = [flow.draft, *([flow.live_version.document] if flow.live_version else [])]
    return flow.trigger.secrets.for_other_senders(*(_verification_of(document).sender for document in documents))


def remove_former(flow: Flow) -> int:
    """Remove the secrets of former senders; return their number."""
    secrets = list(former_secrets(flow))
    for secret in secrets:
        remove(secret)
    return len(secrets)


def add(flow: Flow, values: dict[str, Any], *, until: datetime | None = None) -> TriggerSecret:
    """Seal one more secret, which is in force from now on. RelayError says what is wrong with it."""
    required = fields(flow)
    if not required:
        raise RelayError("This trigger verifies nothing with a secret: choose a sender or a scheme first")
    faults = check_values(required, values)
    if faults:
        labels = {field.key: field.label for field in required}
        raise RelayError("; ".join(f"{labels.get(key, key)} {fault}" for key, fault in faults.items()))
    if until is not None and until <= timezone.now():
        raise RelayError("The end of a secret is in the future")
    with transaction.atomic():
        trigger = Trigger.objects.select_for_update().get(flow=flow)
        if trigger.secrets.count() >= MAX_SECRETS:
            raise RelayError(f"A trigger may have {MAX_SECRETS} secrets; remove one first")
        parts = {key: str(value) for key, value in values.items()}
        return _store(trigger, _verification_of(flow.draft).sender, parts, until=until)


def accept_handshake_secret(flow_id: int, sender: str, value: str, *, part: str) -> bool:
    """Store the secret that a sender sent in its handshake; False if a secret is stored for that sender already."""
    with transaction.atomic():
        trigger = Trigger.objects.select_for_update().filter(flow_id=flow_id).first()
        if trigger is None or trigger.secrets.for_senders(sender).exists():
            return False
        _store(trigger, sender, {part: value}, by_handshake=True)
    return True


def _store(
    trigger: Trigger,
    sender: str,
    values: dict[str, str],
    *,
    until: datetime | None = None,
    by_handshake: bool = False,
) -> TriggerSecret:
    secret = TriggerSecret(trigger=trigger, sender=sender, ends_at=until, by_handshake=by_handshake)
    secret.seal(values)
    secret.save()
    _announce(secret, "secret.brought" if by_handshake else "secret.added")
    return secret


def _announce(secret: TriggerSecret, verb: str, change: str = "") -> None:
    """Notify ingest and write the audit log, in the transaction of the change."""
    flow = secret.trigger.flow
    Trigger.note_change(flow.pk)
    audit.note(flow.workspace_id, verb, flow, ref=flow.pk, change=change)


def end(secret: TriggerSecret, at: datetime | None = None) -> None:
    """End a secret at a time, or at once."""
    secret.ends_at = at or timezone.now()
    with transaction.atomic():
        secret.save(update_fields=["ends_at"])
        _announce(secret, "secret.ended", f"Ends {secret.ends_at:%Y-%m-%d %H:%M} UTC")


def remove(secret: TriggerSecret) -> None:
    """Remove a secret. After the last one, a handshake may bring a secret again."""
    with transaction.atomic():
        _announce(secret, "secret.removed")
        secret.delete()
