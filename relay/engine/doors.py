"""Doors: the triggers that requests knock at, as ingest remembers them."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

from relay import backoff
from relay.buckets import Rate, rate
from relay.engine import sql
from relay.engine.duplicates import Recogniser, recogniser
from relay.engine.guards import Guard, guard
from relay.engine.order import Keeper, keeper
from relay.errors import RelayError
from relay.flows.document import TriggerSettings, is_readable, trigger_settings
from relay.flows.keeping import keeping
from relay.flows.verification import answers_bare, content_type, with_preset
from relay.forwarded import Networks
from relay.models import Trigger, sealing
from relay.templating import Leaf, compile_leaf

Known = TypeVar("Known")

DOORS_REMEMBERED = 10_000
MOST_WAIT = 120.0  # seconds


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
    rate: Rate | None = None
    allowed: Networks | None = None  # None: any address
    guard: Guard | None = None  # nobody is verified without
    bare: bool = False  # whether senders want an answer without a body
    content_type: str = ""  # what bodies are, whatever they are called
    split: Leaf | None = None
    wait: float = 0.0  # seconds for which callers are held for what a step answers

    @property
    def mark(self) -> str:
        """By what arrivals are verified here; another when that changes."""
        return self.guard.mark if self.guard else ""


class Doors:
    """The triggers that requests knock at, remembered until something about any trigger changes."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Door] = OrderedDict()
        self._familiar: OrderedDict[str, None] = OrderedDict()
        self._revision: tuple[int, object] = (-1, None)
        self._looked_at = float("-inf")

    def refresh(self) -> None:
        """Forget all when a trigger, a publication, a pause or the key ring has changed since the last look."""
        looked_at = time.monotonic()
        rows = sql.fetch("SELECT number FROM relay_revision WHERE id = 1")
        # A door whose secret could not be opened lets nobody in, until its key is back.
        revision = (rows[0][0] if rows else 0, sealing.stamp())
        if revision != self._revision:
            self._known.clear()
            self._revision = revision
        self._looked_at = looked_at

    def looked_within(self, seconds: float) -> bool:
        """Whether the last look at what has changed began so few seconds ago."""
        return time.monotonic() - self._looked_at < seconds

    def remembered(self, token_digest: str) -> Door | None:
        """The door as last seen, without a query."""
        return self._known.get(token_digest)

    def find(self, token_digest: str) -> Door | None:
        """The door behind a token's digest; none is not remembered, since there is no end of those."""
        door = self._known.get(token_digest)
        if door is None:
            door = _load(token_digest)
            if door is not None:
                _remember(self._known, token_digest, door)
                _remember(self._familiar, token_digest, None)
        return door

    def is_familiar(self, token_digest: str) -> bool:
        """Whether there was a door, whatever has changed since."""
        return token_digest in self._familiar


def _remember(those: OrderedDict[str, Known], token_digest: str, what: Known) -> None:
    those[token_digest] = what
    while len(those) > DOORS_REMEMBERED:
        those.popitem(last=False)


def _load(token_digest: str) -> Door | None:
    trigger = Trigger.objects.select_related("flow", "flow__live_version").filter(token_digest=token_digest).first()
    if trigger is None:
        return None
    flow = trigger.flow
    document = flow.live_version.document if flow.live_version else flow.draft
    said = trigger_settings(document)
    settings = with_preset(said)
    return Door(
        flow.workspace_id,
        flow.pk,
        flow.live_version_id,
        flow.paused,
        settings,
        recogniser(settings),
        keeper(document),
        keeping(document, workspace_days=0).bodies,
        _rate(settings.rate),
        _allowed(settings.allow_ips),
        guard(trigger, said, is_readable=is_readable(document)),
        answers_bare(said),
        content_type(said),
        _split(settings.split),
        _wait(settings.response.wait),
    )


def _split(source: str) -> Leaf | None:
    """What gives the elements; in a draft it may be nonsense, which splits nothing."""
    try:
        return compile_leaf(source) if source else None
    except RelayError:
        return None


def _wait(text: str | None) -> float:
    """Seconds; in a draft it may be nonsense, which is none."""
    try:
        return min(backoff.seconds(text), MOST_WAIT) if text else 0.0
    except ValueError:
        return 0.0


def _rate(text: str | None) -> Rate | None:
    """The trigger's own rate; in a draft it may be nonsense, which is none."""
    try:
        return rate(text) if text else None
    except ValueError:
        return None


def _allowed(texts: tuple[str, ...]) -> Networks | None:
    """The networks of a list; of one with nonsense in it, as a draft's may be, none: a slip opens nothing."""
    try:
        return Networks(texts) if texts else None
    except ValueError:
        return Networks()
