"""Reads from a document the templates that a trigger renders for each arrival before it is stored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from relay import backoff
from relay.flows.document import TriggerSettings


@dataclass(frozen=True, slots=True)
class TriggerRules:
    """Templates that are rendered for each arrival; "" if there is none. `window` in microseconds.

    `dedupe`: the deduplication key. `ordered`: runs wait for each other, by the key that `order` gives. `split`: the
    list by which an arrival fans out.
    """

    dedupe: str = ""
    window: int = 0
    ordered: bool = False
    order: str = ""
    split: str = ""

    @property
    def sources(self) -> list[str]:
        return [source for source in (self.dedupe, self.order, self.split) if source]

    def of_sample(self) -> TriggerRules:
        """These rules without deduplication: a sample is never a duplicate."""
        return replace(self, dedupe="") if self.dedupe else self


NO_RULES = TriggerRules()


def rules(document: dict[str, Any], trigger: TriggerSettings, *, is_live: bool) -> TriggerRules:
    """The rules of a document, which may be a half-built draft; `trigger`: its settings, completed by the preset."""
    value = document.get("settings")
    settings = value if isinstance(value, dict) else {}
    ordered = settings.get("ordered") is True
    key = settings.get("order_key")
    window = _window(trigger)
    return TriggerRules(
        dedupe=trigger.dedupe.key if trigger.dedupe and window else "",
        window=window,
        ordered=ordered,
        order=key if ordered and isinstance(key, str) else "",
        # A draft only captures events: there are no runs.
        split=trigger.split if is_live else "",
    )


def _window(trigger: TriggerSettings) -> int:
    try:
        return int(backoff.seconds(trigger.dedupe.window) * 1e6) if trigger.dedupe else 0
    except ValueError:
        return 0
