"""Defines the template tags and filters of the pages: icons, states, times, help links."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from relay.handbook import Page
from relay.web.help import help_pages
from relay.web.ui import state_labels, times
from relay.web.ui.icons import ICONS

register = template.Library()


@register.simple_tag
def icon(name: object, size: str = "") -> SafeString:
    """Render an icon. It is hidden from screen readers, which read the text beside it."""
    # The shapes are constants of Relay, looked up by name.
    shape = mark_safe(ICONS.get(str(name), ICONS["info"]))  # noqa: S308 # nosec B308 B703
    return format_html('<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true">{}</svg>', size, shape)


@register.simple_tag
def state(kind: str, value: str, style: str = "") -> SafeString:
    """Render a state as colour, icon and word."""
    look = state_labels.look(kind, value)
    return format_html('<span class="state {} {}">{}{}</span>', look.tone, style, icon(look.icon), look.word)


@register.simple_tag
def ago(when: datetime | None) -> SafeString:
    """Render a relative time, which times.js keeps current, with the exact time on hover."""
    if when is None:
        return mark_safe("")  # nosec B308
    words = times.ago(when, at=times.now())
    return format_html('<time data-ago datetime="{}" title="{}">{}</time>', when.isoformat(), times.exact(when), words)


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?: UTC|Z|\+00:00)")


@register.filter
def local_times(text: str) -> str:
    """Write the times of a sentence of Relay, which are in UTC, in the reader's zone."""
    return _MOMENT.sub(lambda found: _local(found.group()), text)


def _local(text: str) -> str:
    try:
        return times.exact(datetime.fromisoformat(text.replace(" UTC", "+00:00")))
    except ValueError:
        return text


@register.filter
def duration(seconds: float | None) -> str:
    return "" if seconds is None else times.duration(seconds)


@register.filter
def thousands(number: int) -> str:
    """Format a number as `1,284`."""
    return f"{number:,}"


@register.filter
def ticks(text: str) -> SafeString:
    """Render a text with the parts between backticks as code."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if index % 2 else part,) for index, part in enumerate(parts))
    )


@register.simple_tag
def help(page: str, anchor: str = "") -> SafeString:  # noqa: A001
    """Render a link to a section of the documentation. It opens a new tab, so that a form on the page isn't lost."""
    url = f"{help_pages.address(page)}#{anchor}" if anchor else help_pages.address(page)
    return format_html(
        '<a class="button ghost square compact" href="{}" target="_blank" rel="noopener" title="Help"'
        ' aria-label="Help">{}</a>',
        url,
        icon("help"),
    )


@register.filter
def prose(page: Page) -> SafeString:
    """Render a page of the documentation. Its HTML comes from files of Relay, so it is safe."""
    # Code that is wider than the page is scrolled with the keyboard, too.
    return mark_safe(page.html.replace("<pre>", '<pre tabindex="0">'))  # noqa: S308 # nosec B308 B703


@register.filter
def help_address(name: str) -> str:
    """Return the URL of a page of the documentation."""
    return help_pages.address(name)


@register.filter
def entry(mapping: dict[Any, Any], key: Any) -> Any:
    """Return the value of a key that is itself a variable."""
    return mapping.get(key)


@register.filter
def done(verb: str) -> str:
    """Format an audit verb: `flow.draft_discarded` becomes `Flow: draft discarded`."""
    noun, _, what = verb.partition(".")
    return f"{noun.capitalize()}: {what.replace('_', ' ')}"
