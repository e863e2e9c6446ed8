"""Renders the keys of an arrival before it is stored: the deduplication key, the order key and the fan-out list.

The body is parsed once for all three, and not at all if none of them reads it. Nothing here uses the database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from relay.bodies import parse_cost
from relay.bodies.key_digest import key_digest, key_text
from relay.engine.intake import splitting
from relay.engine.intake.elements import Elements, Template
from relay.engine.intake.event_data import EventData, event_context
from relay.engine.intake.trigger_rules import TriggerRules
from relay.errors import RelayError, TemplateLimit
from relay.templating import Budget, Leaf, compile_leaf
from relay.templating.fuel import WORK

Key = TypeVar("Key")

# The order key of all runs of a flow that is ordered without a template.
WHOLE_FLOW = "-"
# Limits within which keys are rendered in a moment, so that they may be rendered where other requests wait: characters
# of a template, bytes of the headers and the query, and units of work (some 200 ns each) of one render.
QUICK_TEMPLATE_CHARACTERS, QUICK_HEAD_BYTES, QUICK_WORK = 300, 16 * 1024, 8_000
# The parts of an event that templates can read without its body being parsed.
_BESIDE_THE_BODY = ("event.headers", "event.query", "event.method", "event.id", "event.received_at")
_FAULTS = (RelayError, ValueError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class ArrivalKeys:
    """Digests of an arrival's keys, and the number of runs that it becomes; None: it has no key, or isn't split."""

    duplicate: str | None = None
    order: str | None = None
    parts: int | None = None


_NONE, _IN_ORDER = ArrivalKeys(), ArrivalKeys(order=WHOLE_FLOW)


def keys_without_rendering(rules: TriggerRules) -> ArrivalKeys:
    """The keys of an arrival if no template is rendered, either because there is none or because it fails."""
    return _IN_ORDER if rules.ordered else _NONE


def derive(rules: TriggerRules, event: EventData) -> ArrivalKeys:
    """The keys of an arrival, within the usual budget. A template that fails or exceeds it gives no key."""
    return _derive(rules, event, _leaves(rules), WORK)


def is_quick(rules: TriggerRules, event: EventData) -> bool:
    """Whether the body and the templates are so small that `derive_quickly` ends within a few milliseconds."""
    if len(event.query) + len(event.headers) > QUICK_HEAD_BYTES:
        return False
    if any(len(source) > QUICK_TEMPLATE_CHARACTERS for source in rules.sources):
        return False
    return parse_cost.is_light(event.body, event.content_type) or not _reads_body(_leaves(rules))


def derive_quickly(rules: TriggerRules, event: EventData) -> ArrivalKeys:
    """As `derive`, but with a small budget: TemplateLimit if a template needs more. Check `is_quick` first."""
    return _derive(rules, event, _leaves(rules), QUICK_WORK)


def _leaves(rules: TriggerRules) -> list[Leaf | None]:
    return [_compile(source) for source in (rules.dedupe, rules.order, rules.split)]


def _compile(source: str) -> Leaf | None:
    """None without a template, and for one that doesn't compile, as a draft may have."""
    try:
        return compile_leaf(source) if source else None
    except RelayError:
        return None


def _reads_body(leaves: Sequence[Leaf | None]) -> bool:
    names = {name for leaf in leaves if leaf is not None for name in leaf.names}
    return not all(name.startswith(_BESIDE_THE_BODY) for name in names)


def _derive(rules: TriggerRules, event: EventData, leaves: list[Leaf | None], work: int) -> ArrivalKeys:
    try:
        context = {"event": event_context(event, with_body=_reads_body(leaves))}
    except _FAULTS:
        return keys_without_rendering(rules)
    dedupe, ordering, split = leaves
    budget = event.budget
    return ArrivalKeys(
        _render(dedupe, context, work, _deduplication_key),
        _render(ordering, context, work, _order_key) or keys_without_rendering(rules).order,
        _render(split and Elements(split), context, work, lambda items: splitting.check_size(items, budget=budget)),
    )


def _render(leaf: Template | None, context: dict[str, Any], work: int, to_key: Callable[[Any], Key]) -> Key | None:
    """The key that `to_key` makes of a rendered template, or None if it fails. TemplateLimit only if `work` < WORK."""
    if leaf is None:
        return None
    try:
        with Budget(work=work):
            return to_key(leaf.render(context))
    except TemplateLimit:
        if work < WORK:
            raise
        return None
    except _FAULTS:
        return None


def _deduplication_key(key: Any) -> str | None:
    """SHA-256 of a rendered key; None for an empty key, whose event is never a duplicate, so that nothing is lost."""
    if key in (None, [], {}):
        return None
    text = key_text(key).strip()
    return key_digest(text) if text else None


def _order_key(key: Any) -> str | None:
    return key_digest(key) if key_text(key).strip() else None
