"""Caches triggers, so that ingest needs no query to find the trigger of a request."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from relay import backoff
from relay.bodies.body_types import BodyTypes, decide
from relay.client_address import Networks
from relay.engine.database import statements
from relay.engine.intake.request_verification import RequestVerifier, request_verifier
from relay.engine.intake.trigger_rules import NO_RULES, TriggerRules, rules
from relay.flows import cors
from relay.flows.document import TriggerSettings, is_readable, trigger_settings
from relay.flows.retention import retention_of
from relay.flows.verification import answers_bare, body_types, file_fields, form_fields, with_preset
from relay.models import Trigger, sealing
from relay.token_bucket import Rate, rate

# The number of changes to a trigger so far, and the key ring. The ring is part of it because a trigger whose secret
# can't be opened rejects every request, until its key is back.
Revision: TypeAlias = tuple[int, object]

NO_REVISION: Revision = (-1, None)
MAX_TRIGGERS = 10_000
FLOWS_PER_STATEMENT = 1_000  # databases take some 32,000 parameters
MAX_WAIT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class CachedTrigger:
    """A trigger, with all that accepting a request needs. `version_id` is None for a draft, which captures events."""

    workspace_id: int
    flow_id: int
    version_id: int | None
    paused: bool
    settings: TriggerSettings
    rules: TriggerRules = NO_RULES
    keeps_bodies: bool = True
    rate: Rate | None = None
    allowed: Networks | None = None  # None: any address
    verifier: RequestVerifier | None = None  # None: senders are not verified
    answers_bare: bool = False  # whether the sender wants responses without a body
    body_types: BodyTypes = ()  # how bodies are parsed; empty: by the Content-Type header
    form_fields: tuple[str, ...] = ()  # form fields that hold JSON or XML
    file_fields: tuple[str, ...] = ()  # paths in JSON that hold files in base64
    cors: tuple[cors.CorsHeaders, ...] = ()  # one for each origin whose pages may read responses
    wait: float = 0.0  # seconds for which a caller waits for the response of a step
    revision: Revision = NO_REVISION  # changes whenever the trigger or its flow is changed

    def content_type(self, header: str, body: bytes) -> str:
        """The content type by which a body is parsed; `header` is the request's Content-Type header."""
        return decide(header, self.body_types, body, self.form_fields, self.file_fields)


@dataclass(slots=True)
class _Entry:
    """A trigger, and when it was last compared with the database (seconds of the monotonic clock)."""

    trigger: CachedTrigger
    checked_at: float


class TriggerCache:
    """The triggers that requests were sent to. Each is cached until it changes; changes of others don't affect it.

    Code that stores an arrival compares its trigger's revision with the database's in the same transaction.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[str, _Entry] = OrderedDict()

    def cached(self, token_digest: str) -> CachedTrigger | None:
        """The trigger as last loaded, without a query."""
        entry = self._entries.get(token_digest)
        return None if entry is None else entry.trigger

    def was_checked_within(self, token_digest: str, seconds: float) -> bool:
        """Whether this trigger was compared with the database in the last `seconds`."""
        entry = self._entries.get(token_digest)
        return entry is not None and time.monotonic() - entry.checked_at < seconds

    def find(self, token_digest: str) -> CachedTrigger | None:
        """The cached trigger, or else one from the database; None for an unknown token, which is not cached."""
        return self.cached(token_digest) or self._load(token_digest)

    def refresh(self, token_digest: str) -> CachedTrigger | None:
        """The trigger as the database has it; takes one query if it has not changed since it was cached."""
        entry, checked_at = self._entries.get(token_digest), time.monotonic()
        if entry is None or not self._is_current(entry.trigger):
            return self._load(token_digest)
        entry.checked_at = checked_at
        return entry.trigger

    def _is_current(self, trigger: CachedTrigger) -> bool:
        key_ring = sealing.stamp()
        return trigger.revision == (revisions([trigger.flow_id]).get(trigger.flow_id), key_ring)

    def _load(self, token_digest: str) -> CachedTrigger | None:
        # Both parts of the revision are read before the secrets: if a change comes in between, the trigger is stale and
        # loaded again, but never wrong.
        checked_at, key_ring = time.monotonic(), sealing.stamp()
        trigger = _load(token_digest, key_ring)
        if trigger is None:
            self._entries.pop(token_digest, None)
            return None
        self._entries[token_digest] = _Entry(trigger, checked_at)
        while len(self._entries) > MAX_TRIGGERS:
            self._entries.popitem(last=False)
        return trigger


def revisions(flow_ids: Iterable[int]) -> dict[int, int]:
    """The number of changes to each flow's trigger, from the database. Flows without a trigger are left out."""
    wanted = sorted(set(flow_ids))
    numbers: dict[int, int] = {}
    for start in range(0, len(wanted), FLOWS_PER_STATEMENT):
        chunk = wanted[start : start + FLOWS_PER_STATEMENT]
        marks = statements.marks(len(chunk))
        rows = statements.fetch(f"SELECT flow_id, revision FROM relay_trigger WHERE flow_id IN ({marks})", chunk)
        numbers.update((flow_id, revision) for flow_id, revision in rows)
    return numbers


def _load(token_digest: str, key_ring: object) -> CachedTrigger | None:
    trigger = Trigger.objects.select_related("flow", "flow__live_version").filter(token_digest=token_digest).first()
    if trigger is None:
        return None
    flow = trigger.flow
    document = flow.live_version.document if flow.live_version else flow.draft
    written = trigger_settings(document)
    settings = with_preset(written)
    return CachedTrigger(
        flow.workspace_id,
        flow.pk,
        flow.live_version_id,
        flow.paused,
        settings,
        rules(document, settings, is_live=flow.live_version_id is not None),
        retention_of(document, workspace_days=0).bodies,
        _rate(settings.rate),
        _allowed(settings.allow_ips),
        request_verifier(trigger, written, is_readable=is_readable(document)),
        answers_bare(written),
        body_types(written),
        form_fields(written),
        file_fields(written),
        cors.allowed_origins(document),
        _wait(settings.response.wait),
        (trigger.revision, key_ring),
    )


def _wait(text: str | None) -> float:
    """Seconds; 0 for a value that can't be read, as a draft may have."""
    try:
        return min(backoff.seconds(text), MAX_WAIT_SECONDS) if text else 0.0
    except ValueError:
        return 0.0


def _rate(text: str | None) -> Rate | None:
    """The trigger's own rate; None for a value that can't be read, as a draft may have."""
    try:
        return rate(text) if text else None
    except ValueError:
        return None


def _allowed(texts: tuple[str, ...]) -> Networks | None:
    """The networks of a list. A list that can't be read, as a draft may have, allows no address."""
    try:
        return Networks(texts) if texts else None
    except ValueError:
        return Networks()
