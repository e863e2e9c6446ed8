"""Secrets of triggers: added, ended and removed here, and ingest is told."""

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
from relay.models import Flow, Revision, Trigger, TriggerSecret

MOST = 10


def fields(flow: Flow) -> tuple[Field, ...]:
    """What a secret of this flow's trigger consists of, by its draft; () where nothing has to be stored."""
    return _about(flow.draft).secret


def _about(document: dict[str, Any]) -> Verification:
    """What a document asks for; nothing where it can't be read."""
    try:
        return verification(trigger_settings(document))
    except RelayError:
        return Verification()


def former(flow: Flow) -> QuerySet[TriggerSecret]:
    """Secrets of former senders: neither the draft nor the live version verifies with them."""
    documents = [flow.draft, *([flow.live_version.document] if flow.live_version else [])]
    return flow.trigger.secrets_of_others(*(_about(one).sender for one in documents))


def remove_former(flow: Flow) -> int:
    """Forget the secrets of former senders; how many those were."""
    gone = list(former(flow))
    for secret in gone:
        remove(secret)
    return len(gone)


def add(flow: Flow, values: dict[str, Any], *, until: datetime | None = None) -> TriggerSecret:
    """Seal one more secret, in force from now on. RelayError says what is wrong with it."""
    wanted = fields(flow)
    if not wanted:
        raise RelayError("This trigger verifies nothing with a secret: choose a sender or a scheme first")
    faults = check_values(wanted, values)
    if faults:
        labels = {one.key: one.label for one in wanted}
        raise RelayError("; ".join(f"{labels.get(key, key)} {fault}" for key, fault in faults.items()))
    if until is not None and until <= timezone.now():
        raise RelayError("The end of a secret is in the future")
    with transaction.atomic():
        trigger = Trigger.objects.select_for_update().get(flow=flow)
        if trigger.secrets.count() >= MOST:
            raise RelayError(f"A trigger may have {MOST} secrets; remove one first")
        parts = {key: str(value) for key, value in values.items()}
        return _keep(trigger, _about(flow.draft).sender, parts, until=until)


def take(flow_id: int, sender: str, value: str, *, part: str) -> bool:
    """Keep the secret that a sender brought when it was set up; False where one is stored for it already."""
    with transaction.atomic():
        trigger = Trigger.objects.select_for_update().filter(flow_id=flow_id).first()
        if trigger is None or trigger.secrets_of(sender).exists():
            return False
        _keep(trigger, sender, {part: value}, by_handshake=True)
    return True


def _keep(
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
    _told(secret, "secret.brought" if by_handshake else "secret.added")
    return secret


def _told(secret: TriggerSecret, verb: str, change: str = "") -> None:
    """Tell ingest, and note it; in the transaction of the change itself."""
    flow = secret.trigger.flow
    Revision.bump()
    audit.note(flow.workspace_id, verb, flow, ref=flow.pk, change=change)


def end(secret: TriggerSecret, at: datetime | None = None) -> None:
    """Let a secret count until `at`, or no longer at all."""
    secret.ends_at = at or timezone.now()
    with transaction.atomic():
        secret.save(update_fields=["ends_at"])
        _told(secret, "secret.ended", f"Ends {secret.ends_at:%Y-%m-%d %H:%M} UTC")


def remove(secret: TriggerSecret) -> None:
    """Forget a secret. With the last one, a sender may bring one by a handshake again."""
    with transaction.atomic():
        _told(secret, "secret.removed")
        secret.delete()
