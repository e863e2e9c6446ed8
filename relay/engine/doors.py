"""Doors: the triggers that requests knock at, as ingest remembers them."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from relay.engine import sql
from relay.engine.duplicates import Recogniser, recogniser
from relay.engine.order import Keeper, keeper
from relay.flows.document import TriggerSettings, trigger_settings
from relay.flows.keeping import keeping
from relay.models import Trigger

DOORS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Door:
    """A trigger as ingest remembers it. `version_id` is None for a draft: what arrives is captured."""

    workspace_id: int
    flow_id: int
    version_id: int | None
    paused: bool
    settings: TriggerSettings
    recogniser: Recogniser | None = None
    keeper: Keeper | None = None
    bodies: bool = True  # whether the flow keeps bodies


class Doors:
    """The triggers that requests knock at, remembered until something about any trigger changes."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Door | None] = OrderedDict()
        self._revision = -1

    def refresh(self) -> None:
        """Forget all when a trigger, a publication or a pause has changed since the last look."""
        rows = sql.fetch("SELECT number FROM relay_revision WHERE id = 1")
        revision = rows[0][0] if rows else 0
        if revision != self._revision:
            self._known.clear()
            self._revision = revision

    def remembered(self, token_digest: str) -> Door | None:
        """The door as last seen, without a query."""
        return self._known.get(token_digest)

    def find(self, token_digest: str) -> Door | None:
        """The door behind a token's digest; None when there is none."""
        if token_digest not in self._known:
            self._known[token_digest] = _load(token_digest)
            while len(self._known) > DOORS_REMEMBERED:
                self._known.popitem(last=False)
        return self._known[token_digest]


def _load(token_digest: str) -> Door | None:
    trigger = Trigger.objects.select_related("flow", "flow__live_version").filter(token_digest=token_digest).first()
    if trigger is None:
        return None
    flow = trigger.flow
    document = flow.live_version.document if flow.live_version else flow.draft
    settings = trigger_settings(document)
    return Door(
        flow.workspace_id,
        flow.pk,
        flow.live_version_id,
        flow.paused,
        settings,
        recogniser(settings),
        keeper(document),
        keeping(document, workspace_days=0).bodies,
    )
