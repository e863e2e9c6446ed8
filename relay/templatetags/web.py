"""Small words of the templates: icons, states, times, trees."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from relay.web import states, times
from relay.web.icons import ICONS

register = template.Library()


@register.simple_tag
def icon(name: object, size: str = "") -> SafeString:
    """An icon of ours; it says nothing to a screen reader, the word beside it does."""
    # Drawn by us and looked up by name: nothing of a request is ever in it.
    shape = mark_safe(ICONS.get(str(name), ICONS["info"]))  # noqa: S308 # nosec B308 B703
    return format_html('<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', size, shape)


@register.simple_tag
def state(kind: str, value: str, style: str = "") -> SafeString:
    """A state as colour, icon and word."""
    look = states.look(kind, value)
    return format_html('<span class="state {} {}">{}{}</span>', look.tone, style, icon(look.icon), look.word)


@register.simple_tag
def ago(when: datetime | None) -> SafeString:
    """A relative time, kept true by times.js; the exact one is on hover."""
    if when is None:
        return mark_safe("")  # nosec B308
    exact = when.strftime("%Y-%m-%d %H:%M:%S UTC")
    words = times.ago(when, at=times.now())
    return format_html('<time data-ago datetime="{}" title="{}">{}</time>', when.isoformat(), exact, words)


@register.filter
def duration(seconds: float | None) -> str:
    return "" if seconds is None else times.duration(seconds)


@register.filter
def thousands(number: int) -> str:
    """`1,284`"""
    return f"{number:,}"


@register.filter
def ticks(text: str) -> SafeString:
    """The text, with what stands between `ticks` as code."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", p) if n % 2 else p,) for n, p in enumerate(parts))
    )


@register.filter
def entry(mapping: dict[Any, Any], key: Any) -> Any:
    """A mapping's value by a name that is itself a variable."""
    return mapping.get(key)


@register.filter
def done(verb: str) -> str:
    """`flow.draft_discarded` as `Flow: draft discarded`"""
    noun, _, what = verb.partition(".")
    return f"{noun.capitalize()}: {what.replace('_', ' ')}"
